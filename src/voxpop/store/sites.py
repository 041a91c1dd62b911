"""Connected sites over SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from voxpop.kernel.ledger import Event
from voxpop.store.engine import reading
from voxpop.store.ledger import SqlLedger
from voxpop.store.schema import SiteRow


@dataclass(frozen=True, slots=True)
class ConnectedSite:
    """A site as it was connected; ``settings`` names files that hold secrets, never a secret."""

    name: str
    kind: str
    settings: Mapping[str, str]


class SqlSites:
    """Connected sites; the machine itself needs no connection and is none of them."""

    def __init__(self, engine: Engine, ledger: SqlLedger) -> None:
        self._engine = engine
        self._ledger = ledger

    def connect(self, site: ConnectedSite, actor: str) -> None:
        """Keep a site's connection, or replace it; the same again is silent."""
        if site in self.every():
            return

        def change(session: Session) -> None:
            session.merge(SiteRow(name=site.name, kind=site.kind, settings=dict(site.settings)))

        self._ledger.change(Event("site.connected", f"site:{site.name}", actor, facts={"kind": site.kind}), change)

    def forget(self, name: str, actor: str) -> None:
        """Forget a site's connection; twice is silent."""
        if not any(one.name == name for one in self.every()):
            return

        def change(session: Session) -> None:
            session.execute(delete(SiteRow).where(SiteRow.name == name))

        self._ledger.change(Event("site.removed", f"site:{name}", actor), change)

    def every(self) -> Sequence[ConnectedSite]:
        """Return all connected sites, by name."""
        with reading(self._engine) as session:
            rows = session.scalars(select(SiteRow).order_by(SiteRow.name))
            return [ConnectedSite(row.name, row.kind, row.settings) for row in rows]
