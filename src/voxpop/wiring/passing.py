"""Folders that are there for a while: held by the process that made them, so that what a killed one left is known."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from filelock import FileLock, Timeout

_HELD = ".held"


@dataclass(slots=True)
class Passing:
    """A folder that is there for a while.

    Parameters
    ----------
    kept : bool
        Whether it stays when its process is done with it: the next of its kind clears it.
    """

    path: Path
    kept: bool = False


@contextmanager
def passing_folder(parent: Path, prefix: str) -> Iterator[Passing]:
    """Yield a new folder that only its owner may open; gone at the end."""
    folder, lock = _made(parent, prefix)
    passing = Passing(folder)
    try:
        yield passing
    finally:
        if not passing.kept:
            _remove(folder)
        lock.release()


def left_behind(parent: Path, prefix: str) -> list[Path]:
    """Return the folders of a kind that dead processes left; nothing is changed."""
    found = []
    for folder in _of_kind(parent, prefix):
        with _taken(folder) as taken:
            found += [folder] * taken
    return found


def clear(parent: Path, prefix: str) -> None:
    """Remove the folders of a kind that dead processes left."""
    for folder in _of_kind(parent, prefix):
        with _taken(folder) as taken:
            if taken:
                _remove(folder)
        with suppress(OSError):  # one that was killed before it held its folder left it empty
            folder.rmdir()


def _made(parent: Path, prefix: str) -> tuple[Path, FileLock]:
    while True:
        folder = Path(mkdtemp(prefix=prefix, dir=parent))
        lock = FileLock(folder / _HELD)
        with suppress(Timeout, FileNotFoundError):  # one that clears was here before the lock was
            lock.acquire(timeout=0)
            return folder, lock


def _of_kind(parent: Path, prefix: str) -> list[Path]:
    try:
        return sorted(one for one in parent.iterdir() if one.name.startswith(prefix) and not one.is_symlink())
    except OSError:  # it is not there, or may be written and not listed
        return []


@contextmanager
def _taken(folder: Path) -> Iterator[bool]:
    """Hold a folder that a dead process left; false where a living one does, or where none ever held it."""
    lock = FileLock(folder / _HELD)
    with suppress(OSError):  # a living one holds it, or it is another user's
        if (folder / _HELD).is_file():
            lock.acquire(timeout=0)
    try:
        yield lock.is_locked
    finally:
        lock.release()


def _remove(folder: Path) -> None:
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(0o700)  # a sealed volume's folders let nothing be taken out
    shutil.rmtree(folder, ignore_errors=True)
