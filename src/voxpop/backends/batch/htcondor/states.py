"""What HTCondor's numbers and words mean: its manual, Job ClassAd Attributes and Machine ClassAd Attributes."""

from collections.abc import Sequence

from voxpop.appliance.model import Load, NodeState
from voxpop.run.ports import JobSeen, JobState

_JOB = {
    "1": JobState.WAITING,
    "2": JobState.RUNNING,
    "3": JobState.CANCELLED,
    "6": JobState.RUNNING,
    "7": JobState.RUNNING,
}
"""4 has ended and left no exit code, 5 is held and would wait for ever: LOST, as is what can't be read."""

_UNDEFINED = "undefined"
_SILENT_S = 30
"""A worker says something each few seconds."""

_RANK = (NodeState.IDLE, NodeState.DRAINED, NodeState.BUSY, NodeState.DRAINING, NodeState.AWAY)
_SLOT = {
    "Owner": NodeState.IDLE,
    "Unclaimed": NodeState.IDLE,
    "Matched": NodeState.BUSY,
    "Claimed": NodeState.BUSY,
    "Preempting": NodeState.BUSY,
    "Backfill": NodeState.IDLE,
    "Drained": NodeState.DRAINED,
}


def jobs_of(lines: Sequence[str]) -> dict[str, JobSeen]:
    """Read ``job "key" status starts "slot@worker"``; of two of one key, the one that is not over."""
    found: dict[str, JobSeen] = {}
    for line in lines:
        words = [word.strip('"') for word in line.split()]
        if words[:1] != ["job"] or len(words) != 5:
            continue
        _, key, status, starts, host = words
        state = _JOB.get(status, JobState.LOST)
        if key not in found or found[key].state not in (JobState.RUNNING, JobState.WAITING):
            found[key] = JobSeen(state, None, _worker(host), int(starts) if starts.isdecimal() else 0)
    return found


def load_of(lines: Sequence[str]) -> Load:
    """Read ``job status gpus`` and ``slot "machine" "type" "state" "activity" draining silence``.

    Raises
    ------
    ValueError
        If there is anything else, or a state that is not known.
    """
    waiting, running, for_gpus = 0, 0, 0
    nodes: dict[str, NodeState] = {}
    for line in lines:
        kind, *rest = (word.strip('"') for word in line.split())
        if not rest:
            continue  # nothing of its kind
        if kind == "job" and len(rest) == 2:
            state = _JOB.get(rest[0], JobState.LOST)
            waiting += state is JobState.WAITING
            running += state is JobState.RUNNING
            for_gpus += state is JobState.WAITING and rest[1] not in ("0", _UNDEFINED)
        elif kind == "slot" and len(rest) == 6:
            name = _worker(f"slot@{rest[0]}")
            nodes[name] = max(nodes.get(name, NodeState.IDLE), _slot_state(rest[1:]), key=_RANK.index)
        else:
            raise ValueError(f"it said '{line}'")
    return Load(waiting, running, nodes, for_gpus)


def _slot_state(words: Sequence[str]) -> NodeState:
    _, state, activity, draining, silent_s = words
    if state not in _SLOT or not silent_s.lstrip("-").isdecimal():
        raise ValueError(f"it calls a slot '{state}', silent for '{silent_s}'")
    if int(silent_s) > _SILENT_S:
        return NodeState.AWAY
    if draining == "true" or activity == "Retiring":
        return NodeState.DRAINING
    return _SLOT[state]


def _worker(host: str) -> str:
    """Return a worker's name out of ``slot1_1@w1.domain``."""
    machine = host.rpartition("@")[2]
    return "" if machine == _UNDEFINED else machine.partition(".")[0]
