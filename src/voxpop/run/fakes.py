"""Runs and a ledger in memory, for tests and for trying a pipeline without a work folder."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from voxpop.kernel.errors import Absent, IllegalMove
from voxpop.kernel.ids import ApplicationId, RunId
from voxpop.kernel.ledger import Event
from voxpop.run.model import Run
from voxpop.run.states import RunState


class MemoryRuns:
    """Runs in memory, with the ledger that moves them.

    It is both ``run.ports.Runs`` and ``kernel.ledger.Ledger``, since a state changes only by the ledger.
    """

    def __init__(self) -> None:
        self._runs: dict[RunId, Run] = {}
        self.events: list[Event] = []

    def add(self, run: Run, actor: str) -> None:
        """Keep a new run; the same again is silent."""
        if run.id not in self._runs:
            self._runs[run.id] = run
            self.events.append(Event("run.created", f"run:{run.id}", actor))

    def get(self, run: RunId) -> Run:
        """Return a run, or raise ``Absent``."""
        if run not in self._runs:
            raise Absent(f"there is no run '{run}' here")
        return self._runs[run]

    def of_application(self, application: ApplicationId) -> Sequence[Run]:
        """Return the application's runs, the oldest first."""
        return [run for run in self._runs.values() if run.application == application]

    def record(self, event: Event) -> None:
        """Append an event."""
        self.events.append(event)

    def move(self, subject: str, source: StrEnum, target: StrEnum, event: Event) -> None:
        """Change a run's state and append the event, or raise ``IllegalMove`` if it was not ``source``."""
        run = self.get(RunId(subject.removeprefix("run:")))
        if run.state is not source:
            raise IllegalMove(subject, run.state.value, target.value)
        self._runs[run.id] = replace(run, state=RunState(target))
        self.events.append(event)
