"""The portal and the API; nothing here yet."""
