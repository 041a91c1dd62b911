"""Archives: their members are looked at, and whatever could hurt whoever opens them is named."""

import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath
from typing import IO

from voxpop.kernel.zips import BROKEN_ZIP
from voxpop.result.egress.inflating import Opening

ESCAPES = "holds a name that leads out of the folder it is opened in: leave the file out"
BOMB = "holds far more than its size: it cannot be vouched for, leave it out"
NESTED = "holds an archive inside an archive: give its files one by one"
CLOSED = "holds an archive that is not opened here: give its files one by one"
_CHUNK = 2**20
_TOO_SMALL_TO_HURT = 2**24

Member = tuple[str, bytes]
"""A name and a content."""


def zip_members(opening: Opening, content: bytes) -> Iterator[Member]:
    """Yield the members of a zip archive, within the limits."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if any(entry.flag_bits & 1 for entry in entries):
                opening.fault(
                    "archive", "holds a locked archive, which cannot be vouched for: give its files one by one"
                )
                return
            sizes = sum(entry.file_size for entry in entries)
            if _check(opening, [entry.filename for entry in entries], sizes, len(content)):
                for entry in entries:
                    with archive.open(entry) as stream:
                        yield from _member(opening, entry.filename, stream)
    except BROKEN_ZIP:
        opening.fault("archive", CLOSED)


def tar_members(opening: Opening, content: bytes, packed: int) -> Iterator[Member]:
    """Yield the members of a tar archive, within the limits; ``packed`` is the size of the file that it came from."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            entries = archive.getmembers()
            if any(entry.issym() or entry.islnk() or entry.isdev() for entry in entries):
                opening.fault("archive", "holds links or devices: give its files one by one")
            files = [entry for entry in entries if entry.isreg()]
            if _check(opening, [entry.name for entry in entries], sum(entry.size for entry in files), packed):
                for entry in files:
                    stream = archive.extractfile(entry)
                    if stream is not None:
                        yield from _member(opening, entry.name, stream)
    except (tarfile.TarError, ValueError, EOFError, OSError):  # a header, a number or a length that is damaged
        opening.fault("archive", CLOSED)


def holds_zip(content: bytes) -> bool:
    """Say whether a zip archive can be read from the end of some bytes, whatever stands at their beginning."""
    if b"PK\x05\x06" not in content[-66_000:]:
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return bool(archive.infolist())
    except BROKEN_ZIP:
        return False


def leads_out(name: str) -> bool:
    """Say whether a member's name is absolute or leads upwards, on any system."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    return posix.is_absolute() or bool(windows.anchor) or ".." in windows.parts


def _check(opening: Opening, names: list[str], size: int, packed: int) -> bool:
    if any(map(leads_out, names)):
        opening.fault("archive", ESCAPES)
    if len(names) > opening.limits.members or (size > _TOO_SMALL_TO_HURT and size > packed * opening.limits.ratio):
        opening.fault("archive", BOMB)
        return False
    return True


def _member(opening: Opening, name: str, stream: IO[bytes]) -> Iterator[Member]:
    parts: list[bytes] = []
    while part := stream.read(_CHUNK):
        if not opening.took(len(part)):
            return
        parts.append(part)
    yield name, b"".join(parts)
