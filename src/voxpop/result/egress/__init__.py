"""What leaves an appliance: looked at, asked for by one person, let out by another, and kept on record."""
