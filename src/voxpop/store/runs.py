"""Runs and the files that they left, over SQL."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from voxpop.kernel.ids import ApplianceId, ApplicationId, RunId, VolumeId
from voxpop.kernel.ledger import Event
from voxpop.run.model import FileFact, Run
from voxpop.run.states import RunState
from voxpop.store.ledger import SqlLedger, SubjectAbsent
from voxpop.store.schema import ResultRow, RunRow


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

    def keep_files(self, run: RunId, kind: str, files: Iterable[FileFact]) -> None:
        """Keep which files a run left; the same again is silent."""
        with Session(self._engine) as session, session.begin():
            known = {row.path: row for row in session.scalars(select(ResultRow).where(ResultRow.run == run))}
            for file in files:
                if file.path in known:
                    known[file.path].sha256 = file.sha256
                else:
                    session.add(ResultRow(run=run, kind=kind, path=file.path, sha256=file.sha256))

    def run_of_file(self, sha256: str) -> tuple[RunId, str, str] | None:
        """Return the run that first left a file of this content, with its kind and path; None if none did."""
        query = select(ResultRow).where(ResultRow.sha256 == sha256).order_by(ResultRow.id).limit(1)
        with Session(self._engine) as session:
            row = session.scalars(query).first()
        return (RunId(row.run), row.kind, row.path) if row else None

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
