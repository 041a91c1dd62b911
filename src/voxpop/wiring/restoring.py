"""A bank made again from a backup: everything is checked before anything has its name."""

import hashlib
import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from voxpop.kernel.clock import SystemClock
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Invalid, Refused
from voxpop.kernel.ledger import Event
from voxpop.kernel.zips import BROKEN_ZIP
from voxpop.store.chain import SignedHead, faults
from voxpop.store.claims import claim, give_up, let_go
from voxpop.store.engine import database_url, open_engine, revision_of
from voxpop.store.ledger import SqlLedger
from voxpop.store.runs import SqlRuns
from voxpop.store.volumes import SqlVolumes
from voxpop.volume.service import VolumeService
from voxpop.volume.states import VolumeState
from voxpop.wiring.backup import FORMAT, LARGE, MANIFEST, POSTGRESQL, SQLITE, postgresql_program
from voxpop.wiring.kept import read_database_url
from voxpop.wiring.passing import Passing, clear, left_behind, passing_folder
from voxpop.wiring.settings import read_settings
from voxpop.wiring.work import WorkFolder, open_work

_DRAFT = "bank"
_SETTINGS = frozenset({"voxpop.toml"})
_TOP = frozenset({"work.json", "voxpop.toml", SQLITE, POSTGRESQL, "protected", *LARGE})
_MOST_MANIFEST = 1 << 28
_PIECE = 1 << 20
_SPARE = 1 << 26
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MODES = 0o777


class BackupBroken(Invalid):
    """The file is no whole backup."""

    code = "backup-broken"

    def __init__(self, fault: str) -> None:
        super().__init__(f"nothing was restored: {fault}; use another backup, this one cannot be trusted")


class BackupNewer(Refused):
    """The backup was written by a newer voxpop."""

    code = "backup-newer"

    def __init__(self, written_by: str) -> None:
        super().__init__(
            f"the backup was written by voxpop {written_by}, which is newer than this one: use that version"
        )


class RestorePlaceTaken(Refused):
    """There is something where the bank is to be made again."""

    code = "restore-place-taken"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not empty: a backup is restored beside what is there, never over it; name another")


class OtherDatabase(Refused):
    """The backup is of the other kind of database."""

    code = "other-database"

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"the backup is of a {kind} database, and the settings name another kind: set or unset "
            "VOXPOP_DATABASE_URL_FILE, and try again"
        )


class TooLarge(Refused):
    """The backup does not fit."""

    code = "restore-too-large"

    def __init__(self) -> None:
        super().__init__("the backup holds more than the disk has room for: name a folder on a larger disk with --work")


@dataclass(frozen=True, slots=True)
class Restored:
    """A bank that was made again.

    Parameters
    ----------
    made_at : str
        When the backup was made.
    faults : tuple of str
        What is wrong with the audit log, a sentence each.
    head : bool
        Whether the audit log's signed head was in the backup, so that a cut tail would show.
    missing : tuple of str
        Volumes and runs whose files were not in the backup.
    left_out : tuple of str
        What else was not.
    """

    made_at: str
    files: int
    faults: tuple[str, ...]
    head: bool
    missing: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    sha256: str
    bytes: int
    mode: int


@dataclass(frozen=True, slots=True)
class _Manifest:
    database: str
    protected: bool
    made_at: str
    left_out: tuple[str, ...]
    files: Mapping[str, _Entry]


def restore_backup(file: Path, root: Path, person: str | None = None) -> Restored:
    """Make a bank from a backup, in a work folder that is empty or not there.

    It may be asked for again after it failed or was killed: the bank has its name when all of it is there, and what
    one that died left beside it, or in the database, is taken away first.

    Raises
    ------
    BackupBroken
        If the file is cut, was edited, or names what has no place in a work folder; nothing is kept.
    BackupNewer
        If a newer voxpop wrote it.
    RestorePlaceTaken
        If the work folder or the database holds something.
    OtherDatabase
        If the settings name another kind of database than the backup is of.
    DatabaseUnreachable
        If the database does not answer, or does not let us in.
    TooLarge
        If the disk has no room for it.
    """
    root = root.expanduser().absolute()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise RestorePlaceTaken("the work folder")
    root.parent.mkdir(parents=True, exist_ok=True)
    with _opened(file) as archive:
        manifest = _manifest(archive)
        with passing_folder(root.parent, restoring_prefix(root)) as passing:
            draft = passing.path / _DRAFT
            draft.mkdir()
            _unpack(archive, manifest, draft, _SETTINGS)
            with _database(manifest, root, passing) as database:
                clear(root.parent, restoring_prefix(root))
                _check_room(manifest, draft)
                _unpack(archive, manifest, draft, manifest.files.keys() - _SETTINGS)
                _fill(draft, database)
                restored = _checked(manifest, draft, person)
                _close(draft)
                draft.replace(root)  # rename(2): an empty folder of that name gives way
    return restored


def restoring_prefix(root: Path) -> str:
    """Return what the folders begin with in which a bank is made again, beside the one that it will be."""
    return f".{root.name}.restoring-"


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    with file.open("rb") as stream:
        with _reading("the file is not a whole backup of voxpop"):
            archive = zipfile.ZipFile(stream)
        with archive:
            yield archive


@contextmanager
def _reading(said: str = "a part of the file cannot be read") -> Iterator[None]:
    """Refuse an archive that is damaged; around what reads it alone, so that a full disk is told as one."""
    try:
        yield
    except BROKEN_ZIP as broken:
        raise BackupBroken(said) from broken


def _pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with _reading():
        source = archive.open(name)
    with source:
        while True:
            with _reading():
                piece = source.read(_PIECE)
            if not piece:
                return
            yield piece


def _manifest(archive: zipfile.ZipFile) -> _Manifest:
    """Read the manifest, and hold it against the names that the archive has."""
    try:
        entry = archive.getinfo(MANIFEST)
        if entry.file_size > _MOST_MANIFEST:
            raise BackupBroken("its manifest is larger than any")
        with _reading():
            written = archive.read(entry)
        said: Any = json.loads(written)
        if int(said["format"]) > FORMAT:
            raise BackupNewer(str(said["voxpop"]))
        files = {str(name): _entry(one) for name, one in said["files"].items()}
        manifest = _Manifest(
            str(said["database"]),
            bool(said["protected"]),
            str(said["made_at"]),
            tuple(map(str, said["left_out"])),
            files,
        )
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as unreadable:
        raise BackupBroken("its manifest cannot be read") from unreadable
    names = archive.namelist()
    if len(names) != len(set(names)) or set(names) != {MANIFEST, *files}:
        raise BackupBroken("it holds other files than its manifest names")
    for name, file in files.items():
        if not _has_a_place(name) or file.bytes < 0 or not _DIGEST.fullmatch(file.sha256):
            raise BackupBroken("it names a file that has no place in a work folder")
    return manifest


def _entry(said: Any) -> _Entry:
    return _Entry(str(said["sha256"]), int(said["bytes"]), int(said["mode"]))


def _has_a_place(name: str) -> bool:
    path = PurePosixPath(name)
    plain = name == path.as_posix() and not path.is_absolute() and ".." not in path.parts
    return plain and path.parts[:1] != () and path.parts[0] in _TOP and "\\" not in name and "\0" not in name


def _check_room(manifest: _Manifest, draft: Path) -> None:
    if sum(one.bytes for one in manifest.files.values()) + _SPARE > shutil.disk_usage(draft).free:
        raise TooLarge


def _unpack(archive: zipfile.ZipFile, manifest: _Manifest, draft: Path, names: Set[str]) -> None:
    (draft / "protected").mkdir(mode=0o700, exist_ok=True)
    for name, entry in manifest.files.items():
        if name in names:
            target = draft / name
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if name.startswith("protected/") else 0o777)
            _write(archive, name, entry, target)


def _close(draft: Path) -> None:
    """Give folders the rights that a seal leaves them."""
    for volume in (draft / "volumes").glob("*"):
        for folder, _, _ in os.walk(volume, topdown=False):
            Path(folder).chmod(0o555)
    draft.chmod(0o755)


def _write(archive: zipfile.ZipFile, name: str, entry: _Entry, target: Path) -> None:
    """Write one file; no byte more than the manifest says, and only what has its digest."""
    digest, size = hashlib.sha256(), 0
    mode = 0o600 if name.startswith("protected/") else entry.mode & _MODES
    number = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "wb") as stream:
        for piece in _pieces(archive, name):
            size += len(piece)
            if size > entry.bytes:
                break
            digest.update(piece)
            stream.write(piece)
    if size != entry.bytes or digest.hexdigest() != entry.sha256:
        raise BackupBroken("a file in it is not the one that was backed up")
    target.chmod(mode)


@contextmanager
def _database(manifest: _Manifest, root: Path, passing: Passing) -> Iterator[Engine | None]:
    """Hold the database that the settings name, if it is a server's; empty again where the bank was not made."""
    draft = passing.path / _DRAFT
    settings = read_settings(draft)
    name = {"sqlite": SQLITE, "postgresql": POSTGRESQL}.get(manifest.database, "")
    if name not in manifest.files:
        raise BackupBroken("it holds no database")
    if (settings.database_url_file is not None) != (name == POSTGRESQL):
        raise OtherDatabase(manifest.database)
    if name == SQLITE:
        yield None
        return
    url = read_database_url(WorkFolder(draft), settings)
    revision_of(url)  # refuses, in a sentence of its own, one that does not answer
    engine = create_engine(database_url(url), poolclass=NullPool, hide_parameters=True)
    if not claim(engine, passing.path.name, _unfinished(root)):
        raise RestorePlaceTaken("the database")
    try:
        yield engine
    except BaseException:
        if draft.is_dir():  # else it has become the bank, and the database is its own
            passing.kept = True  # the next restore knows by it that what is in the database is nobody's
            with suppress(SQLAlchemyError):
                give_up(engine, passing.path.name)
                passing.kept = False
        raise
    with suppress(SQLAlchemyError):  # the bank is there; a mark that stays does no harm
        let_go(engine)


def _unfinished(root: Path) -> set[str]:
    """Return the names of the restores that died before their bank was there."""
    return {one.name for one in left_behind(root.parent, restoring_prefix(root)) if (one / _DRAFT).is_dir()}


def _fill(draft: Path, database: Engine | None) -> None:
    if database is None:
        return
    dump = draft / POSTGRESQL
    arguments = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges")
    postgresql_program("pg_restore", *arguments, f"--dbname={database.url.database}", str(dump), engine=database)
    dump.unlink()


def _checked(manifest: _Manifest, root: Path, person: str | None) -> Restored:
    """Verify the audit log, and say what the bank does not have; where all is well, write down that it was restored."""
    work, settings, clock = open_work(root, create=False), read_settings(root, person), SystemClock()
    engine = open_engine(read_database_url(work, settings))
    try:
        head = SignedHead(work.protected)
        ledger = SqlLedger(engine, head, clock)  # makes no key: the right one may be kept elsewhere
        found = tuple(ledger.verify() if manifest.protected else faults(ledger.links())[0])
        volumes = VolumeService(SqlVolumes(engine, ledger, clock, work.volumes), ledger, clock, work.volumes)
        sealed = [one for one in volumes.every() if one.state is VolumeState.SEALED]
        missing = [f"volume {one.id}" for one in sealed if not one.path.is_dir()]
        runs = SqlRuns(engine, ledger, work.results).every()
        missing += [f"run {one.id}" for one in runs if not (work.results / one.id).is_dir()]
        if manifest.protected and not found:
            facts: dict[str, Json] = {"made_at": manifest.made_at}
            ledger.record(Event("bank.restored", f"bank:{settings.project}", settings.person, facts=facts))
            _begin_anew(volumes, settings.person)
    finally:
        engine.dispose()
    return Restored(manifest.made_at, len(manifest.files), found, manifest.protected, tuple(missing), manifest.left_out)


def _begin_anew(volumes: VolumeService, person: str) -> None:
    """Let what was being staged, which has no files, be staged anew."""
    for volume in volumes.every():
        if volume.state is VolumeState.BUILDING:
            volumes.remove(volume.id, person, "the bank was restored while it was being staged")
