"""Providers of identity: one folder a protocol."""
