"""How many workers there is work for."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from voxpop.appliance.elastic.model import Policy, Seen, Waiting, number_of
from voxpop.appliance.elastic.seeing import Sight
from voxpop.appliance.model import Load

_SETTLES_S = 15.0  # a queue hands out what waits within a few of its cycles
_LEAST_PATIENCE_S = 30.0
_UNFIT_S = 900.0  # then it is tried again: it may have been the queue that handed out nothing


@dataclass(frozen=True, slots=True)
class Kind:
    """Workers that take the same jobs: those whose numbers are in a range.

    Parameters
    ----------
    waiting : int
        Jobs that wait for one of them.
    slots : int
        Such jobs that one of them runs at the same time.
    """

    name: str
    first: int
    last: int
    waiting: int
    slots: int

    def has(self, worker: str) -> bool:
        """Say whether a worker is of this kind."""
        return self.first <= number_of(worker) <= self.last


def kinds(policy: Policy, load: Load) -> Sequence[Kind]:
    """Return the kinds of worker, those without GPUs first; jobs that no worker can do count nowhere."""
    with_gpus = min(policy.gpu_workers, policy.most)
    for_gpus = min(load.waiting_for_gpus, load.waiting)
    if with_gpus == policy.most:
        in_slots = ceil(for_gpus * policy.slots / policy.gpu_slots)
        return [Kind("any", 1, policy.most, max(load.waiting, in_slots), policy.slots)]
    plain = Kind("plain", with_gpus + 1, policy.most, load.waiting - for_gpus, policy.slots)
    return [plain, Kind("gpu", 1, with_gpus, for_gpus, policy.gpu_slots)] if with_gpus else [plain]


def waited(policy: Policy, sight: Sight, kind: Kind, before: Waiting) -> Waiting:
    """Note how long jobs have waited, and whether workers that could have taken them did not."""
    now_s = sight.now_s
    unfit = min(before.unfit, kind.waiting) if now_s - before.unfit_s < _UNFIT_S else 0
    if kind.waiting <= unfit:
        return Waiting(unfit=unfit, unfit_s=before.unfit_s)
    room = sight.room(kind.slots, kind.has) > 0
    room_s = (now_s if before.beside_room_s is None else before.beside_room_s) if room else None
    if before.since_s is None:
        return Waiting(now_s, kind.waiting, room_s, unfit, before.unfit_s)
    fewest = min(before.fewest, kind.waiting)
    passed_over = _passed_over(policy, sight, kind, before.since_s)
    if not passed_over:
        return Waiting(before.since_s, fewest, room_s, unfit, before.unfit_s)
    if sight.count(Seen.BUSY, kind.has):  # it may be that worker, and not the jobs
        fewest = min(fewest, unfit + passed_over * kind.slots)
    return Waiting(now_s, kind.waiting, room_s, fewest, now_s)


def wanted(kind: Kind, sight: Sight, waiting: Waiting) -> int:
    """Return how many workers there is work for, beside those that are there."""
    free = kind.slots * (sight.count(Seen.IDLE, kind.has) + sight.count(Seen.BOOTING, kind.has))
    if waiting.beside_room_s is not None and sight.now_s - waiting.beside_room_s < _SETTLES_S:
        free += sight.room(kind.slots, kind.has)
    return max(0, ceil((kind.waiting - waiting.unfit - free) / kind.slots))


def idle_wanted(kind: Kind, waiting: Waiting) -> int:
    """Return how many idle workers there is work for."""
    return ceil((kind.waiting - waiting.unfit) / kind.slots)


def _passed_over(policy: Policy, sight: Sight, kind: Kind, since_s: float) -> int:
    """Count the workers that were idle for long, while there always was something that waited."""
    long_ago_s = sight.now_s - max(policy.idle_s, _LEAST_PATIENCE_S)
    if since_s > long_ago_s:
        return 0
    return sum(sight.seen[name].since_s <= long_ago_s for name in sight.of(Seen.IDLE, has=kind.has))
