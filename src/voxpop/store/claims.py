"""A database that is being filled by a restore: marked with the restore's name until the bank has its own.

What a restore that was killed left can so be told from a bank, and from what another restore is filling.
"""

from collections.abc import Collection

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, insert, inspect, select

from voxpop.store.copying import CLAIM, is_empty
from voxpop.store.engine import Turn, take_turn

_CLAIM = Table(CLAIM, MetaData(), Column("name", String(255)))


def claim(engine: Engine, name: str, over: Collection[str]) -> bool:
    """Mark a database as being filled by a restore.

    Parameters
    ----------
    name : str
        The restore's.
    over : collection of str
        Restores that are known to have died before their bank was there: what one of them filled is taken out first.

    Returns
    -------
    bool
        False where the database holds anything else; it is then as it was.
    """
    with engine.begin() as connection:
        take_turn(connection, Turn.SCHEMA)
        if _claimed_by(connection) in over:
            _empty(connection)
        if not is_empty(connection):
            return False
        _CLAIM.create(connection)
        connection.execute(insert(_CLAIM).values(name=name))
    return True


def give_up(engine: Engine, name: str) -> None:
    """Empty a database that a restore has marked; silent where another has, or none."""
    with engine.begin() as connection:
        take_turn(connection, Turn.SCHEMA)
        if _claimed_by(connection) == name:
            _empty(connection)


def let_go(engine: Engine) -> None:
    """Take the mark away: what was filled is a bank."""
    with engine.begin() as connection:
        _CLAIM.drop(connection)


def _claimed_by(connection: Connection) -> str | None:
    if not inspect(connection).has_table(CLAIM):
        return None
    return connection.execute(select(_CLAIM.c.name)).scalar()


def _empty(connection: Connection) -> None:
    there = MetaData()
    there.reflect(connection)
    there.drop_all(connection)
