"""The typed client of the API; nothing here yet."""
