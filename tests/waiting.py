"""To wait for what something else does, and tells nobody."""

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 60.0


def until(there: Callable[[], object], otherwise: Callable[[], str] = str, patience_s: float = PATIENCE_S) -> None:
    """Wait until something is there; fail after a minute, or what is given, with what there is to say."""
    end = time.monotonic() + patience_s
    while not there():
        assert time.monotonic() < end, otherwise()
        time.sleep(0.05)


def line_of(path: Path, otherwise: Callable[[], str] = str) -> str:
    """Wait until a file has its first whole line, and return that."""
    until(lambda: path.is_file() and "\n" in path.read_text(), otherwise)
    return path.read_text().splitlines()[0]
