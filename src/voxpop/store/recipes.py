"""Recipes that people added, over SQL."""

from collections.abc import Sequence

from sqlalchemy import Engine, select

from voxpop.appliance.additions import Added, AddedState
from voxpop.kernel.ledger import Event
from voxpop.store.engine import reading
from voxpop.store.ledger import SqlLedger
from voxpop.store.schema import RecipeRow


class SqlAdditions:
    """Recipes that people added."""

    def __init__(self, engine: Engine, ledger: SqlLedger) -> None:
        self._engine = engine
        self._ledger = ledger

    def keep(self, added: Added, actor: str) -> None:
        """Keep one that was added."""
        row = RecipeRow(
            id=added.id,
            name=added.name,
            version=added.version,
            digest=added.digest,
            state=added.state.value,
            added_by=added.added_by,
            added_at=added.added_at,
        )
        event = Event("recipe.added", f"recipe:{added.id}", actor, facts={"sha256": added.digest})
        self._ledger.change(event, lambda session: session.add(row))

    def every(self) -> Sequence[Added]:
        """Return all, by name and version."""
        with reading(self._engine) as session:
            rows = session.scalars(select(RecipeRow).order_by(RecipeRow.name, RecipeRow.version))
            return [_added(row) for row in rows]


def _added(row: RecipeRow) -> Added:
    return Added(row.name, row.version, row.digest, AddedState(row.state), row.added_by, row.added_at)
