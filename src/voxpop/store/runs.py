"""Runs over SQL."""

from collections.abc import Collection, Sequence
from pathlib import Path

from sqlalchemy import Engine, Select, select

from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ApplianceId, ApplicationId, RunId, VolumeId
from voxpop.kernel.ledger import Event
from voxpop.run.model import Run
from voxpop.run.states import RunState
from voxpop.store.engine import reading
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
        with reading(self._engine) as session:
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
            parameters=dict(run.parameters),
            created_at=run.created_at,
        )
        facts: dict[str, Json] = {
            "pipeline": run.pipeline,
            "pipeline_sha256": run.pipeline_digest,
            "repeats": run.repeats,
            "parameters": dict(run.parameters),
        }
        event = Event("run.created", f"run:{run.id}", actor, facts=facts)
        self._ledger.change(event, lambda session: session.add(row))

    def get(self, run: RunId) -> Run:
        """Return a run, or raise ``Absent``."""
        with reading(self._engine) as session:
            row = session.get(RunRow, run)
        if row is None:
            raise SubjectAbsent("run", run)
        return self._run(row)

    def every(self) -> Sequence[Run]:
        """Return all runs, the oldest first."""
        return self._all(_oldest_first())

    def of_application(self, application: ApplicationId) -> Sequence[Run]:
        """Return the application's runs, the oldest first."""
        return self._all(_oldest_first().where(RunRow.application == application))

    def in_states(self, states: Collection[RunState], scope: Collection[ApplicationId] | None) -> Sequence[Run]:
        """Return the runs of some projects (None for all) that are in some states, the oldest first."""
        wanted = _oldest_first().where(RunRow.state.in_([state.value for state in states]))
        return self._all(_within(wanted, scope))

    def newest(
        self,
        scope: Collection[ApplicationId] | None,
        most: int,
        before: RunId | None = None,
        *,
        finished: bool = False,
    ) -> Sequence[Run]:
        """Return the newest runs of some projects (None for all), or those older than a run.

        Parameters
        ----------
        finished : bool
            Only those that are done and repeat no other.

        Raises
        ------
        SubjectAbsent
            If there is no such run to be older than, or it is of another project.
        """
        query = _within(select(RunRow).order_by(RunRow.created_at.desc(), RunRow.id.desc()).limit(most), scope)
        if finished:
            query = query.where(RunRow.state == RunState.DONE.value, RunRow.repeats.is_(None))
        if before is not None:
            last = self.get(before)
            if scope is not None and last.application not in scope:
                raise SubjectAbsent("run", before)
            here = (RunRow.created_at == last.created_at) & (RunRow.id < last.id)
            query = query.where((RunRow.created_at < last.created_at) | here)
        return self._all(query)

    def _all(self, query: Select[RunRow]) -> list[Run]:
        with reading(self._engine) as session:
            return [self._run(row) for row in session.scalars(query)]

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
            parameters=row.parameters,
        )


def _oldest_first() -> Select[RunRow]:
    return select(RunRow).order_by(RunRow.created_at, RunRow.id)


def _within(query: Select[RunRow], scope: Collection[ApplicationId] | None) -> Select[RunRow]:
    return query if scope is None else query.where(RunRow.application.in_(scope))
