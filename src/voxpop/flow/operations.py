"""Pieces of durable work that were asked for, so that whoever asked can see how they come out."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from voxpop.flow.rules import Work
from voxpop.kernel.ids import ApplicationId


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


@dataclass(frozen=True, slots=True)
class Sight:
    """Which work somebody may see: each a set of projects, or None for all.

    Parameters
    ----------
    things : mapping
        By kind, the projects whose things of that kind work may be seen on.
    deployment : set of ApplicationId or None
        The projects whose deployment may be seen; it is on a volume, whatever ``things`` says of volumes.
    archives : bool
        Whether work on archives may be seen.
    """

    things: Mapping[str, Set[ApplicationId] | None]
    deployment: Set[ApplicationId] | None
    archives: bool
