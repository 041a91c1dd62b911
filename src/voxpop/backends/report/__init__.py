"""Typesetters of reports: one folder an engine."""
