"""Value types that two stages share; imports nothing of ours."""
