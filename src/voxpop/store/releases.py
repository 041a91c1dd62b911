"""Requests to let files out, and the decisions on them, over SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session

from voxpop.kernel.ids import RunId
from voxpop.kernel.ledger import Event
from voxpop.result.egress.errors import ReleaseAbsent
from voxpop.result.egress.model import Finding, Release, ReleaseFile, Severity
from voxpop.result.egress.states import ReleaseState
from voxpop.store.engine import reading
from voxpop.store.ledger import SqlLedger
from voxpop.store.schema import EgressRow


class SqlReleases:
    """Releases."""

    def __init__(self, engine: Engine, ledger: SqlLedger) -> None:
        self._engine = engine
        self._ledger = ledger

    def add(self, release: Release, event: Event) -> None:
        """Keep a new request and append the event, in one transaction."""
        self._ledger.change(event, lambda session: session.add(_row(release)))

    def get(self, release: str) -> Release:
        """Return a release, or raise ``Absent``."""
        with reading(self._engine) as session:
            row = session.get(EgressRow, release)
        if row is None:
            raise ReleaseAbsent(release)
        return _release(row)

    def every(self) -> Sequence[Release]:
        """Return all releases, by time and id."""
        return self._all(select(EgressRow))

    def of_run(self, run: RunId) -> Sequence[Release]:
        """Return a run's releases, by time and id."""
        return self._all(select(EgressRow).where(EgressRow.run == run))

    def decided(self, release: Release, event: Event) -> None:
        """Keep the decision on a request and move it to ``release.state``, in one transaction."""
        self.get(release.id)

        def change(session: Session) -> None:
            row = session.get_one(EgressRow, release.id)
            row.decided_by, row.reason, row.decided_at = release.decided_by, release.reason, release.decided_at
            row.findings = [_finding_json(one) for one in release.findings]
            session.flush()

        self._ledger.move_with(event.subject, ReleaseState.REQUESTED, release.state, event, change)

    def _all(self, query: Select[EgressRow]) -> list[Release]:
        with reading(self._engine) as session:
            return [_release(row) for row in session.scalars(query.order_by(EgressRow.asked_at, EgressRow.id))]


def _row(release: Release) -> EgressRow:
    return EgressRow(
        id=release.id,
        run=release.run,
        state=release.state.value,
        files=[[one.path, one.sha256, one.bytes] for one in release.files],
        findings=[_finding_json(one) for one in release.findings],
        asked_by=release.asked_by,
        purpose=release.purpose,
        asked_at=release.asked_at,
        decided_by=release.decided_by,
        reason=release.reason,
        decided_at=release.decided_at,
    )


def _finding_json(one: Finding) -> list[Any]:
    return [one.path, one.check, one.severity.value, one.sentence, one.allowed]


def _release(row: EgressRow) -> Release:
    return Release(
        id=row.id,
        run=RunId(row.run),
        state=ReleaseState(row.state),
        files=tuple(ReleaseFile(*one) for one in row.files),
        findings=tuple(
            Finding(path, check, Severity(severity), sentence, allowed)
            for path, check, severity, sentence, allowed in row.findings
        ),
        asked_by=row.asked_by,
        purpose=row.purpose,
        asked_at=row.asked_at,
        decided_by=row.decided_by,
        reason=row.reason,
        decided_at=row.decided_at,
    )
