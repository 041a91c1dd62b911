"""Decides which workers come and go: a pure function of what is known at one moment.

Whatever can't be read changes nothing, and a worker that doesn't answer is neither idle nor gone until it has had the
time that a new one has to register. A worker on which a job may run is never removed: it is drained, and goes once the
queue says that nothing runs on it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from voxpop.appliance.elastic.demand import Kind, idle_wanted, kinds, waited, wanted
from voxpop.appliance.elastic.model import Decision, Policy, Seen, Snapshot, Step, Waiting, number_of
from voxpop.appliance.elastic.seeing import Sight, look
from voxpop.appliance.elastic.trust import allowance

_TO_STAY = frozenset({Seen.BOOTING, Seen.IDLE, Seen.BUSY, Seen.AWAY})
"""One that is away may be one that works."""


@dataclass(frozen=True, slots=True)
class _Ask:
    kind: Kind
    number: int
    reason: str


def decide(policy: Policy, snapshot: Snapshot) -> Decision:
    """Decide what comes and goes.

    Returns
    -------
    Decision
        Nothing, and the memory as it was, where the queue or the site can't be read.
    """
    if snapshot.load is None or snapshot.machines is None:
        away = "queue" if snapshot.load is None else "site"
        return Decision(snapshot.memory, held=f"the {away} can't be read")
    sight = look(policy, snapshot)
    of_kind = {kind: snapshot.memory.waiting.get(kind.name, Waiting()) for kind in kinds(policy, snapshot.load)}
    of_kind = {kind: waited(policy, sight, kind, before) for kind, before in of_kind.items()}
    memory = replace(sight.memory, waiting={kind.name: now for kind, now in of_kind.items()})
    remove = tuple(_removals(sight))
    drain = tuple(_drains(policy, snapshot.paid_s, sight, of_kind))
    asks = _asks(policy, sight, of_kind, {step.worker for step in drain})
    most, why = allowance(policy, replace(snapshot, memory=memory), len(sight.seen), sight.count(Seen.BOOTING))
    add = tuple(_adds(asks, most, set(sight.seen) | sight.unknown))
    held = why if sum(ask.number for ask in asks) > len(add) == most else ""
    stale = (Step(name, "the site has no such worker") for name in sorted(sight.stale, key=number_of))
    return Decision(memory, add, drain, remove, (*remove, *stale), held)


def grant(policy: Policy, snapshot: Snapshot, names: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Say which workers a queue gets that asks for them itself, and why not the others, in one clause.

    Notes
    -----
    Workers that are there need no leave. That the queue can't be read says nothing, since it is what asks.
    """
    if snapshot.machines is None:
        return (), "the site can't be read"
    there = {machine.name for machine in snapshot.machines}
    booting = sum(mark.seen is Seen.BOOTING for name, mark in snapshot.memory.marks.items() if name in there)
    most, why = allowance(policy, snapshot, len(there), booting)
    granted: list[str] = []
    for name in dict.fromkeys(names):
        if name in there:
            granted.append(name)
        elif not 0 < number_of(name) <= policy.most:
            why = f"there may be the workers w1 to w{policy.most} alone"
        elif most:
            most -= 1
            granted.append(name)
    return tuple(granted), why if len(granted) < len(set(names)) else ""


def _removals(sight: Sight) -> Iterator[Step]:
    for name, mark in sight.seen.items():
        for_s = sight.now_s - mark.since_s
        if mark.seen is Seen.DEAD:
            yield Step(name, "it does not run any more")
        elif mark.seen is Seen.DRAINED:
            yield Step(name, "nothing runs on it, and it takes nothing more")
        elif mark.seen is Seen.FAILED:
            yield Step(name, f"it did not register within {sight.patience_s:.0f} s")
        elif mark.seen is Seen.AWAY and for_s >= sight.patience_s:
            yield Step(name, f"it has not answered for {for_s:.0f} s")


def _drains(policy: Policy, paid_s: float, sight: Sight, of_kind: Mapping[Kind, Waiting]) -> Iterator[Step]:
    """Yield the workers that are to take no further job, the highest numbers first: they are the last to come."""
    idle, busy = _newest(sight.of(Seen.IDLE)), _newest(sight.of(Seen.BUSY))
    if policy.budget_s is not None and paid_s >= policy.budget_s:
        yield from (Step(name, "the budget is spent") for name in (*idle, *busy))
        return
    here = sum(mark.seen in _TO_STAY for mark in sight.seen.values())
    most = policy.most if policy.quota is None else min(policy.most, policy.quota)
    over = (*idle, *busy)[: max(0, here - most)]
    yield from (Step(name, f"there may be {most} workers") for name in over)
    if policy.native:
        return
    spare = here - len(over) - policy.least
    for kind, waiting in of_kind.items():
        rest = [name for name in idle if kind.has(name) and name not in over]
        for name in rest[: max(0, min(spare, len(rest) - idle_wanted(kind, waiting)))]:
            for_s = sight.now_s - sight.seen[name].since_s
            if for_s >= policy.idle_s:
                spare -= 1
                yield Step(name, f"it has been idle for {for_s:.0f} s")


def _asks(policy: Policy, sight: Sight, of_kind: Mapping[Kind, Waiting], leaving: set[str]) -> list[_Ask]:
    """Return how many workers of which kind are missing, for what waits and to keep the least."""
    asks = []
    if not policy.native and not leaving:
        asks = [_Ask(kind, wanted(kind, sight, now), "there is work for it") for kind, now in of_kind.items()]
    here = sum(mark.seen in _TO_STAY and name not in leaving for name, mark in sight.seen.items())
    short = policy.least - here - sum(ask.number for ask in asks)
    for kind in of_kind:
        places = kind.last - kind.first + 1 - sum(map(kind.has, sight.seen))
        number = max(0, min(short, places))
        asks.append(_Ask(kind, number, f"at least {policy.least} are kept"))
        short -= number
    return asks


def _adds(asks: Iterable[_Ask], most: int, taken: set[str]) -> Iterator[Step]:
    """Yield the workers that are missing, by their lowest free names."""
    for ask in asks:
        left = ask.number
        for name in (f"w{number}" for number in range(ask.kind.first, ask.kind.last + 1)):
            if not left or not most:
                break
            if name not in taken:
                taken.add(name)
                left, most = left - 1, most - 1
                yield Step(name, ask.reason)


def _newest(names: Iterable[str]) -> list[str]:
    return sorted(names, key=number_of, reverse=True)
