"""The run: a CWL pipeline over a volume, recorded so that it can be repeated."""
