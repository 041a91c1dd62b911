"""To wait for what something else does, and tells nobody."""

import time
from collections.abc import Callable

PATIENCE_S = 60.0


def until(there: Callable[[], object], otherwise: Callable[[], str] = str) -> None:
    """Wait until something is there; fail after a minute, with what there is to say."""
    end = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < end, otherwise()
        time.sleep(0.05)
