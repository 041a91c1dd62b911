"""Engines that run pipelines: one folder an engine."""
