"""Volumes and grants over SQL."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine, Select, delete, select
from sqlalchemy.orm import Session

from voxpop.kernel.clock import Clock
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ApplicationId, CohortId, VolumeId
from voxpop.kernel.ledger import Event
from voxpop.store.engine import reading
from voxpop.store.ledger import SqlLedger, SubjectAbsent
from voxpop.store.schema import GrantRow, VolumeRow
from voxpop.volume.model import Grant, Seal, Volume
from voxpop.volume.states import VolumeState

_GRANTED = "volume.granted"


class SqlVolumes:
    """Volumes.

    Parameters
    ----------
    root : Path
        The folder that holds one folder a volume.
    """

    def __init__(self, engine: Engine, ledger: SqlLedger, clock: Clock, root: Path) -> None:
        self._engine = engine
        self._ledger = ledger
        self._clock = clock
        self._root = root

    def add(self, volume: Volume, actor: str) -> None:
        """Keep a new volume that is being built; the same again is silent."""
        with reading(self._engine) as session:
            if session.get(VolumeRow, volume.id) is not None:
                return
        facts = {"application": volume.application, "cohort": volume.cohort}
        event = Event("volume.begun", f"volume:{volume.id}", actor, facts=facts)
        self._ledger.change(event, lambda session: session.add(_row(volume)))

    def get(self, volume: VolumeId) -> Volume:
        """Return a volume, or raise ``Absent``."""
        with reading(self._engine) as session:
            row = session.get(VolumeRow, volume)
        if row is None:
            raise SubjectAbsent("volume", volume)
        return self._volume(row)

    def every(self) -> Sequence[Volume]:
        """Return all volumes, by id."""
        return self._all(select(VolumeRow).order_by(VolumeRow.id))

    def of_application(self, application: ApplicationId) -> Sequence[Volume]:
        """Return the application's volumes, the oldest first."""
        return self._all(select(VolumeRow).where(VolumeRow.application == application).order_by(VolumeRow.id))

    def sealed(self, volume: VolumeId, seal: Seal, actor: str) -> None:
        """Keep the seal and move the volume to SEALED, in one transaction."""

        def change(session: Session) -> None:
            row = session.get_one(VolumeRow, volume)
            row.digest, row.files, row.bytes = seal.digest, seal.files, seal.bytes
            row.sealed_at = self._clock.now()
            session.flush()

        facts: dict[str, Json] = {"manifest_sha256": seal.digest, "files": seal.files, "bytes": seal.bytes}
        event = Event("volume.sealed", f"volume:{volume}", actor, facts=facts)
        self._ledger.move_with(event.subject, VolumeState.BUILDING, VolumeState.SEALED, event, change)

    def grant(self, grant: Grant) -> None:
        """Give a person a right to the volume, and write it to the audit log."""
        row = GrantRow(
            volume=grant.volume,
            person=grant.person,
            until=grant.until,
            granted_by=grant.granted_by,
            granted_at=grant.granted_at,
        )
        facts: dict[str, Json] = {"person": grant.person, "until": grant.until.isoformat() if grant.until else None}
        event = Event(_GRANTED, f"volume:{grant.volume}", grant.granted_by, facts=facts)
        self._ledger.change(event, lambda session: session.merge(row))

    def revoke(self, volume: VolumeId, person: str, actor: str) -> None:
        """Take a person's right away; silent if there is none."""
        if all(grant.person != person for grant in self.grants(volume)):
            return
        event = Event("volume.revoked", f"volume:{volume}", actor, facts={"person": person})
        gone = delete(GrantRow).where(GrantRow.volume == volume, GrantRow.person == person)
        self._ledger.change(event, lambda session: session.execute(gone))

    def ever_granted(self, volume: VolumeId) -> frozenset[str]:
        """Return the persons to whom a right was ever given, whether it stands or was taken away."""
        links = self._ledger.links(f"volume:{volume}")
        return frozenset(str(link.event.facts["person"]) for link in links if link.event.action == _GRANTED)

    def grants(self, volume: VolumeId) -> Sequence[Grant]:
        """Return the rights that stand, by person."""
        query = select(GrantRow).where(GrantRow.volume == volume).order_by(GrantRow.person)
        with reading(self._engine) as session:
            return [
                Grant(VolumeId(row.volume), row.person, row.until, row.granted_by, row.granted_at)
                for row in session.scalars(query)
            ]

    def _all(self, query: Select[VolumeRow]) -> list[Volume]:
        with reading(self._engine) as session:
            return [self._volume(row) for row in session.scalars(query)]

    def _volume(self, row: VolumeRow) -> Volume:
        return Volume(
            id=VolumeId(row.id),
            application=ApplicationId(row.application),
            cohort=CohortId(row.cohort),
            path=self._root / row.id,
            state=VolumeState(row.state),
            owner=row.owner,
            digest=row.digest,
            files=row.files,
            bytes=row.bytes,
            sealed_at=row.sealed_at,
            ends_on=row.ends_on,
        )


def _row(volume: Volume) -> VolumeRow:
    return VolumeRow(
        id=volume.id,
        application=volume.application,
        cohort=volume.cohort,
        state=volume.state.value,
        owner=volume.owner,
        ends_on=volume.ends_on,
    )
