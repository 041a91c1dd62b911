"""What Slurm's words mean: squeue(1), JOB STATE CODES; sinfo(1), NODE STATE CODES."""

from collections.abc import Sequence

from voxpop.appliance.model import Load, NodeState
from voxpop.run.ports import JobSeen, JobState

_JOB = {
    "PD": JobState.WAITING,
    "CF": JobState.WAITING,  # its worker is being started
    "RQ": JobState.WAITING,
    "RF": JobState.WAITING,
    "R": JobState.RUNNING,
    "CG": JobState.RUNNING,
    "S": JobState.RUNNING,
    "ST": JobState.RUNNING,
    "SO": JobState.RUNNING,
    "SI": JobState.RUNNING,
    "RS": JobState.RUNNING,
    "CA": JobState.CANCELLED,
}
"""All others have ended, or never run again, and left no exit code: LOST."""

_HELD = ("JobHeld", "launch failed", "launch_failed", "BadConstraints", "DependencyNeverSatisfied")
"""Reasons for which a job that waits will wait for ever."""

_NODE = {
    "idle": NodeState.IDLE,
    "planned": NodeState.IDLE,
    "allocated": NodeState.BUSY,
    "mixed": NodeState.BUSY,
    "completing": NodeState.BUSY,
    "blocked": NodeState.BUSY,
    "draining": NodeState.DRAINING,
    "drained": NodeState.DRAINED,
    "maint": NodeState.DRAINING,
    "reserved": NodeState.DRAINING,
    "down": NodeState.AWAY,
    "fail": NodeState.AWAY,
    "failing": NodeState.AWAY,
    "error": NodeState.AWAY,
    "unknown": NodeState.AWAY,
    "future": NodeState.AWAY,
    "inval": NodeState.AWAY,
    "reboot": NodeState.AWAY,
    "reboot_issued": NodeState.AWAY,
    "reboot_requested": NodeState.AWAY,
}
_NOT_THERE = ("~", "#", "%")
"""Powered off, or being started: not registered."""
_NOT_THERE_WORDS = ("powered_down", "powering_up", "power_up", "power_down", "powering_down")
_SIGNS = "*~#!%$@^-+"
_ALIVE = (JobState.RUNNING, JobState.WAITING)


def jobs_of(lines: Sequence[str]) -> dict[str, JobSeen]:
    """Read ``job|name|state|node|reason``; of two of one name, the one that is not over."""
    found: dict[str, JobSeen] = {}
    for line in lines:
        kind, *rest = line.split("|")
        if kind != "job" or len(rest) < 4:
            continue
        name, state, node, reason = rest[:4]
        one = JobSeen(_job_state(state, reason), None, node, 1 if state == "R" else 0)
        if name not in found or found[name].state not in _ALIVE:
            found[name] = one
    return found


def load_of(lines: Sequence[str]) -> Load:
    """Read ``job|name|state|node|reason|gres`` and ``node|name|state``.

    Raises
    ------
    ValueError
        If there is anything else, or a state that is not known.
    """
    waiting, running, for_gpus = 0, 0, 0
    nodes: dict[str, NodeState] = {}
    for line in filter(None, lines):
        kind, *rest = line.split("|")
        if kind == "job" and len(rest) == 5:
            state = _job_state(rest[1], rest[3])
            waiting += state is JobState.WAITING
            running += state is JobState.RUNNING
            for_gpus += state is JobState.WAITING and "gpu" in rest[4]
        elif kind == "node" and len(rest) == 2:
            seen = _node_state(rest[1])
            if seen is not None:
                nodes[rest[0]] = seen
        else:
            raise ValueError(f"it said '{line}'")
    return Load(waiting, running, nodes, for_gpus)


def _job_state(word: str, reason: str) -> JobState:
    state = _JOB.get(word, JobState.LOST)
    held = state is JobState.WAITING and reason.startswith(_HELD)
    return JobState.LOST if held else state


def _node_state(word: str) -> NodeState | None:
    """Return what a worker is; None where it is not there."""
    bare = word.rstrip(_SIGNS).lower()
    signs = word[len(bare) :]
    if any(sign in signs for sign in _NOT_THERE) or bare in _NOT_THERE_WORDS:
        return None
    if "*" in signs:
        return NodeState.AWAY
    if bare not in _NODE:
        raise ValueError(f"it calls a worker '{word}'")
    seen = _NODE[bare]
    return NodeState.DRAINING if seen is NodeState.IDLE and "!" in signs else seen
