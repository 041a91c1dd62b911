"""Appliances over SQL."""

from collections.abc import Sequence

from sqlalchemy import Engine, select

from voxpop.appliance.model import Appliance
from voxpop.appliance.states import ApplianceState
from voxpop.kernel.ids import ApplianceId, ApplicationId, VolumeId
from voxpop.kernel.ledger import Event
from voxpop.store.engine import reading
from voxpop.store.ledger import SqlLedger, SubjectAbsent
from voxpop.store.schema import ApplianceRow


class SqlAppliances:
    """Appliances and their documents."""

    def __init__(self, engine: Engine, ledger: SqlLedger) -> None:
        self._engine = engine
        self._ledger = ledger

    def add(self, appliance: Appliance, document: str, actor: str) -> None:
        """Keep a planned appliance; the same again is silent."""
        with reading(self._engine) as session:
            if session.get(ApplianceRow, appliance.id) is not None:
                return
        row = ApplianceRow(
            id=appliance.id,
            application=appliance.application,
            volume=appliance.volume,
            site=appliance.site,
            state=appliance.state.value,
            document=document,
            document_digest=appliance.document_digest,
            created_at=appliance.created_at,
        )
        facts = {"site": appliance.site, "volume": appliance.volume, "document_sha256": appliance.document_digest}
        event = Event("appliance.planned", f"appliance:{appliance.id}", actor, facts=facts)
        self._ledger.change(event, lambda session: session.add(row))

    def get(self, appliance: ApplianceId) -> Appliance:
        """Return an appliance, or raise ``Absent``."""
        return _appliance(self._get(appliance))

    def document(self, appliance: ApplianceId) -> str:
        """Return the TOSCA document."""
        return self._get(appliance).document

    def every(self) -> Sequence[Appliance]:
        """Return all appliances, by id."""
        with reading(self._engine) as session:
            return [_appliance(row) for row in session.scalars(select(ApplianceRow).order_by(ApplianceRow.id))]

    def of_application(self, application: ApplicationId) -> Sequence[Appliance]:
        """Return the application's appliances, the oldest first."""
        query = select(ApplianceRow).where(ApplianceRow.application == application)
        query = query.order_by(ApplianceRow.created_at, ApplianceRow.id)
        with reading(self._engine) as session:
            return [_appliance(row) for row in session.scalars(query)]

    def _get(self, appliance: ApplianceId) -> ApplianceRow:
        with reading(self._engine) as session:
            row = session.get(ApplianceRow, appliance)
        if row is None:
            raise SubjectAbsent("appliance", appliance)
        return row


def _appliance(row: ApplianceRow) -> Appliance:
    return Appliance(
        id=ApplianceId(row.id),
        application=ApplicationId(row.application),
        volume=VolumeId(row.volume),
        site=row.site,
        state=ApplianceState(row.state),
        document_digest=row.document_digest,
        created_at=row.created_at,
    )
