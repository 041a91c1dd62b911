"""What came from what, as plain facts, written down as a research object (RO-Crate)."""
