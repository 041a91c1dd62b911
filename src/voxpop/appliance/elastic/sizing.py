"""The use cases of an appliance's size: look at its workers, and choose how many there may be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from voxpop.appliance.elastic.ports import Books, Sum
from voxpop.appliance.errors import NoWorkers, SizeInvalid, SizeRefused
from voxpop.appliance.model import Load, Machine, NodeState, Workers
from voxpop.appliance.ports import CanResize, Queue
from voxpop.kernel.errors import Unavailable
from voxpop.kernel.ids import ApplianceId
from voxpop.kernel.ledger import Event

_BUSY = frozenset({NodeState.BUSY, NodeState.DRAINING})


class WorkerState(StrEnum):
    """What is told of a worker: what its queue says, or what is known without it."""

    IDLE = "idle"
    BUSY = "busy"
    DRAINING = "draining"
    DRAINED = "drained"
    AWAY = "away"
    """Its queue does not answer, or it does not answer its queue."""
    COMING = "coming"
    GONE = "gone"
    """It does not run, and its queue does not know it."""


class Sizes(Books, Protocol):
    """Where it is kept how many workers somebody chose, beside what they came to."""

    def size(self, appliance: ApplianceId) -> tuple[int, int] | None:
        """Return the least and the most; None where nobody chose."""
        ...

    def resize(self, appliance: ApplianceId, least: int, most: int, event: Event) -> None:
        """Keep what was chosen, and append the event."""
        ...


@dataclass(frozen=True, slots=True)
class Cluster:
    """An appliance that has a queue, and what its workers are asked of.

    Parameters
    ----------
    granted : Workers
        As it was deployed.
    most_here : int or None
        Workers that the site lets it have; None where it does not say.
    """

    appliance: ApplianceId
    granted: Workers
    site: CanResize
    queue: Queue
    kind: str
    most_here: int | None = None


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """One worker: whether it runs, and what the queue says of it."""

    name: str
    up: bool
    state: WorkerState


@dataclass(frozen=True, slots=True)
class Size:
    """The workers of an appliance, as they are.

    Parameters
    ----------
    kind : str
        The queue.
    least, most : int
    granted : Workers
        As many as there could be, and what one of them has.
    workers : tuple of WorkerSeen, or None
        None where the site does not answer.
    load : Load or None
        None where the queue does not answer.
    sum : Sum
        What they came to until now.
    """

    kind: str
    least: int
    most: int
    granted: Workers
    workers: tuple[WorkerSeen, ...] | None
    load: Load | None
    sum: Sum


class Sizing:
    """The use cases of size.

    Parameters
    ----------
    cluster : callable
        Returns an appliance's cluster, or None where it has no queue or does not stand.
    """

    def __init__(self, cluster: Callable[[ApplianceId], Cluster | None], sizes: Sizes) -> None:
        self._cluster = cluster
        self._sizes = sizes

    def show(self, appliance: ApplianceId) -> Size | None:
        """Return the workers of an appliance as they are now; None for one without a queue."""
        cluster = self._cluster(appliance)
        if cluster is None:
            return None
        least, most = self.limits(cluster)
        machines, load = _machines(cluster), _load(cluster.queue)
        workers = None if machines is None else tuple(_worker(machine, load) for machine in machines)
        sums = self._sizes.sum(appliance)
        return Size(cluster.kind, least, most, cluster.granted, workers, load, sums)

    def limits(self, cluster: Cluster) -> tuple[int, int]:
        """Return the least and the most workers, as somebody chose or as they were granted."""
        least, most = self._sizes.size(cluster.appliance) or (cluster.granted.least, cluster.granted.most)
        most = min(most, cluster.granted.most)
        return min(least, most), most

    def resize(self, appliance: ApplianceId, least: int, most: int, actor: str) -> None:
        """Choose how many workers there may be; the same again is silent.

        Raises
        ------
        SizeInvalid
            If the numbers are no size.
        NoWorkers
            If it has no queue.
        SizeRefused
            If more work than that, or it was granted less, or its site has less.
        Unavailable
            If the queue does not answer: nobody then knows how many work.
        """
        if not 0 <= least <= most or most < 1:
            raise SizeInvalid
        cluster = self._cluster(appliance)
        if cluster is None:
            raise NoWorkers(appliance)
        self._check(cluster, most)
        if self.limits(cluster) == (least, most):
            return
        facts = {"least": least, "most": most}
        self._sizes.resize(
            appliance, least, most, Event("appliance.resized", f"appliance:{appliance}", actor, "", facts)
        )

    def _check(self, cluster: Cluster, most: int) -> None:
        granted, here = cluster.granted.most, cluster.most_here
        if most > granted:
            raise SizeRefused(cluster.appliance, f"it was granted {granted} workers; ask for more in its application")
        if here is not None and most > here:
            raise SizeRefused(cluster.appliance, f"its site lets it have {here} workers")
        busy = sum(state in _BUSY for state in cluster.queue.load().nodes.values())
        if most < busy:
            raise SizeRefused(cluster.appliance, f"{busy} of its workers have jobs; try again when fewer work")


def _machines(cluster: Cluster) -> Sequence[Machine] | None:
    try:
        return cluster.site.machines(cluster.appliance)
    except Unavailable:
        return None


def _load(queue: Queue) -> Load | None:
    try:
        return queue.load()
    except Unavailable:
        return None


def _worker(machine: Machine, load: Load | None) -> WorkerSeen:
    if load is None:
        return WorkerSeen(machine.name, machine.up, WorkerState.AWAY)
    state = load.nodes.get(machine.name)
    if state is not None:
        return WorkerSeen(machine.name, machine.up, WorkerState(state.value))
    return WorkerSeen(machine.name, machine.up, WorkerState.COMING if machine.up else WorkerState.GONE)
