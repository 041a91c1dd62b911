"""Pieces of durable work that were asked for, so that whoever asked can see how they come out."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from voxpop.flow.rules import Work


class OperationState(StrEnum):
    """Where a piece of work stands."""

    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Operation:
    """One piece of work.

    Parameters
    ----------
    id : str
        Made from what asked for it, so that asking twice is once.
    subject : str
        ``<kind>:<id>``.
    sentence : str
        Why it failed; empty else.
    """

    id: str
    work: Work
    subject: str
    actor: str
    state: OperationState
    sentence: str
    asked_at: datetime
    begun_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.state in (OperationState.WAITING, OperationState.WORKING)
