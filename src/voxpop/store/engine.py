"""How the database is opened, and brought to this version's schema."""

import os
from collections.abc import Mapping
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from voxpop.kernel.errors import Invalid, Refused, Unavailable

HEAD = "0008"
"""The newest migration; a test holds it to what Alembic says."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_PRIVATE = 0o600
_POSTGRESQL = "postgresql+psycopg"
_READING: Mapping[str, Mapping[str, Any]] = {
    "sqlite": {"voxpop_reading": True},
    "postgresql": {"isolation_level": "AUTOCOMMIT"},
}
_KINDS = {"sqlite": "sqlite", "postgresql": _POSTGRESQL, "postgres": _POSTGRESQL, _POSTGRESQL: _POSTGRESQL}


class Turn(IntEnum):
    """What only one process may do at a time; SQLite's write lock sees to it there."""

    SCHEMA = 1
    AUDIT = 2
    OPERATIONS = 3


class Family(IntEnum):
    """The first half of an advisory lock's number; ours alone in a database of ours."""

    TURN = 0x766F7801
    STAYING = 0x766F7802
    PASSING = 0x766F7803
    KEEPING = 0x766F7804


class DatabaseUrlInvalid(Invalid):
    """The database's URL is none."""

    code = "database-url-invalid"

    def __init__(self) -> None:
        super().__init__(
            "the database's URL is not one that voxpop knows: write `postgresql://user:password@host/database` into "
            "the file that the setting 'database_url_file' names, or take the setting out for SQLite"
        )


class DatabaseUnreachable(Unavailable):
    """The database did not let us in."""

    code = "database-unreachable"

    def __init__(self, where: str) -> None:
        super().__init__(
            f"the database at {where} did not let voxpop in: see that it runs, and that the user, the password and the "
            "database in the file that 'database_url_file' names are right"
        )


class DatabaseNewer(Refused):
    """The database was written by a newer voxpop."""

    code = "database-newer"

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"the database is at schema {revision}, which this voxpop does not know: use the newer voxpop that wrote it"
        )


def open_engine(url: str) -> Engine:
    """Open a database and migrate it if it is older; a file is its owner's alone.

    Raises
    ------
    DatabaseUrlInvalid
        If it is no URL of SQLite or PostgreSQL.
    DatabaseUnreachable
        If the database does not answer, or does not let us in.
    DatabaseNewer
        If its schema is one that this version does not know.
    """
    make_private(url)
    engine = _unopened(url)
    revision = _reached(engine)
    if revision != HEAD:
        _migrate(engine, revision)
    return engine


def reading(engine: Engine) -> Session:
    """Open a session that reads and changes nothing: it waits for nobody who writes.

    Notes
    -----
    On SQLite it sees one moment of the database for as long as it is open; on PostgreSQL each statement sees its own,
    as it would in a transaction that is READ COMMITTED, without the round trips that begin and end one.
    """
    return Session(engine.execution_options(**_READING[engine.dialect.name]))


def make_private(url: str) -> None:
    """Let an SQLite database be read by its owner alone, whatever the umask; silent for a server's.

    Notes
    -----
    SQLite gives the log and the index beside a database the rights of its file, so it has to be there first. The file
    is not opened here: to close it would let go of the locks that this process has on it (SQLite, "How To Corrupt An
    SQLite Database File", 2.2).
    """
    known = database_url(url)
    if known.drivername != "sqlite" or known.database in (None, "", ":memory:"):
        return
    with suppress(FileExistsError):
        os.mknod(str(known.database), _PRIVATE)
    for beside in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError, PermissionError):  # it is not there, or another user's
            Path(f"{known.database}{beside}").chmod(_PRIVATE)


def revision_of(url: str) -> str | None:
    """Return the schema that a database is at, and change nothing; None where it has no table of ours.

    Raises
    ------
    DatabaseUrlInvalid, DatabaseUnreachable
        As ``open_engine`` does.
    """
    engine = _unopened(url)
    try:
        return _reached(engine)
    finally:
        engine.dispose()


def _unopened(url: str) -> Engine:
    known = database_url(url)
    if known.drivername != "sqlite":  # a connection that was cut while it lay idle is found out before it is used
        return create_engine(known, isolation_level="READ COMMITTED", pool_pre_ping=True, hide_parameters=True)
    engine = create_engine(known, hide_parameters=True)
    _configure_sqlite(engine)
    return engine


def _reached(engine: Engine) -> str | None:
    try:
        with engine.connect() as connection:
            return _revision(connection)
    except OperationalError as refused:
        if engine.dialect.name == "sqlite":
            raise
        # the driver's own words name the user
        raise DatabaseUnreachable(f"{engine.url.host or 'the local socket'}:{engine.url.port or 5432}") from refused


def database_url(url: str) -> URL:
    """Read a database's URL, with the driver that voxpop uses for it.

    Raises
    ------
    DatabaseUrlInvalid
        If it is no URL of SQLite or PostgreSQL.
    """
    try:
        read = make_url(url)
        return read.set(drivername=_KINDS[read.drivername])
    except (ArgumentError, NoSuchModuleError, KeyError, ValueError):
        raise DatabaseUrlInvalid from None  # the error quotes the URL, which may hold a password


def take_turn(session: Session | Connection, turn: Turn) -> None:
    """Let one transaction at a time go on from here; it ends with the transaction.

    Notes
    -----
    On SQLite every transaction begins with the write lock. On PostgreSQL a lock on the last row would not do: an empty
    table has none, and who waited for the row would then hold it, and not the one that was put behind it meanwhile.
    """
    connection = session.connection() if isinstance(session, Session) else session
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:family, :turn)"), {"family": int(Family.TURN), "turn": int(turn)}
        )


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine, revision: str | None) -> None:
    # Alembic takes half a second to import, and most openings find nothing to do.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise DatabaseNewer(revision)
    with engine.begin() as connection:
        take_turn(connection, Turn.SCHEMA)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _configure_sqlite(engine: Engine) -> None:
    """Make SQLite keep foreign keys, wait for a writer, and take the write lock when one begins that writes."""

    def on_connect(dbapi: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        del record
        dbapi.isolation_level = None  # SQLAlchemy's documented way to own BEGIN
        cursor = dbapi.cursor()
        for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def on_begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("voxpop_reading", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
