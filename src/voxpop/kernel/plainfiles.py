"""Files in folders that somebody else writes to: read as they lie there, and never through a link.

A run and a person's terminal write to folders that voxpop reads afterwards, outside the sandbox. A link that they leave
there would be followed with voxpop's rights, into what they may not see.
"""

import errno
import os
import stat
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Self


def plain_file(folder: Path, relative: str) -> Path | None:
    """Return a file below a folder; None where it is not there, is no plain file, or a link stands on the way to it.

    Parameters
    ----------
    relative : str
        Its path below ``folder``; one that leads out of it gives None.
    """
    parts = PurePosixPath(relative).parts
    if not parts or ".." in parts or PurePosixPath(relative).is_absolute():
        return None
    place = folder
    for part in parts:
        place = place / part
        try:
            found = place.lstat()
        except (OSError, ValueError):  # gone, no folder on the way, or a name that no file can have
            return None
        if stat.S_ISLNK(found.st_mode):
            return None
    return place if stat.S_ISREG(found.st_mode) else None


def read_plain(folder: Path, name: str) -> bytes:
    """Return the content of a file that lies in a folder itself.

    Raises
    ------
    FileNotFoundError
        If it is not there, or is no plain file.
    """
    return _read(_opened(str(folder / name), os.O_RDONLY), -1)


def append_plain(folder: Path, name: str) -> BinaryIO:
    """Open a file that lies in a folder itself, to append to; it is made where it is not there.

    Raises
    ------
    FileNotFoundError
        If something is there that is no plain file.
    """
    descriptor = _opened(str(folder / name), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_there()
    return os.fdopen(descriptor, "ab")


class PlainFolder:
    """A folder that is held open, so that nothing can be put in its place while it is looked into.

    Raises
    ------
    FileNotFoundError
        If it is not there, or a link stands in its place.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as failure:
            if failure.errno in (errno.ELOOP, errno.ENOTDIR):
                raise _not_there() from None
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        os.close(self._descriptor)

    def names(self, most: int) -> list[str]:
        """Return what lies in it, at most so many."""
        with os.scandir(self._descriptor) as entries:
            return [entry.name for entry in islice(entries, most)]

    def read(self, name: str, most: int) -> bytes:
        """Return the beginning of a file that lies in it.

        Parameters
        ----------
        most : int, bytes

        Raises
        ------
        FileNotFoundError
            If it is not there, or is no plain file.
        """
        return _read(_opened(name, os.O_RDONLY, self._descriptor), most)


def _opened(name: str, flags: int, folder: int | None = None) -> int:
    """Open a file and follow no link; nobody who planted a pipe is waited for."""
    try:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666, dir_fd=folder)
    except OSError as failure:
        if failure.errno in (errno.ELOOP, errno.ENXIO):
            raise _not_there() from None
        raise


def _read(descriptor: int, most: int) -> bytes:
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _not_there()
        return stream.read(most)


def _not_there() -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def strange(folder: Path, apart: Collection[str] = ()) -> Iterator[str]:
    """Yield what lies below a folder and is neither a plain file nor a folder, relative to it.

    Parameters
    ----------
    apart : collection of str
        Names of folders in it that are not looked into.
    """
    for here, folders, files in os.walk(folder):
        names = sorted((*folders, *files))
        if Path(here) == folder:
            folders[:] = [name for name in folders if name not in apart]
        for name in names:
            mode = (Path(here) / name).lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                yield (Path(here) / name).relative_to(folder).as_posix()
