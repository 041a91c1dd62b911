"""How long an appliance stood, as the audit log tells it, and the core hours that it came to."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from voxpop.appliance.model import Appliance, Environment
from voxpop.kernel.clock import Clock
from voxpop.kernel.ids import ApplianceId
from voxpop.kernel.ledger import Event

BEGINS, _ENDS = "appliance.deployed", "appliance.removed"
_HOUR_S = 3600


class Told(Protocol):
    """A line of the audit log."""

    @property
    def at(self) -> str:
        """When, as ISO 8601 in UTC."""
        ...

    @property
    def event(self) -> Event:
        """What happened."""
        ...


class History(Protocol):
    """The audit log, as far as time is read from it."""

    def links(self, subject: str | None = None) -> Sequence[Told]:
        """Return one subject's part of it, the oldest first."""
        ...

    def newest(self) -> datetime | None:
        """Return when the newest entry was written; None where there is none."""
        ...


def _uncounted(appliance: ApplianceId) -> float | None:
    del appliance
    return None


class CoreHours:
    """The core hours of appliances.

    Parameters
    ----------
    worker_hours : callable
        Returns how long the workers of an appliance's queue were there, all together; None where nobody counts them.
    """

    def __init__(
        self, history: History, clock: Clock, worker_hours: Callable[[ApplianceId], float | None] = _uncounted
    ) -> None:
        self._history = history
        self._clock = clock
        self._worker_hours = worker_hours

    def of(self, appliance: Appliance, environment: Environment) -> float:
        """Return the core hours of an appliance until now; where nobody counts its workers, as if all were there."""
        workers = environment.workers
        counted = self._worker_hours(appliance.id) if workers else None
        if workers and counted is not None:
            return workers.cores * counted
        return environment.cores * sum((end - begin).total_seconds() for begin, end in self._stood(appliance)) / _HOUR_S

    def _stood(self, appliance: Appliance) -> Iterator[tuple[datetime, datetime]]:
        began: datetime | None = None
        for link in self._history.links(f"appliance:{appliance.id}"):
            at = datetime.fromisoformat(link.at)
            if link.event.action == BEGINS and began is None:
                began = at
            elif link.event.action == _ENDS and began is not None:
                yield began, max(began, at)
                began = None
        if began is not None:
            yield began, max(began, self._clock.now())
