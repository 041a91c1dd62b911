"""Settings and entry points become a running system: the only code that chooses a back-end."""
