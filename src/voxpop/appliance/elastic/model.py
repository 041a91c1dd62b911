"""What a decision on workers is made of, and what it says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from voxpop.appliance.model import Load, Machine

WORKER = re.compile(r"w[1-9][0-9]{0,5}")
"""What a worker is called; nothing else is ever added or removed."""


@dataclass(frozen=True, slots=True)
class Hours:
    """The part of each day in which workers may be added; it may lie over midnight.

    Parameters
    ----------
    begin, end : time
        From ``begin`` until just before ``end``; the whole day where they are the same.
    zone : str
        As the IANA names it, ``Europe/Madrid``.
    """

    begin: time
    end: time
    zone: str = "UTC"

    def hold(self, moment: datetime) -> bool:
        """Say whether an aware moment lies in them."""
        here = moment.astimezone(ZoneInfo(self.zone)).time()
        if self.begin < self.end:
            return self.begin <= here < self.end
        return here >= self.begin or here < self.end


@dataclass(frozen=True, slots=True)
class Policy:
    """What the workers of one appliance may be.

    Parameters
    ----------
    least, most : int
        As many are there while nothing is to be done; never more.
    slots : int
        Jobs that one worker runs at the same time.
    idle_s : float
        A worker goes that has been idle for so long.
    boot_s : float
        A worker is given up that has not registered, or has not answered, for so long.
    tries : int
        Workers in a row that may fail to come up before there is a pause; the pause doubles each time.
    trial : int
        As many are made at first, until one of them has registered: an image that is broken costs no more than these.
    hours : Hours, optional
        None for the whole day.
    budget_s : float, optional
        Seconds of workers that may be paid in all.
    quota : int, optional
        Workers that the site has at the most, where it says so.
    gpu_workers : int
        ``w1`` to this one have GPUs. Where others have none, these are for jobs that need a GPU alone.
    gpu_slots : int
        Jobs with a GPU that one of them runs at the same time.
    native : bool
        Whether the queue itself says when workers are added and when idle ones go; the limits hold then, too.
    """

    least: int
    most: int
    slots: int = 1
    idle_s: float = 60.0
    boot_s: float = 60.0
    tries: int = 3
    trial: int = 10
    hours: Hours | None = None
    budget_s: float | None = None
    quota: int | None = None
    gpu_workers: int = 0
    gpu_slots: int = 1
    native: bool = False


class Seen(StrEnum):
    """What a worker is, from all that is known of it."""

    BOOTING = "booting"
    IDLE = "idle"
    BUSY = "busy"
    DRAINING = "draining"
    DRAINED = "drained"
    AWAY = "away"
    DEAD = "dead"
    """It registered, and does not run any more."""
    FAILED = "failed"
    """It had its time to register, and did not."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Since when a worker has been what it is, on the clock that never jumps."""

    seen: Seen
    since_s: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is remembered of the jobs that wait for one kind of worker.

    Parameters
    ----------
    since_s : float, optional
        Since when there have always been some.
    fewest : int
        As few waited since then.
    beside_room_s : float, optional
        Since when they have waited while busy workers had room.
    unfit : int
        So many wait that workers, which were idle, have not taken: more of those would not help them.
    unfit_s : float
        Since when that is so.
    """

    since_s: float | None = None
    fewest: int = 0
    beside_room_s: float | None = None
    unfit: int = 0
    unfit_s: float = 0.0


def _nothing() -> Mapping[str, Mark]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Memory:
    """What earlier decisions leave to later ones; an empty one is always safe.

    Parameters
    ----------
    marks : mapping of a worker's name to Mark
    registered : frozenset of str
        The workers, of those that are there, that the queue has known.
    draining : frozenset of str
        Those that were told to take no further job.
    stale : mapping of a name to float
        Workers that the queue has and the site has not, and when the queue is to be told.
    registered_s : float, optional
        When one registered last.
    failures : int
        Workers in a row that never registered.
    pauses : int
        How often in a row there was a pause.
    not_before_s : float
        Nothing is added before.
    at_once : int, optional
        As many may be asked of the site in one go; None for any number.
    waiting : mapping
        By kind of worker.
    """

    marks: Mapping[str, Mark] = field(default_factory=_nothing)
    registered: frozenset[str] = frozenset()
    draining: frozenset[str] = frozenset()
    stale: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    registered_s: float | None = None
    failures: int = 0
    pauses: int = 0
    not_before_s: float = float("-inf")
    at_once: int | None = None
    waiting: Mapping[str, Waiting] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known at one moment.

    Parameters
    ----------
    now_s : float
        On a clock that never jumps.
    wall : datetime
        Aware; only the hours of the day are read off it.
    load : Load or None
        None where the queue can't be read.
    machines : sequence of Machine, or None
        None where the site can't be read.
    paid_s : float
        Seconds of workers that were paid until now.
    """

    now_s: float
    wall: datetime
    load: Load | None
    machines: Sequence[Machine] | None
    memory: Memory = field(default_factory=Memory)
    paid_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """What is done with a worker, and why, in one clause."""

    worker: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, in this order: remove and forget, drain, add.

    Parameters
    ----------
    memory : Memory
        For the next decision.
    held : str
        Why fewer are added than there is work for, in one clause; empty where that is not so.
    """

    memory: Memory
    add: tuple[Step, ...] = ()
    drain: tuple[Step, ...] = ()
    remove: tuple[Step, ...] = ()
    forget: tuple[Step, ...] = ()
    held: str = ""


def number_of(worker: str) -> int:
    """Return a worker's number; 0 for what is none."""
    return int(worker[1:]) if WORKER.fullmatch(worker) else 0
