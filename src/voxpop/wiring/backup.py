"""A backup: one file that a bank can be made from again, written while the bank works.

It holds the database as it was at one moment, the settings, and of the protected folder the keys, the frozen lists and
the audit log's head of that same moment: it is identity, as the protected folder is. Durable work's own database is
left out: a piece of work that was not done is asked for again, and its steps may be done twice.
"""

import hashlib
import json
import os
import stat
import zipfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from voxpop import __version__
from voxpop.backends import process
from voxpop.kernel.clock import SystemClock, iso_utc
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Refused, Unavailable
from voxpop.kernel.ledger import Event
from voxpop.store.copying import CLAIM, postgresql_environment, postgresql_moment, sqlite_moment
from voxpop.store.engine import HEAD, database_url
from voxpop.volume.service import building_folder
from voxpop.volume.states import VolumeState
from voxpop.wiring.passing import clear, passing_folder
from voxpop.wiring.system import System

FORMAT = 1
MANIFEST = "manifest.json"
SQLITE, POSTGRESQL = "voxpop.db", "voxpop.dump"
LARGE = ("volumes", "appliances", "runs", "results", "releases", "recipes")
"""The folders that only a backup with data holds."""

PASSING = ".voxpop-backup-"
"""What the folders begin with that are there while one is written: in the protected folder, and beside its file."""

_LEFT_OUT = frozenset({"index", "staging", "quarantine", "demo-population", "demo-archive"})
_HEAD = "audit-head.json"
_PIECE = 1 << 20
_PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


class BackupThere(Refused):
    """A file has the backup's name already."""

    code = "backup-there"

    def __init__(self) -> None:
        super().__init__("a file of that name is there already: name another, an earlier backup is not written over")


class BackupPlaceOpen(Refused):
    """The backup would lie among what could be handed to a stranger."""

    code = "backup-place-open"

    def __init__(self) -> None:
        super().__init__("a backup is identity, and would lie in the open part of the work folder: name another folder")


class FileLost(Unavailable):
    """A file that has to be in the backup vanished while it was copied."""

    code = "file-lost"

    def __init__(self, place: str, check: str) -> None:
        super().__init__(
            f"a file of {place} vanished while it was copied, so no backup was written: {check}, and try again"
        )


class DumpFailed(Unavailable):
    """PostgreSQL's own program did not do it."""

    code = "dump-failed"

    def __init__(self, program: str, exit_code: int) -> None:
        super().__init__(
            f"`{program}` ended with exit code {exit_code}: see that the program is at least as new as the server, "
            "that the database answers and that the disk has room, and try again"
        )


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup is to hold beside the database and the settings.

    Parameters
    ----------
    protected : bool
        The keys, the frozen lists and the audit log's head.
    data : bool
        The index, volumes, runs, results, releases and recipes that were added.
    """

    protected: bool = True
    data: bool = False


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was written.

    Parameters
    ----------
    vanished : tuple of str
        Files and folders that were taken away while they were copied, and are not in it.
    """

    files: int
    bytes: int
    left_out: tuple[str, ...]
    vanished: tuple[str, ...]


class _Archive:
    """The file being written, and what its manifest will say."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.files: dict[str, Json] = {}
        self.bytes = 0

    def add(self, name: str, file: Path) -> None:
        """Add a file; the digest is of what was written, whatever becomes of the file."""
        digest, size = hashlib.sha256(), 0
        entry = zipfile.ZipInfo(name)
        entry.compress_type = zipfile.ZIP_STORED if file.suffix in (".gz", ".parquet", ".zip") else zipfile.ZIP_DEFLATED
        entry.external_attr = (stat.S_IFREG | 0o600) << 16
        with file.open("rb") as source, self._archive.open(entry, "w", force_zip64=True) as target:
            mode = stat.S_IMODE(os.fstat(source.fileno()).st_mode)
            while piece := source.read(_PIECE):
                digest.update(piece)
                size += len(piece)
                target.write(piece)
        self.files[name] = {"sha256": digest.hexdigest(), "bytes": size, "mode": mode}
        self.bytes += size

    def finish(self, facts: dict[str, Json]) -> None:
        """Write the manifest."""
        said = json.dumps({**facts, "files": self.files}, indent=1)
        self._archive.writestr(MANIFEST, said, zipfile.ZIP_DEFLATED)


def write_backup(system: System, file: Path, contents: Contents) -> Backup:
    """Write a backup, whole or not at all, with mode 0600; the bank may be at work.

    Raises
    ------
    BackupThere
        If a file has that name.
    BackupPlaceOpen
        If it would lie in the work folder, outside of what is protected.
    DumpFailed
        If PostgreSQL's own program did not do it.
    FileLost
        If a file of a sealed volume, or one that cannot be made again, vanished while it was copied.
    """
    file = file.expanduser().absolute()
    if file.exists():
        raise BackupThere
    _check_place(system, file)
    for place in {system.work.protected, file.parent}:
        clear(place, PASSING)
    facts: dict[str, Json] = {"protected": contents.protected, "data": contents.data}
    system.ledger.record(Event("bank.copied", f"bank:{system.settings.project}", system.person, facts=facts))
    with (
        passing_folder(system.work.protected, PASSING) as made,
        _whole(file) as draft,
        zipfile.ZipFile(draft, "w") as opened,
    ):
        archive = _Archive(opened)
        kind = _add_moment(system, archive, made.path, protected=contents.protected)
        vanished = _add_files(system, archive, contents)
        left_out = _left_out(system, contents, len(vanished))
        about: dict[str, Json] = {"format": FORMAT, "voxpop": __version__, "schema": HEAD, "database": kind}
        made_at = iso_utc(SystemClock().now())
        archive.finish({**about, "made_at": made_at, **facts, "left_out": [*left_out], "vanished": [*vanished]})
    return Backup(len(archive.files), archive.bytes, left_out, vanished)


def _check_place(system: System, file: Path) -> None:
    folder = file.parent.resolve()
    inside = folder.is_relative_to(system.work.root.resolve())
    if inside and not folder.is_relative_to(system.work.protected.resolve()):
        raise BackupPlaceOpen


@contextmanager
def _whole(file: Path) -> Iterator[IO[bytes]]:
    """Yield a stream to write a file to; it has its name when all of it is on the disk."""
    with passing_folder(file.parent, PASSING) as passing:
        draft = passing.path / "backup"
        with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(draft, file)  # unlike a rename, it does not write over what another was quicker to put there
        except FileExistsError as there:
            raise BackupThere from there


def _add_moment(system: System, archive: _Archive, folder: Path, *, protected: bool) -> str:
    """Add the database and the audit log's head of one moment; returns the kind of database."""
    several = system.workers.several
    name = POSTGRESQL if several else SQLITE
    write = _dumped if several else _copied
    with write(system, folder / name):
        head = (system.work.protected / _HEAD).read_bytes()
    archive.add(name, folder / name)
    if protected:
        (folder / _HEAD).write_bytes(head)
        archive.add(f"protected/{_HEAD}", folder / _HEAD)
    return "postgresql" if several else "sqlite"


@contextmanager
def _copied(system: System, target: Path) -> Iterator[None]:
    """Copy the SQLite database as it is while the block runs."""
    with ExitStack() as moment:
        with system.ledger.still():
            source = moment.enter_context(sqlite_moment(system.work.root / "voxpop.db"))
            yield
        source.write(target)


@contextmanager
def _dumped(system: System, target: Path) -> Iterator[None]:
    """Dump the PostgreSQL database as it is while the block runs."""
    engine = create_engine(database_url(system.database_url), poolclass=NullPool, hide_parameters=True)
    with ExitStack() as moment:
        with system.ledger.still():
            snapshot = moment.enter_context(postgresql_moment(engine))
            yield
        arguments = ("--format=custom", f"--snapshot={snapshot}", f"--file={target}")
        not_ours = ("--exclude-schema=dbos", f"--exclude-table={CLAIM}")
        postgresql_program("pg_dump", *arguments, *not_ours, "--no-owner", "--no-privileges", engine=engine)


def postgresql_program(name: str, *arguments: str, engine: Engine) -> None:
    """Run one of PostgreSQL's own programs on a database.

    Raises
    ------
    ToolMissing
        If it is not installed.
    DumpFailed
        If it says no.
    """
    done = process.run([name, *arguments], env={**_PATH, **postgresql_environment(engine)})
    if done.exit_code:
        raise DumpFailed(name, done.exit_code)


def _add_files(system: System, archive: _Archive, contents: Contents) -> tuple[str, ...]:
    """Add what is copied as it lies; returns what vanished meanwhile, as what a run or a result left may."""
    sealed = {one.path.name for one in system.volumes.every() if one.state is VolumeState.SEALED}
    vanished = []
    for name, path in _files(system, contents):
        try:
            archive.add(name, path)
        except FileNotFoundError as gone:
            _check_may_vanish(name, sealed, gone)
            vanished.append(name)
    return tuple(vanished)


def _check_may_vanish(name: str, sealed: Collection[str], gone: FileNotFoundError) -> None:
    top, second, *_ = (*PurePosixPath(name).parts, "")
    if top == "volumes" and second in sealed:
        raise FileLost(f"volume '{second}'", f"see what `voxpop volume verify {second}` says") from gone
    if top not in LARGE and second != "index" and not name.endswith(".new"):  # a draft has its own name by now
        raise FileLost("the settings or the protected folder", "see what `voxpop doctor` says") from gone


def _files(system: System, contents: Contents) -> Iterator[tuple[str, Path]]:
    """Yield what is copied as it lies: its name in the backup, and its file."""
    root, protected = system.work.root, system.work.protected
    for name in ("work.json", "voxpop.toml"):
        if (root / name).is_file():
            yield name, root / name
    if contents.protected:
        for place in sorted(protected.iterdir()):
            if _is_kept(place) or (contents.data and place.name == "index"):
                yield from _below(root, place)
    if contents.data:
        building = {f"{building_folder(one).name}" for one in system.volumes.every()}
        for folder in LARGE:
            for place in sorted((root / folder).iterdir()):
                if place.name not in building:
                    yield from _below(root, place)


def _is_kept(place: Path) -> bool:
    """Say whether a thing in the protected folder is one that cannot be made again."""
    passing = place.name.startswith(".") or place.suffix in (".lock", ".new")
    return not passing and place.name not in _LEFT_OUT and place.name != _HEAD


def _below(root: Path, place: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a place; what is no file of its own (a link, a socket) is not followed.

    What vanishes while it is looked at is yielded too: whoever opens it finds out.
    """
    gone: list[Path] = []

    def unlisted(error: OSError) -> None:
        if isinstance(error, FileNotFoundError):
            gone.append(Path(error.filename))

    if _is_plain(place):
        yield _name(root, place), place
    elif not place.is_symlink():
        for parent, folders, names in os.walk(place, onerror=unlisted):
            folders.sort()
            yield from ((_name(root, file), file) for name in sorted(names) if _is_plain(file := Path(parent, name)))
    yield from ((_name(root, file), file) for file in gone)


def _name(root: Path, file: Path) -> str:
    return file.relative_to(root).as_posix()


def _is_plain(file: Path) -> bool:
    """Say whether it is a file of its own, or is no more."""
    try:
        return stat.S_ISREG(file.lstat().st_mode)
    except FileNotFoundError:
        return True


def _left_out(system: System, contents: Contents, vanished: int) -> tuple[str, ...]:
    """Say what a bank made from the backup will not have."""
    said = []
    if not contents.protected:
        said.append("the protected folder: its keys, the frozen lists and the audit log's head, kept elsewhere")
    if not contents.data:
        said.append("the files of volumes, runs, results and releases: their records are here")
        said.append("the harvested index and the clinical table: harvest the archives again")
    said.append("what was being staged: it is staged anew")
    if vanished:
        said.append(f"{vanished} files or folders that vanished while they were copied: its manifest names them")
    if named := _files_of_settings(system):
        said.append(f"the files that the settings name: {', '.join(named)}")
    return tuple(said)


def _files_of_settings(system: System) -> list[str]:
    settings = system.settings
    named = {"profile": settings.profile, "database_url_file": settings.database_url_file}
    for provider in settings.providers:
        named[f"providers.{provider.name}.client_secret_file"] = provider.client_secret_file
        named[f"providers.{provider.name}.ca_file"] = provider.ca_file
    return [name for name, file in named.items() if file is not None]
