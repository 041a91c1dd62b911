"""How the words of others are quoted in a sentence."""

_MOST = 600  # characters


def last_words(said: str) -> str:
    """Return the end of what a program wrote, on one line."""
    return " ".join(said.split())[-_MOST:]


def first_words(said: str) -> str:
    """Return the beginning of what a program answered, on one line."""
    return " ".join(said.split())[:_MOST]
