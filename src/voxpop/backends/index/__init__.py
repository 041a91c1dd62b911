"""The index of archives: one folder an engine."""
