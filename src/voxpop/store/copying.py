"""A copy of the database as it is at one moment, while others go on writing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

CLAIM = "restoring"
"""The table by which a restore marks the database that it fills; no part of a bank."""

_PGENV = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}


class SqliteMoment:
    """A moment of an SQLite database."""

    def __init__(self, source: sqlite3.Connection) -> None:
        self._source = source

    def write(self, target: Path) -> None:
        """Write the database as it was at that moment."""
        with closing(sqlite3.connect(target)) as copy:
            self._source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it


@contextmanager
def sqlite_moment(file: Path) -> Iterator[SqliteMoment]:
    """Hold a moment of an SQLite database in WAL mode; writers are not kept waiting."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as source:
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM alembic_version").fetchone()  # the moment is the first read's
        yield SqliteMoment(source)


@contextmanager
def postgresql_moment(engine: Engine) -> Iterator[str]:
    """Hold a moment of a PostgreSQL database; returns the name that ``pg_dump --snapshot`` wants."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        yield str(connection.execute(text("SELECT pg_export_snapshot()")).scalar_one())


def postgresql_environment(engine: Engine) -> dict[str, str]:
    """Return the variables that PostgreSQL's own programs find the database by; a command line would tell them."""
    url = engine.url
    named = {
        "PGHOST": url.host,
        "PGPORT": str(url.port) if url.port else None,
        "PGUSER": url.username,
        "PGPASSWORD": str(url.password) if url.password is not None else None,
        "PGDATABASE": url.database,
        **{_PGENV[key]: str(value) for key, value in url.query.items() if key in _PGENV},
    }
    return {key: value for key, value in named.items() if value}


def is_empty(connection: Connection) -> bool:
    """Say whether a database has no table of ours, nor of durable work."""
    found = inspect(connection)
    return not found.get_table_names() and "dbos" not in found.get_schema_names()
