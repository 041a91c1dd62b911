"""How much of one unit another is."""

MB_PER_GB = 1000
"""Megabytes of memory that a queue's worker has for each gigabyte that it was given: never more than are there."""
