"""Connected archives over SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from voxpop.kernel.clock import Clock
from voxpop.kernel.ledger import Event
from voxpop.store.engine import reading
from voxpop.store.ledger import SqlLedger
from voxpop.store.schema import ArchiveRow


@dataclass(frozen=True, slots=True)
class ConnectedArchive:
    """An archive as it was connected; ``settings`` names files that hold secrets, never a secret."""

    name: str
    kind: str
    settings: Mapping[str, str]
    harvested_at: datetime | None = None
    studies: int = 0


class SqlArchives:
    """Connected archives."""

    def __init__(self, engine: Engine, ledger: SqlLedger, clock: Clock) -> None:
        self._engine = engine
        self._ledger = ledger
        self._clock = clock

    def connect(self, archive: ConnectedArchive, actor: str) -> None:
        """Keep an archive's connection, or replace it; the same again is silent."""
        with reading(self._engine) as session:
            row = session.get(ArchiveRow, archive.name)
            if row is not None and row.kind == archive.kind and row.settings == dict(archive.settings):
                return

        def change(session: Session) -> None:
            row = session.get(ArchiveRow, archive.name)
            if row is None:
                row = ArchiveRow(name=archive.name, studies=0)
                session.add(row)
            row.kind, row.settings = archive.kind, dict(archive.settings)

        event = Event("archive.connected", f"archive:{archive.name}", actor, facts={"kind": archive.kind})
        self._ledger.change(event, change)

    def harvested(self, name: str, studies: int) -> None:
        """Remember when an archive was harvested last, and how much it held."""
        with Session(self._engine) as session, session.begin():
            row = session.get_one(ArchiveRow, name)
            row.harvested_at, row.studies = self._clock.now(), studies

    def every(self) -> Sequence[ConnectedArchive]:
        """Return all archives, by name."""
        with reading(self._engine) as session:
            return [
                ConnectedArchive(row.name, row.kind, row.settings, row.harvested_at, row.studies)
                for row in session.scalars(select(ArchiveRow).order_by(ArchiveRow.name))
            ]
