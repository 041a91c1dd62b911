"""The files of a run that may be asked for, and the folder and archive of a release."""

import hashlib
import json
import os
import shutil
import stat
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from voxpop.kernel.digests import Json
from voxpop.result.egress.errors import FileNotOffered, FilesChanged, ReleaseBroken
from voxpop.result.egress.model import Offered, Release, ReleaseFile, manifest

RECORD = "release.json"
MANIFEST = "manifest-sha256.txt"
_OFFERED = ("report.pdf", "crate", "outputs")
_CHUNK = 2**20
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # APPNOTE.TXT, 4.4.6: the first that a zip archive can tell


def offered(results: Path) -> tuple[Offered, ...]:
    """List what may be asked for: outputs, report and research object; no links, no names that begin with a dot."""
    found: list[Offered] = []
    for name in _OFFERED:
        start = results / name
        if start.is_dir() and not start.is_symlink():
            for folder, folders, files in os.walk(start):
                folders[:] = [one for one in folders if not one.startswith(".")]
                found.extend(_plain(results, (Path(folder) / one for one in files)))
        else:
            found.extend(_plain(results, [start]))
    return tuple(sorted(found, key=lambda one: one.path))


def _plain(results: Path, files: Iterable[Path]) -> Iterable[Offered]:
    for file in files:
        try:
            facts = file.lstat()
        except FileNotFoundError:
            continue
        if stat.S_ISREG(facts.st_mode) and not file.name.startswith(".") and file.name != "lock":
            yield Offered(file.relative_to(results).as_posix(), facts.st_size)


def chosen(run: str, offers: Sequence[Offered], paths: Sequence[str]) -> tuple[Offered, ...]:
    """Return the files that some paths name, a folder all below it; no path names all.

    Raises
    ------
    FileNotOffered
        If a path names nothing that is offered.
    """
    if not paths:
        return tuple(offers)
    taken: dict[str, Offered] = {}
    for path in paths:
        wanted = PurePosixPath(path).as_posix()
        under = [one for one in offers if one.path == wanted or one.path.startswith(f"{wanted}/")]
        if not under:
            raise FileNotOffered(run, path)
        taken.update((one.path, one) for one in under)
    return tuple(sorted(taken.values(), key=lambda one: one.path))


def copied(results: Path, release: Release, into: Path) -> None:
    """Copy the files of a request, and see that they are the ones that were asked for.

    Raises
    ------
    FilesChanged
        If one is gone, is no plain file any more, or has another content.
    """
    shutil.rmtree(into, ignore_errors=True)
    for file in release.files:
        target = into / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            # A link in the file's place is not followed.
            source = os.open(results / file.path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as gone:
            raise FilesChanged(release.id) from gone
        with os.fdopen(source, "rb") as stream, target.open("xb") as sink:
            if _digest_of_copy(stream, sink, file.bytes) != file.sha256:
                raise FilesChanged(release.id)


def write_record(folder: Path, release: Release, record: Json) -> None:
    """Write what was checked, and the list of files in the format of ``sha256sum``."""
    text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    (folder / RECORD).write_text(text, encoding="utf-8")
    (folder / MANIFEST).write_bytes(manifest(release.files))


def publish(folder: Path, target: Path) -> None:
    """Put a finished folder in its place; what a broken attempt left there goes."""
    if target.exists():
        shutil.rmtree(target)
    folder.replace(target)


def write_zip(folder: Path, release: Release, sink: BinaryIO) -> None:
    """Write a release as one zip archive, the same bytes each time; the sink need not seek.

    Raises
    ------
    ReleaseBroken
        If a file is not what was released.
    """
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name in (MANIFEST, RECORD, *(file.path for file in release.files)):
            entry = zipfile.ZipInfo(f"{release.id}/{name}", _NO_TIME)
            entry.external_attr = 0o100644 << 16
            with archive.open(entry, "w", force_zip64=True) as part, _released(folder, name, release) as stream:
                shutil.copyfileobj(stream, part, _CHUNK)


def check_whole(folder: Path, release: Release) -> None:
    """Refuse a release whose folder is not what was released.

    Raises
    ------
    ReleaseBroken
        If a file is gone, or has another content.
    """
    for file in release.files:
        with _released(folder, file.path, release) as stream:
            if _digest(stream) != file.sha256:
                raise ReleaseBroken(release.id)
    with _released(folder, MANIFEST, release) as stream:
        if stream.read() != manifest(release.files):
            raise ReleaseBroken(release.id)


def files_of(results: Path, offers: Sequence[Offered]) -> tuple[ReleaseFile, ...]:
    """Take the digests of some files."""
    return tuple(_file(results, one) for one in offers)


def _file(results: Path, offer: Offered) -> ReleaseFile:
    with (results / offer.path).open("rb") as stream:
        return ReleaseFile(offer.path, _digest(stream), os.fstat(stream.fileno()).st_size)


def _released(folder: Path, name: str, release: Release) -> BinaryIO:
    try:
        return (folder / name).open("rb")
    except OSError as gone:
        raise ReleaseBroken(release.id) from gone


def _digest(stream: BinaryIO) -> str:
    total = hashlib.sha256()
    while part := stream.read(_CHUNK):
        total.update(part)
    return total.hexdigest()


def _digest_of_copy(stream: BinaryIO, sink: BinaryIO, size: int) -> str:
    total = hashlib.sha256()
    left = size + 1  # one byte more is another file already
    while left > 0 and (part := stream.read(min(_CHUNK, left))):
        total.update(part)
        sink.write(part)
        left -= len(part)
    return total.hexdigest()
