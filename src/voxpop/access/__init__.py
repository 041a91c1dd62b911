"""Who may come in, and who may do what: accounts, groups, sessions, tokens and the one permission table."""
