"""A child process that ends when its parent does, however the parent ends."""

import os
import threading
from multiprocessing import parent_process


def die_with_parent() -> None:
    """Watch the parent in a thread and end this process at once when the parent is gone."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_follow, name="lifeline", daemon=True).start()


def _follow() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
