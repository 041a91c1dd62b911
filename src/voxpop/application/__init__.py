"""The research application: what is asked for, and who decided what about it."""
