"""The life cycle of a run."""

from enum import StrEnum

from voxpop.kernel.transitions import TransitionTable


class RunState(StrEnum):
    """Where a run stands; what can't be read is LOST, never DONE."""

    CREATED = "created"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


_S = RunState

LIFE_CYCLE = TransitionTable(
    {
        _S.CREATED: frozenset({_S.RUNNING, _S.CANCELLED}),
        _S.RUNNING: frozenset({_S.DONE, _S.FAILED, _S.CANCELLED, _S.LOST}),
        _S.LOST: frozenset({_S.RUNNING, _S.FAILED, _S.CANCELLED}),
        _S.FAILED: frozenset({_S.RUNNING}),
    }
)
