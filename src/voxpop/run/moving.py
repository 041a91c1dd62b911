"""A run's folder, put in its place whole: by its name where it can be, else by a copy."""

import errno
import os
import shutil
import stat
from pathlib import Path


def move_whole(source: Path, target: Path) -> None:
    """Move a folder; a process that is killed on the way leaves it whole in one of both places.

    The same call again goes on. What lies in the target's place is what a call before was not done with, and goes.
    Across file systems links stay links, files with two names keep both, and pipes and sockets are left out.

    Parameters
    ----------
    target : Path
        The folder's name there; what is above it is made.
    """
    arriving, leaving = target.with_name(f".{target.name}.arriving"), source.with_name(f".{source.name}.leaving")
    for left in (arriving, leaving):
        shutil.rmtree(left, ignore_errors=True)
    if not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        shutil.rmtree(target)
    try:
        source.rename(target)
    except OSError as elsewhere:
        if elsewhere.errno != errno.EXDEV:
            raise
        _copy(source, arriving)
        arriving.rename(target)
        source.rename(leaving)
        shutil.rmtree(leaving)


def _copy(source: Path, target: Path) -> None:
    seen: dict[tuple[int, int], str] = {}

    def copied(one: str, other: str) -> str:
        known = os.lstat(one)
        if not (stat.S_ISREG(known.st_mode) or stat.S_ISLNK(known.st_mode)):
            return other
        twin = seen.setdefault((known.st_dev, known.st_ino), other)
        if twin == other:
            shutil.copy2(one, other, follow_symlinks=False)
        else:
            os.link(twin, other, follow_symlinks=False)
        return other

    shutil.copytree(source, target, symlinks=True, copy_function=copied)
