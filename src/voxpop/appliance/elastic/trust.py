"""How many workers may be added now, and why not more: limits, and what a site or an image was seen to be good for."""

from collections.abc import Sequence
from dataclasses import replace

from voxpop.appliance.elastic.model import Mark, Memory, Policy, Seen, Snapshot

_FIRST_PAUSE_S = 5.0
_LONGEST_PAUSE_S = 3600.0
_LONGEST_AT_QUOTA_S = 300.0
_NEVER = float("-inf")


def allowance(policy: Policy, snapshot: Snapshot, there: int, booting: int) -> tuple[int, str]:
    """Return how many workers may be added, and what it is that keeps it from being more.

    Parameters
    ----------
    there : int
        Workers that the site has, whatever they are.
    booting : int
        Those of them that have not registered.
    """
    memory, now_s = snapshot.memory, snapshot.now_s
    limits = [(policy.most - there, f"there may be {policy.most} workers")]
    if policy.quota is not None:
        limits.append((policy.quota - there, f"the site has {policy.quota} workers at the most"))
    if policy.hours is not None and not policy.hours.hold(snapshot.wall):
        limits.append((0, f"workers are added from {policy.hours.begin:%H:%M} to {policy.hours.end:%H:%M} alone"))
    if policy.budget_s is not None:
        limits.append((_affordable(policy, snapshot.paid_s, policy.budget_s) - there, "the budget pays for no more"))
    if now_s < memory.not_before_s:
        limits.append((0, f"the last ones did not come: the next try is in {memory.not_before_s - now_s:.0f} s"))
    if memory.at_once is not None:
        limits.append((memory.at_once, "the site has refused more at once"))
    limits.append((_trusted(policy, memory) - booting, "some have to register before more are made"))
    most, why = min(limits, key=lambda limit: limit[0])
    return max(0, most), why


def after_refusal(memory: Memory, asked: int, now_s: float) -> Memory:
    """Remember that a site did not give so many: half of them is tried next, and after one alone there is a pause."""
    if asked > 1:
        return replace(memory, at_once=asked // 2)
    pause_s = min(_LONGEST_AT_QUOTA_S, _FIRST_PAUSE_S * 2 ** min(memory.pauses, 20))
    return replace(memory, at_once=1, pauses=memory.pauses + 1, not_before_s=max(memory.not_before_s, now_s + pause_s))


def after_growth(policy: Policy, memory: Memory, names: Sequence[str], now_s: float) -> Memory:
    """Remember that a site gave these: the next time it may be twice as many."""
    fresh = {name: Mark(Seen.BOOTING, now_s) for name in names if name not in memory.marks}
    memory = replace(memory, marks={**memory.marks, **fresh})
    if memory.at_once is None:
        return memory
    at_once = max(memory.at_once, 2 * len(names))
    return replace(memory, at_once=None if at_once >= policy.most else at_once)


def after_removal(memory: Memory, names: frozenset[str]) -> Memory:
    """Forget what was known of workers that are gone: the next of such a name is another."""
    marks = {name: mark for name, mark in memory.marks.items() if name not in names}
    return replace(memory, marks=marks, registered=memory.registered - names, draining=memory.draining - names)


def after_drain(memory: Memory, names: frozenset[str]) -> Memory:
    """Remember which workers were told to take no further job."""
    return replace(memory, draining=memory.draining | names)


def after_registration(memory: Memory, now_s: float) -> Memory:
    """Trust that workers come up: one has."""
    if memory.failures:
        memory = replace(memory, not_before_s=_NEVER, pauses=0)
    return replace(memory, registered_s=now_s, failures=0)


def after_failures(policy: Policy, memory: Memory, failed: Sequence[Mark], now_s: float, patience_s: float) -> Memory:
    """Trust less that workers come up: some did not, though they had their time.

    Notes
    -----
    One that fails while others, which were made when it was or later, come up says nothing of the image.
    """
    last = memory.registered_s
    alone = sum(last is None or mark.since_s >= last for mark in failed)
    if not alone:
        return memory
    memory = replace(memory, failures=memory.failures + alone)
    if memory.failures < policy.tries:
        return memory
    pause_s = min(_LONGEST_PAUSE_S, patience_s * 2 ** min(memory.pauses, 20))
    return replace(memory, pauses=memory.pauses + 1, not_before_s=now_s + pause_s)


def _affordable(policy: Policy, paid_s: float, budget_s: float) -> int:
    """Return how many workers can be paid until each has come up, done something, and gone."""
    return int((budget_s - paid_s) // (policy.boot_s + policy.idle_s))


def _trusted(policy: Policy, memory: Memory) -> int:
    """Return how many may be coming up at the same time."""
    if memory.failures:
        return max(1, policy.tries - memory.failures)
    return policy.most if memory.registered_s is not None else max(1, policy.trial)
