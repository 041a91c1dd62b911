"""How many workers appliances may have, and what their workers came to, over SQL.

It is a table, and no file in the appliance's area: the area goes with the appliance, and what it cost stays.
"""

from sqlalchemy import Engine, case, func, select
from sqlalchemy.orm import Session

from voxpop.appliance.elastic.ports import Sum
from voxpop.appliance.states import STANDS
from voxpop.kernel.ids import ApplianceId
from voxpop.kernel.ledger import Event
from voxpop.store.engine import reading
from voxpop.store.ledger import SqlLedger
from voxpop.store.schema import ApplianceRow, ScalingRow

_HOUR_S = 3600.0


class SqlScaling:
    """Sizes and sums of appliances."""

    def __init__(self, engine: Engine, ledger: SqlLedger) -> None:
        self._engine = engine
        self._ledger = ledger

    def sum(self, appliance: ApplianceId) -> Sum:
        """Return what an appliance's workers came to; all zero for one that had none."""
        with reading(self._engine) as session:
            row = session.get(ScalingRow, appliance)
            return _sum(row) if row is not None else Sum()

    def worker_hours(self, appliance: ApplianceId) -> float | None:
        """Return how long an appliance's workers were there, all together; None where nobody counts them."""
        known = self.sum(appliance)
        return None if known.at is None else known.paid_s / _HOUR_S

    def write(self, appliance: ApplianceId, sum_: Sum) -> None:
        """Keep it in the place of what was there."""
        with Session(self._engine) as session, session.begin():
            row = _row(session, appliance)
            row.paid_s, row.at, row.workers = sum_.paid_s, sum_.at, sum_.workers
            row.waiting, row.running = sum_.waiting, sum_.running
            row.added, row.removed = sum_.added, sum_.removed

    def size(self, appliance: ApplianceId) -> tuple[int, int] | None:
        """Return the least and the most workers that somebody chose; None where nobody did."""
        with reading(self._engine) as session:
            row = session.get(ScalingRow, appliance)
            if row is None or row.least is None or row.most is None:
                return None
            return row.least, row.most

    def resize(self, appliance: ApplianceId, least: int, most: int, event: Event) -> None:
        """Choose the least and the most workers, and append the event that tells of it."""

        def change(session: Session) -> None:
            row = _row(session, appliance)
            row.least, row.most = least, most

        self._ledger.change(event, change)

    def all_together(self) -> Sum:
        """Return what the workers of all appliances came to; there are those of appliances that stand."""
        stands = ApplianceRow.state.in_([state.value for state in STANDS])
        now = [case((stands, one), else_=0) for one in (ScalingRow.workers, ScalingRow.waiting, ScalingRow.running)]
        columns = (ScalingRow.paid_s, *now, ScalingRow.added, ScalingRow.removed)
        query = select(*(func.coalesce(func.sum(column), 0) for column in columns))
        with reading(self._engine) as session:
            found = session.execute(query.join(ApplianceRow, ApplianceRow.id == ScalingRow.appliance)).one()
        return Sum(float(found[0]), None, *map(int, found[1:]))


def _row(session: Session, appliance: ApplianceId) -> ScalingRow:
    row = session.get(ScalingRow, appliance)
    if row is None:
        row = ScalingRow(appliance=appliance, paid_s=0.0, workers=0, waiting=0, running=0, added=0, removed=0)
        session.add(row)
    return row


def _sum(row: ScalingRow) -> Sum:
    return Sum(row.paid_s, row.at, row.workers, row.waiting, row.running, row.added, row.removed)
