"""When an appliance has to go: its days are over, its volume's last day has passed, or its project has ended.

A wrong clock must not remove what is still granted. So nothing is removed by the calendar while the clock can't be
trusted: while it is behind the newest entry of the audit log, or more than `LONGEST_SILENCE` ahead of it; and what is
over must have been found over for `PATIENCE_S` of this process's life, in which the clock went as fast as time does.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day

from voxpop.appliance.model import Appliance, Environment
from voxpop.appliance.service import ApplianceService
from voxpop.appliance.states import STANDS, ApplianceState
from voxpop.application.states import ApplicationState
from voxpop.flow.brokering import Records, environment_in
from voxpop.flow.history import BEGINS, History
from voxpop.flow.work import OVER, VOXPOP
from voxpop.kernel.clock import Clock
from voxpop.kernel.errors import VoxpopError
from voxpop.kernel.ids import ApplianceId, ApplicationId, VolumeId

WARN_BEFORE = timedelta(days=7)
LONGEST_SILENCE = timedelta(days=30)
PATIENCE_S = 3600.0
_SLACK_S = 300.0
"""How far a clock may be moved, as time servers do, before it counts as one that jumped."""

_MAY_STAND = frozenset({*ApplianceState} - {ApplianceState.REMOVED})
_log = logging.getLogger("voxpop.lifetimes")


@dataclass(frozen=True, slots=True)
class Ending:
    """When an appliance is removed by rule.

    Parameters
    ----------
    at : datetime
    why : str
        One clause, such as ``its 30 days are over``.
    soon : bool
        Whether it is to be told: within `WARN_BEFORE`, or over already.
    """

    at: datetime
    why: str
    soon: bool

    @property
    def warning(self) -> str:
        """One sentence where the end is near; empty where it is not."""
        if not self.soon:
            return ""
        return f"it is removed after {self.at:%Y-%m-%d %H:%M} UTC, when {self.why}; results stay"


@dataclass(frozen=True, slots=True)
class Ended:
    """What the calendar is read from."""

    records: Records
    volume_ends: Callable[[VolumeId], date | None]
    state: Callable[[ApplicationId], ApplicationState]
    history: History


class Lifetimes:
    """The rule by which appliances go.

    Parameters
    ----------
    steady : callable
        Seconds that no setting of a clock changes.
    """

    def __init__(
        self, facts: Ended, appliances: ApplianceService, clock: Clock, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._facts = facts
        self._appliances = appliances
        self._clock = clock
        self._steady = steady
        self._found: dict[ApplianceId, float] = {}
        self._last: tuple[datetime, float] | None = None

    def ending(self, appliance: Appliance) -> Ending | None:
        """Return when an appliance is removed by rule; None for one that never stood, or is removed."""
        began = self._deployed_at(appliance)
        if began is None or appliance.state not in STANDS:
            return None
        days = self._environment(appliance).days
        ends = [(began + timedelta(days=days), f"its {days} days are over")]
        last_day = self._facts.volume_ends(appliance.volume)
        if last_day is not None:
            midnight = datetime.combine(last_day + timedelta(days=1), time_of_day(), UTC)
            ends.append((midnight, "its volume's last day has passed"))
        at, why = min(ends)
        return Ending(at, why, at - self._clock.now() <= WARN_BEFORE)

    def over(self, appliance: Appliance) -> str:
        """Say in one clause why an appliance has to go now; empty where it may stay."""
        if appliance.state not in _MAY_STAND:
            return ""
        state = self._facts.state(appliance.application)
        if state in OVER:
            return f"its project is {state.value}"
        ending = self.ending(appliance)
        return ending.why if ending is not None and ending.at <= self._clock.now() else ""

    def look(self) -> list[ApplianceId]:
        """Return the appliances that are to be removed now; to be called again and again."""
        due = []
        steady = self._keeps_time()
        for one in self._facts.records.every():
            if one.state not in _MAY_STAND:
                continue
            try:
                ended = self._facts.state(one.application) in OVER
                over = ended or bool(self.over(one))
            except VoxpopError as unread:  # what can't be read is not removed
                _log.error("the end of an appliance could not be read: %s", unread.code)
                continue
            if not over:
                self._found.pop(one.id, None)
            elif ended or (steady and self._patient(one.id)):
                due.append(one.id)
        return due

    def end(self, appliance_id: ApplianceId) -> None:
        """Remove an appliance that has to go; one that may stay now stays. Twice is silent.

        Raises
        ------
        Unavailable
            If its site does not answer: it stays, and is tried again.
        """
        why = self.over(self._appliances.get(appliance_id))
        if why:
            self._appliances.remove(appliance_id, VOXPOP, why)

    def end_project(self, application: ApplicationId) -> None:
        """Remove all appliances of a project that has ended; one that can't be removed does not hold up the others.

        Raises
        ------
        VoxpopError
            What the first of them said that could not be removed.
        """
        failed: VoxpopError | None = None
        for one in self._of(application):
            try:
                self.end(one.id)
            except VoxpopError as away:
                failed = failed or away
        if failed is not None:
            raise failed

    def _deployed_at(self, appliance: Appliance) -> datetime | None:
        """Return when it was first deployed: deployed again, it is granted no longer."""
        for link in self._facts.history.links(f"appliance:{appliance.id}"):
            if link.event.action == BEGINS:
                return datetime.fromisoformat(link.at)
        return None

    def _environment(self, appliance: Appliance) -> Environment:
        return environment_in(self._facts.records.document(appliance.id))

    def _of(self, application: ApplicationId) -> list[Appliance]:
        return [one for one in self._facts.records.every() if one.application == application]

    def _patient(self, appliance: ApplianceId) -> bool:
        """Say whether it has been found over for long enough."""
        return self._steady() - self._found.setdefault(appliance, self._steady()) >= PATIENCE_S

    def _keeps_time(self) -> bool:
        """Say whether the clock can be trusted; one that can't begins the waiting anew."""
        now, steady = self._clock.now(), self._steady()
        before, self._last = self._last, (now, steady)
        newest = self._facts.history.newest()
        jumped = before is not None and abs((now - before[0]).total_seconds() - (steady - before[1])) > _SLACK_S
        behind = newest is not None and now < newest - timedelta(seconds=_SLACK_S)
        ahead = newest is not None and now > newest + LONGEST_SILENCE
        if jumped or behind or ahead:
            if self._found or before is None:
                _log.warning("the clock can't be trusted, so no appliance is removed by the calendar")
            self._found.clear()
            return False
        return True


def end(lifetimes: Lifetimes, subject: str) -> None:
    """Remove what has to go of an appliance, or of a project, by the subject of a piece of work."""
    kind, _, name = subject.partition(":")
    if kind == "application":
        lifetimes.end_project(ApplicationId(name))
    else:
        lifetimes.end(ApplianceId(name))
