"""Who does durable work on a database, and who of them is gone.

On PostgreSQL a worker holds a place: an advisory lock of its own session. A worker that dies, or whose machine does,
lets go of it when the server sees the connection end; so whoever can take the lock of a place knows that nobody is
there, and no clock is asked. A command that does its own work holds the whole database for itself, and those who stay
share it. On SQLite the lock of the work folder sees to all of it, and there is one place.

Notes
-----
PostgreSQL, "Advisory Locks": a session's lock ends with the session. A pooler that gives a connection to one
transaction at a time (PgBouncer's ``transaction``) breaks that: connect to the server itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from voxpop.kernel.errors import Refused, Unavailable
from voxpop.store.engine import Family

ALONE = "local"
"""The place of a command that does its own work, and of the one worker on SQLite."""

_MOST = 64
_WHOLE = 0
_PREFIX = "worker-"
_KEEPER = "keeper"
# A machine that lost its power or its network says no goodbye: both ends look after ten seconds.
_LOOKS = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000}
_SERVER_LOOKS = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"


class PlacesTaken(Refused):
    """Work is being done on this database in a way that leaves no place."""

    code = "places-taken"

    def __init__(self, who: str) -> None:
        super().__init__(f"{who} working on this database: wait for the end, or stop it first")


class PlaceLost(Unavailable):
    """The connection that holds a worker's place was cut, so another may have taken up its work."""

    code = "place-lost"

    def __init__(self, place: str) -> None:
        super().__init__(
            f"the database let go of {place}: it was restarted or cannot be reached; start the worker again, "
            "it goes on where it was"
        )


class Place:
    """A worker's place, for as long as it is held.

    Parameters
    ----------
    name : str
        The same again for whoever takes the place later; what durable work is noted under.
    """

    def __init__(self, name: str, connection: Connection | None = None) -> None:
        self.name = name
        self._connection = connection

    def held(self) -> bool:
        """Say whether it is still ours."""
        if self._connection is None:
            return True
        try:
            return self._connection.execute(text("SELECT 1")).scalar() == 1
        except DBAPIError:
            return False


class SqlWorkers:
    """The places of a database's workers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def several(self) -> bool:
        """Whether more than one worker may be there."""
        return self._engine.dialect.name == "postgresql"

    @contextmanager
    def place(self, *, staying: bool) -> Iterator[Place]:
        """Hold a place.

        Parameters
        ----------
        staying : bool
            Whether for a worker that takes what is asked for, beside others; else nobody else may be there.

        Raises
        ------
        PlacesTaken
            If there is none.
        """
        if not self.several:
            yield Place(ALONE)
            return
        with self._session() as connection:
            yield Place(_numbered(_free(connection)) if staying else _alone(connection), connection)

    @contextmanager
    def gone(self, name: str) -> Iterator[bool]:
        """Say whether nobody holds a place; while the block runs, nobody can take it.

        Only for who holds another place: while one is held as staying, nobody works alone.
        """
        if name == ALONE:
            yield True
            return
        number = name.removeprefix(_PREFIX)
        with self._session() as connection:
            yield number.isdigit() and _taken(connection, Family.STAYING, int(number))

    @contextmanager
    def keeping(self) -> Iterator[Place | None]:
        """Be the one that keeps the workers of appliances; None where another is.

        The place on SQLite is had with the work folder.
        """
        if not self.several:
            yield Place(ALONE)
            return
        with self._session() as connection:
            yield Place(_KEEPER, connection) if _taken(connection, Family.KEEPING, _WHOLE) else None

    def staying(self) -> int:
        """Return how many stay to take what is asked for; 0 on SQLite, where the work folder tells."""
        if not self.several:
            return 0
        query = text(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = :family "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        with self._engine.connect() as connection:
            return int(connection.execute(query, {"family": int(Family.STAYING)}).scalar_one())

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        """Open a session of its own: one from the pool would take the lock back there."""
        looks = {**_LOOKS, "options": _SERVER_LOOKS}
        engine = create_engine(
            self._engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=looks, hide_parameters=True
        )
        with engine.connect() as connection:
            try:
                yield connection
            finally:  # a server sees the end of a connection in its own time; a place is free when we say so
                with suppress(SQLAlchemyError):
                    connection.execute(text("SELECT pg_advisory_unlock_all()"))


def _free(connection: Connection) -> int:
    if not _taken(connection, Family.PASSING, _WHOLE, "_shared"):
        raise PlacesTaken("a command of voxpop is")
    for number in range(1, _MOST + 1):
        if _taken(connection, Family.STAYING, number):
            return number
    raise PlacesTaken(f"{_MOST} workers are")


def _alone(connection: Connection) -> str:
    if not _taken(connection, Family.PASSING, _WHOLE):
        raise PlacesTaken("another voxpop is")
    return ALONE


def _numbered(number: int) -> str:
    return f"{_PREFIX}{number}"


def _taken(connection: Connection, family: Family, number: int, how: str = "") -> bool:
    query = text(f"SELECT pg_try_advisory_lock{how}(:family, :number)")
    return bool(connection.execute(query, {"family": int(family), "number": number}).scalar())
