"""To wait for what something else does, and tells nobody."""

import time
from collections.abc import Callable

PATIENCE_S = 60.0


def until(there: Callable[[], object], otherwise: Callable[[], str] = str, patience_s: float = PATIENCE_S) -> None:
    """Wait until something is there; fail after a minute, or what is given, with what there is to say."""
    end = time.monotonic() + patience_s
    while not there():
        assert time.monotonic() < end, otherwise()
        time.sleep(0.05)
