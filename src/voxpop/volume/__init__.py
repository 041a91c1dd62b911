"""The volume: a sealed, checksummed tree with an owner, an access list and an end date."""
