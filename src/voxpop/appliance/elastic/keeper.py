"""Keeps the workers of one appliance as its policy says, pass by pass, and answers the queue that asks by itself."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from voxpop.appliance.elastic.model import WORKER, Decision, Memory, Policy, Seen, Snapshot, Step
from voxpop.appliance.elastic.policy import decide, grant
from voxpop.appliance.elastic.ports import Books, Sum
from voxpop.appliance.elastic.trust import after_drain, after_failures, after_growth, after_refusal, after_removal
from voxpop.appliance.errors import WorkersRefused, WorkersUnknown
from voxpop.appliance.model import Load, Machine
from voxpop.appliance.ports import CanResize, Queue
from voxpop.kernel.clock import Clock
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Refused, Unavailable
from voxpop.kernel.ids import ApplianceId
from voxpop.kernel.ledger import Event, Ledger

KEEPER = "voxpop"
GROWN = "appliance.grown"
SHRUNK = "appliance.shrunk"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Office:
    """What keepers of all appliances share.

    Parameters
    ----------
    monotonic : callable
        Seconds on a clock that never jumps.
    """

    books: Books
    ledger: Ledger
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic


class Keeper:
    """Keeps the workers of one appliance.

    Parameters
    ----------
    policy : callable
        The policy as it is now; it is asked at each pass.
    """

    def __init__(
        self, appliance: ApplianceId, site: CanResize, queue: Queue, policy: Callable[[], Policy], office: Office
    ) -> None:
        self._appliance = appliance
        self._site = site
        self._queue = queue
        self._policy = policy
        self._office = office
        self._memory = Memory()
        self._turn = threading.Lock()
        self._sum: Sum | None = None
        self._written: Sum | None = None
        self._counted_s = 0.0

    def look(self) -> Decision:
        """Look once, and do what is to be done; returns what was decided.

        Raises
        ------
        Unavailable
            If the site or the queue went away in the middle; the next pass sees what was done, and goes on.
        """
        with self._turn:
            policy = self._policy()
            load, machines = _or_none(self._queue.load), _or_none(self._machines)
            self._count(load, machines)
            decision = decide(policy, self._snapshot(load, machines))
            self._memory = decision.memory
            self._shrink(decision)
            if decision.add:
                self._grow(policy, [step.worker for step in decision.add], decision.add)
            return decision

    def resume(self, names: Sequence[str]) -> None:
        """Make the workers that the queue asks for, as far as the policy lets it have them.

        Raises
        ------
        WorkersUnknown
            If a name is none.
        WorkersRefused
            If it does not get all of them; those that it may have are made.
        """
        _check(names)
        with self._turn:
            policy = self._policy()
            machines = self._machines()
            self._count(None, [machine for machine in machines if machine.up or machine.name not in names])
            granted, why = grant(policy, self._snapshot(None, machines), names)
            if granted:
                there = {machine.name for machine in machines if machine.up}
                self._memory = after_removal(self._memory, frozenset(granted) - there)  # those are made anew
                steps = [Step(name, "the queue asked for it") for name in granted if name not in there]
                refused = self._grow(policy, granted, steps)
                granted, why = ((), refused) if refused else (granted, why)
            if why:
                raise WorkersRefused(self._appliance, len(granted), why)

    def suspend(self, names: Sequence[str]) -> None:
        """Remove workers that the queue has no work for."""
        _check(names)
        with self._turn:
            self._let_go(names, "the queue let it go")

    def fail(self, names: Sequence[str]) -> None:
        """Remove workers that the queue waited for in vain, and trust less that others come up."""
        _check(names)
        with self._turn:
            marks = self._memory.marks
            failed = [marks[name] for name in names if name in marks and marks[name].seen is Seen.BOOTING]
            self._let_go(names, "the queue waited for it in vain")
            policy, now_s = self._policy(), self._office.monotonic()
            self._memory = after_failures(policy, self._memory, failed, now_s, policy.boot_s)

    def state(self) -> Sequence[Machine]:
        """Return the workers that are there."""
        return self._machines()

    def _machines(self) -> Sequence[Machine]:
        return self._site.machines(self._appliance)

    def _snapshot(self, load: Load | None, machines: Sequence[Machine] | None) -> Snapshot:
        paid_s = self._sum.paid_s if self._sum else 0.0
        now_s, wall = self._office.monotonic(), self._office.clock.now()
        return Snapshot(now_s, wall, load, machines, self._memory, paid_s)

    def _let_go(self, names: Sequence[str], reason: str) -> None:
        there = {machine.name for machine in self._machines()}
        self._site.remove_machines(self._appliance, list(dict.fromkeys(names)))
        self._memory = after_removal(self._memory, frozenset(names))
        self._tell(SHRUNK, [Step(name, reason) for name in dict.fromkeys(names) if name in there])

    def _shrink(self, decision: Decision) -> None:
        if decision.remove:
            gone = [step.worker for step in decision.remove]
            self._site.remove_machines(self._appliance, gone)  # first, so that no job runs twice
            self._memory = after_removal(self._memory, frozenset(gone))
            self._tell(SHRUNK, decision.remove)
        if decision.forget:
            self._queue.forget([step.worker for step in decision.forget])
        if decision.drain:
            last = [step.worker for step in decision.drain]
            self._queue.drain(last)
            self._memory = after_drain(self._memory, frozenset(last))

    def _grow(self, policy: Policy, names: Sequence[str], steps: Sequence[Step]) -> str:
        """Ask the site for workers; returns why it gave none."""
        now_s = self._office.monotonic()
        try:
            self._site.add_machines(self._appliance, names)
        except Refused as refusal:
            self._memory = after_refusal(self._memory, len(names), now_s)
            return refusal.sentence
        except Unavailable:
            self._memory = after_refusal(self._memory, 1, now_s)
            raise
        self._memory = after_growth(policy, self._memory, names, now_s)
        self._tell(GROWN, steps)
        return ""

    def _tell(self, action: str, steps: Sequence[Step]) -> None:
        """Write down what came or went, and count it."""
        if not steps or self._sum is None:
            return
        change = len(steps) if action == GROWN else -len(steps)
        there = max(0, self._sum.workers + change)
        self._charge(self._office.clock.now())
        added, removed = self._sum.added + max(0, change), self._sum.removed + max(0, -change)
        self._keep(replace(self._sum, workers=there, added=added, removed=removed))
        why: dict[str, Json] = dict(Counter(step.reason for step in steps))
        facts: dict[str, Json] = {"workers": len(steps), "there": there, "why": why}
        self._office.ledger.record(Event(action, f"appliance:{self._appliance}", KEEPER, facts=facts))

    def _count(self, load: Load | None, machines: Sequence[Machine] | None) -> None:
        """Count what workers came to since the last time; while a site can't be read, those it had are still paid."""
        wall = self._office.clock.now()
        if self._sum is None:
            if machines is None:  # how long they were there while nobody looked is known by them alone
                return
            found = self._office.books.sum(self._appliance)
            gap_s = sum(_gap_s(machine.since, found.at, wall) for machine in machines)
            self._sum, self._counted_s = replace(found, paid_s=found.paid_s + gap_s), self._office.monotonic()
        self._charge(wall)
        now = replace(self._sum, at=wall)
        if machines is not None:
            now = replace(now, workers=len(machines))
        if load is not None:
            now = replace(now, waiting=load.waiting, running=load.running)
        self._keep(now)

    def _charge(self, wall: datetime) -> None:
        assert self._sum is not None
        now_s = self._office.monotonic()
        paid_s = self._sum.workers * (now_s - self._counted_s)
        self._counted_s = now_s
        if paid_s:
            self._sum = replace(self._sum, paid_s=self._sum.paid_s + paid_s, at=wall)

    def _keep(self, now: Sum) -> None:
        """Write down what is new; while there is nobody, time alone is nothing new."""
        self._sum = now
        if self._written is None or replace(now, at=None) != replace(self._written, at=None):
            self._office.books.write(self._appliance, now)
            self._written = now


def _gap_s(since: datetime, counted: datetime | None, wall: datetime) -> float:
    """Return for how long a worker was there that nobody counted, as after a restart."""
    begun = since if counted is None else max(since, counted)
    return max(0.0, (wall - begun).total_seconds())


def _check(names: Sequence[str]) -> None:
    if not names or not all(WORKER.fullmatch(name) for name in names):
        raise WorkersUnknown


def _or_none(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except Unavailable:
        return None
