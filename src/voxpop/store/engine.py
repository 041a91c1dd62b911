"""How the database is opened, and brought to this version's schema."""

from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from voxpop.kernel.errors import Refused

HEAD = "0001"
"""The newest migration; a test holds it to what Alembic says."""

_MIGRATIONS = Path(__file__).parent / "migrations"


class DatabaseNewer(Refused):
    """The database was written by a newer voxpop."""

    code = "database-newer"

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"the database is at schema {revision}, which this voxpop does not know: use the newer voxpop that wrote it"
        )


def open_engine(url: str) -> Engine:
    """Open a database and migrate it if it is older.

    Raises
    ------
    DatabaseNewer
        If its schema is one that this version does not know.
    """
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        _configure_sqlite(engine)
    with engine.connect() as connection:
        revision = _revision(connection)
    if revision != HEAD:
        _migrate(engine, revision)
    return engine


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
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _configure_sqlite(engine: Engine) -> None:
    """Make SQLite keep foreign keys, wait for a writer, and take the write lock when a transaction begins."""

    def on_connect(dbapi: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        del record
        dbapi.isolation_level = None  # SQLAlchemy's documented way to own BEGIN
        cursor = dbapi.cursor()
        for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
