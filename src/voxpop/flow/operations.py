"""Pieces of durable work that were asked for, so that whoever asked can see how they come out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

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


class Operations(Protocol):
    """Where they are kept."""

    def ask(self, work: Work, subject: str, actor: str, key: str = "") -> Operation:
        """Ask for a piece of work; the same that has not ended, or the same key again, is the one that is there."""
        ...

    def claim(self, worker: str = "") -> Operation | None:
        """Take the oldest that waits, for this worker alone; None where none waits."""
        ...

    def end(self, operation: str, sentence: str = "", worker: str = "") -> None:
        """Note that it is done, or by a sentence why it failed; silent where another worker has taken it up."""
        ...

    def reclaim(self, worker: str = "") -> None:
        """Let what a worker that is gone was working on wait again."""
        ...

    def of_subjects(self, subjects: Sequence[str]) -> Sequence[Operation]:
        """Return the work on some subjects, the newest first."""
        ...
