"""Runs over SQL."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from voxpop.kernel.ids import ApplianceId, ApplicationId, RunId, VolumeId
from voxpop.kernel.ledger import Event
from voxpop.run.model import Run
from voxpop.run.states import RunState
from voxpop.store.ledger import SqlLedger, SubjectAbsent
from voxpop.store.schema import RunRow


class SqlRuns:
    """Runs.

    Parameters
    ----------
    root : Path
        The folder that holds one folder of results a run.
    """

    def __init__(self, engine: Engine, ledger: SqlLedger, root: Path) -> None:
        self._engine = engine
        self._ledger = ledger
        self._root = root

    def add(self, run: Run, actor: str) -> None:
        """Keep a new run; the same again is silent."""
        with Session(self._engine) as session:
            if session.get(RunRow, run.id) is not None:
                return
        row = RunRow(
            id=run.id,
            application=run.application,
            appliance=run.appliance,
            volume=run.volume,
            pipeline=run.pipeline,
            pipeline_digest=run.pipeline_digest,
            state=run.state.value,
            repeats=run.repeats,
            created_at=run.created_at,
        )
        facts = {"pipeline": run.pipeline, "pipeline_sha256": run.pipeline_digest, "repeats": run.repeats}
        event = Event("run.created", f"run:{run.id}", actor, facts=facts)
        self._ledger.change(event, lambda session: session.add(row))

    def get(self, run: RunId) -> Run:
        """Return a run, or raise ``Absent``."""
        with Session(self._engine) as session:
            row = session.get(RunRow, run)
        if row is None:
            raise SubjectAbsent("run", run)
        return self._run(row)

    def every(self) -> Sequence[Run]:
        """Return all runs, the oldest first."""
        with Session(self._engine) as session:
            return [self._run(row) for row in session.scalars(select(RunRow).order_by(RunRow.created_at, RunRow.id))]

    def of_application(self, application: ApplicationId) -> Sequence[Run]:
        """Return the application's runs, the oldest first."""
        return [run for run in self.every() if run.application == application]

    def _run(self, row: RunRow) -> Run:
        return Run(
            id=RunId(row.id),
            application=ApplicationId(row.application),
            appliance=ApplianceId(row.appliance),
            volume=VolumeId(row.volume),
            pipeline=row.pipeline,
            pipeline_digest=row.pipeline_digest,
            state=RunState(row.state),
            results=self._root / row.id,
            created_at=row.created_at,
            repeats=RunId(row.repeats) if row.repeats else None,
        )
