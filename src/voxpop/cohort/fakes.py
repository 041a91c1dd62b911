"""Cohorts and a ledger in memory, for tests and dry runs."""

from collections.abc import Sequence
from enum import StrEnum

from voxpop.cohort.model import Cohort, Selection
from voxpop.kernel.errors import Absent
from voxpop.kernel.ids import ApplicationId, CohortId
from voxpop.kernel.ledger import Event


class MemoryLedger:
    """Events in a list."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        """Append an event."""
        self.events.append(event)

    def move(self, subject: str, source: StrEnum, target: StrEnum, event: Event) -> None:
        """Append the event of a move; a cohort has no states to keep."""
        del subject, source, target
        self.events.append(event)


class MemoryCohorts:
    """Frozen cohorts in a dictionary, by the rules of the port."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger
        self._kept: dict[CohortId, tuple[Cohort, Selection]] = {}

    def freeze(self, cohort: Cohort, selection: Selection, actor: str) -> Cohort:
        """Keep a cohort and its list, once; a second freeze of the same id returns the first."""
        if cohort.id not in self._kept:
            self._kept[cohort.id] = (cohort, selection)
            self._ledger.record(Event("cohort.frozen", f"cohort:{cohort.id}", actor))
        return self._kept[cohort.id][0]

    def get(self, cohort: CohortId) -> Cohort:
        """Return a cohort, or raise ``Absent``."""
        if cohort not in self._kept:
            raise Absent(f"there is no cohort '{cohort}' here")
        return self._kept[cohort][0]

    def of_application(self, application: ApplicationId) -> Sequence[Cohort]:
        """Return the application's cohorts, the oldest first."""
        return [cohort for cohort, _ in self._kept.values() if cohort.application == application]

    def selection(self, cohort: CohortId, actor: str, reason: str = "") -> Selection:
        """Open the frozen list; an access to identity, and audited as such."""
        self.get(cohort)
        self._ledger.record(Event("identity.opened", f"cohort:{cohort}", actor, reason))
        return self._kept[cohort][1]
