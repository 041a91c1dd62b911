"""Programs that look at roles."""
