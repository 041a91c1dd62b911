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
    """Copy what lies there; each folder is held open, so that nobody exchanges one for a link meanwhile."""
    seen: dict[tuple[int, int], Path] = {}
    for here, folders, files, held in os.fwalk(source):
        place = target / Path(here).relative_to(source)
        place.mkdir()
        for name in (*folders, *files):
            known = os.lstat(name, dir_fd=held)
            if stat.S_ISLNK(known.st_mode):
                (place / name).symlink_to(os.readlink(name, dir_fd=held))
            elif stat.S_ISREG(known.st_mode):
                twin = seen.setdefault((known.st_dev, known.st_ino), place / name)
                if twin == place / name:
                    _copy_file(name, held, twin)
                else:
                    (place / name).hardlink_to(twin)


def _copy_file(name: str, folder: int, target: Path) -> None:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as read, target.open("wb") as written:
        shutil.copyfileobj(read, written)
        known = os.fstat(descriptor)
    target.chmod(stat.S_IMODE(known.st_mode))
    os.utime(target, ns=(known.st_atime_ns, known.st_mtime_ns))
