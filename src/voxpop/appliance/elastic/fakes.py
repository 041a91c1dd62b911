"""A cluster in memory whose time is turned by hand, for tests and for trying policies out."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from voxpop.appliance.elastic.ports import Sum
from voxpop.appliance.model import Load, Machine, NodeState
from voxpop.kernel.errors import Refused, Unavailable
from voxpop.kernel.ids import ApplianceId

BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)


class QuotaReached(Refused):
    """The site gives no more."""

    code = "quota-reached"

    def __init__(self, quota: int) -> None:
        super().__init__(f"the site gives {quota} workers at the most")


class PartAway(Unavailable):
    """A part of the cluster does not answer."""

    code = "part-away"

    def __init__(self, part: str) -> None:
        super().__init__(f"the {part} does not answer")


class MemoryBooks:
    """Sums in memory."""

    def __init__(self) -> None:
        self.kept: dict[ApplianceId, Sum] = {}

    def sum(self, appliance: ApplianceId) -> Sum:
        """Return what an appliance's workers came to."""
        return self.kept.get(appliance, Sum())

    def write(self, appliance: ApplianceId, sum_: Sum) -> None:
        """Keep it."""
        self.kept[appliance] = sum_


class HandClock:
    """The wall's clock of a cluster in memory; it can be put wrong."""

    def __init__(self, moment: Callable[[], float]) -> None:
        self.wrong_by = timedelta()
        self._moment = moment

    def now(self) -> datetime:
        """Return the present moment."""
        return BEGIN + timedelta(seconds=self._moment()) + self.wrong_by


@dataclass
class _Worker:
    made: datetime
    registers_s: float
    up: bool = True
    registered: bool = False
    draining: bool = False
    cut: bool = False
    jobs: list[float] = field(default_factory=list)  # when each ends


class MemoryCluster:
    """A site and a queue: workers come up, register and do jobs, as its time goes on.

    Parameters
    ----------
    boot_s : float
        From being made to being registered.
    slots : int
        Jobs that one worker does at the same time.

    Attributes
    ----------
    now_s : float
        Its time.
    quota : int
        Workers that the site gives at the most.
    boots : bool
        Whether workers that are made now will ever register.
    leaves : bool
        Whether a worker that takes no further job leaves the queue once it has none, as HTCondor's do.
    queue_away, site_away : bool
    added, removed : list of str
        Every name that was added or removed, in order.
    killed : list of str
        Workers that were removed although a job ran on them and they answered.
    done : int
        Jobs that have ended.
    """

    def __init__(self, boot_s: float = 10.0, slots: int = 1) -> None:
        self.now_s = 0.0
        self.quota = 10**6
        self.boots = True
        self.leaves = False
        self.queue_away = self.site_away = False
        self.added: list[str] = []
        self.removed: list[str] = []
        self.killed: list[str] = []
        self.done = 0
        self.clock = HandClock(lambda: self.now_s)
        self.waiting: deque[float] = deque()
        self._boot_s = boot_s
        self._slots = slots
        self._workers: dict[str, _Worker] = {}

    def submit(self, jobs: int, seconds: float) -> None:
        """Hand over jobs of the same length."""
        self.waiting.extend([seconds] * jobs)

    def turn(self, seconds: float) -> None:
        """Let time go on, a second at a time."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s = min(end_s, self.now_s + 1.0)
            self._happen()

    def kill(self, name: str) -> None:
        """Let a worker die; its jobs are lost until the queue is told to forget it."""
        self._workers[name].up = False

    def cut(self, name: str, *, off: bool = True) -> None:
        """Cut a worker off, or let it answer again."""
        self._workers[name].cut = off

    def names(self) -> Sequence[str]:
        """Return the workers that are there."""
        return list(self._workers)

    def running(self) -> int:
        """Return how many jobs run."""
        return sum(len(worker.jobs) for worker in self._workers.values())

    def machines(self, appliance: ApplianceId) -> Sequence[Machine]:
        """Return the workers that are there."""
        del appliance
        if self.site_away:
            raise PartAway("site")
        return [Machine(name, worker.up, worker.made) for name, worker in self._workers.items()]

    def add_machines(self, appliance: ApplianceId, names: Sequence[str]) -> None:
        """Make workers; all of them, or none where there would be too many."""
        del appliance
        if self.site_away:
            raise PartAway("site")
        new = [name for name in names if name not in self._workers or not self._workers[name].up]
        if len(set(new) | set(self._workers)) > self.quota:
            raise QuotaReached(self.quota)
        registers_s = self.now_s + self._boot_s if self.boots else float("inf")
        self._workers.update({name: _Worker(self.clock.now(), registers_s) for name in new})
        self.added += new

    def remove_machines(self, appliance: ApplianceId, names: Sequence[str]) -> None:
        """Remove workers, whatever runs on them; twice is silent."""
        del appliance
        if self.site_away:
            raise PartAway("site")
        for name in names:
            worker = self._workers.pop(name, None)
            if worker is not None:
                self.removed.append(name)
                self.killed += [name] if worker.jobs and worker.up and not worker.cut else []
                self.waiting.extendleft(job - self.now_s for job in worker.jobs)

    def load(self) -> Load:
        """Return what there is to do."""
        if self.queue_away:
            raise PartAway("queue")
        return Load(len(self.waiting), self.running(), self._states())

    def drain(self, names: Sequence[str]) -> None:
        """Give these no further job."""
        if self.queue_away:
            raise PartAway("queue")
        for name in names:
            if name in self._workers:
                self._workers[name].draining = True

    def forget(self, names: Sequence[str]) -> None:
        """Hear that these are gone."""
        del names
        if self.queue_away:
            raise PartAway("queue")

    def _states(self) -> Mapping[str, NodeState]:
        states = {name: _state(worker) for name, worker in self._workers.items() if worker.registered}
        return {name: state for name, state in states.items() if not (self.leaves and state is NodeState.DRAINED)}

    def _happen(self) -> None:
        for worker in self._workers.values():
            if not worker.up:
                continue
            worker.registered |= worker.registers_s <= self.now_s
            self.done += sum(end_s <= self.now_s for end_s in worker.jobs)
            worker.jobs = [end_s for end_s in worker.jobs if end_s > self.now_s]
            while self.waiting and self._takes(worker):
                worker.jobs.append(self.now_s + self.waiting.popleft())

    def _takes(self, worker: _Worker) -> bool:
        usable = worker.registered and not (worker.draining or worker.cut or self.queue_away)
        return usable and len(worker.jobs) < self._slots


def _state(worker: _Worker) -> NodeState:
    if worker.cut or not worker.up:
        return NodeState.AWAY
    if worker.draining:
        return NodeState.DRAINING if worker.jobs else NodeState.DRAINED
    return NodeState.BUSY if worker.jobs else NodeState.IDLE
