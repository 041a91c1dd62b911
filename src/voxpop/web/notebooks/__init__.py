"""Notebooks on an origin of their own: what they show is anybody's script, and must not act in the portal."""
