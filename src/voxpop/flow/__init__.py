"""When this is done, ask for that: the only code that knows two stages."""
