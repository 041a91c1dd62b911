"""Puts together what the site, the queue and the memory know of each worker."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from voxpop.appliance.elastic.model import Mark, Memory, Policy, Seen, Snapshot
from voxpop.appliance.elastic.trust import after_failures, after_registration
from voxpop.appliance.model import Load, Machine, NodeState

_OF_STATE = {
    NodeState.IDLE: Seen.IDLE,
    NodeState.BUSY: Seen.BUSY,
    NodeState.DRAINING: Seen.DRAINING,
    NodeState.DRAINED: Seen.DRAINED,
}
_SAID_AGAIN_S = 8.0
_STALE_S = 10.0  # a queue may be about to hear by itself
_NATIVE_PATIENCE = 2  # the queue gives up by itself first


def _any(name: str) -> bool:
    del name
    return True


@dataclass(frozen=True, slots=True)
class Sight:
    """The workers that the site has, and since when each is what it is.

    Parameters
    ----------
    seen : mapping of name to Mark
    unknown : frozenset of str
        Workers that the queue has and the site has not.
    stale : tuple of str
        Those of them that the queue is to be told of now.
    patience_s : float
        How long a worker may take to register, or not answer.
    running : int
        Jobs that run.
    memory : Memory
        With what was learned now.
    """

    now_s: float
    seen: Mapping[str, Mark]
    unknown: frozenset[str]
    stale: tuple[str, ...]
    patience_s: float
    running: int
    memory: Memory

    def of(self, seen: Seen, has: Callable[[str], bool] = _any) -> Iterator[str]:
        """Yield the names of the workers that are so."""
        return (name for name, mark in self.seen.items() if mark.seen is seen and has(name))

    def count(self, seen: Seen, has: Callable[[str], bool] = _any) -> int:
        """Count the workers that are so."""
        return sum(1 for _ in self.of(seen, has))

    def room(self, slots: int, has: Callable[[str], bool] = _any) -> int:
        """Return how many jobs more the workers that are busy could take, as far as numbers tell."""
        return max(0, slots * self.count(Seen.BUSY, has) - self.running)


def look(policy: Policy, snapshot: Snapshot) -> Sight:
    """Return what is known of each worker; both the queue and the site must have been read."""
    load, machines, before = snapshot.load, snapshot.machines, snapshot.memory
    assert load is not None
    assert machines is not None
    patience_s = policy.boot_s * (_NATIVE_PATIENCE if policy.native else 1)
    names = {machine.name for machine in machines}
    known = before.registered & names
    registered = known | {name for name in names if load.nodes.get(name, NodeState.AWAY) is not NodeState.AWAY}
    seen: dict[str, Mark] = {}
    failed: list[Mark] = []
    for machine in machines:
        was = before.marks.get(machine.name)
        now = _marked(_seen(machine, load, known), was, snapshot.now_s)
        if now.seen is Seen.AWAY and machine.name in before.draining and machine.name not in load.nodes:
            now = _left(now, was, snapshot.now_s)
        if now.seen is Seen.BOOTING and snapshot.now_s - now.since_s >= patience_s:
            failed.append(now)
            now = Mark(Seen.FAILED, snapshot.now_s)
        seen[machine.name] = now
    stale = {name: before.stale.get(name, snapshot.now_s + _STALE_S) for name in load.nodes if name not in names}
    memory = replace(before, marks=seen, registered=registered, draining=before.draining & names, stale=stale)
    if registered - before.registered:
        memory = after_registration(memory, snapshot.now_s)
    memory = after_failures(policy, memory, failed, snapshot.now_s, patience_s)
    due = tuple(name for name, at_s in stale.items() if snapshot.now_s >= at_s)
    memory = replace(memory, stale={**stale, **dict.fromkeys(due, snapshot.now_s + patience_s)})
    return Sight(snapshot.now_s, seen, frozenset(stale), due, patience_s, load.running, memory)


def _seen(machine: Machine, load: Load, known: frozenset[str]) -> Seen:
    state = load.nodes.get(machine.name)
    if not machine.up:
        return Seen.DEAD if machine.name in known or state is not None else Seen.BOOTING
    if state is NodeState.DRAINING and load.running == 0:
        return Seen.DRAINED
    if state in _OF_STATE:
        return _OF_STATE[state]
    return Seen.AWAY if machine.name in known else Seen.BOOTING


def _left(now: Mark, was: Mark | None, now_s: float) -> Mark:
    """Judge a worker that was told to take no further job, and that the queue does not know any more.

    Notes
    -----
    HTCondor's leave the pool once they have done what they had; but a collector that has just begun knows nobody, until
    each has said again that it is there.
    """
    idle_before = was is not None and was.seen in (Seen.IDLE, Seen.DRAINED)
    return Mark(Seen.DRAINED, now_s) if idle_before or now_s - now.since_s >= _SAID_AGAIN_S else now


def _marked(seen: Seen, was: Mark | None, now_s: float) -> Mark:
    if was is None or (was.seen is not seen and not (was.seen is Seen.FAILED and seen is Seen.BOOTING)):
        return Mark(seen, now_s)
    return was
