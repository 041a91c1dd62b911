"""What the keeper of workers needs from outside, beside the site and the queue."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from voxpop.kernel.ids import ApplianceId


@dataclass(frozen=True, slots=True)
class Sum:
    """What an appliance's workers came to, until a moment.

    Parameters
    ----------
    paid_s : float
        Seconds of workers, all together.
    at : datetime or None
        Until when they were counted; None where there never was one.
    workers : int
        How many there were then.
    waiting, running : int
        Jobs, when the queue was last read.
    added, removed : int
        Workers, all together.
    """

    paid_s: float = 0.0
    at: datetime | None = None
    workers: int = 0
    waiting: int = 0
    running: int = 0
    added: int = 0
    removed: int = 0


class Books(Protocol):
    """Where it is kept what workers came to, so that a restart loses what happened since the last pass at the most."""

    def sum(self, appliance: ApplianceId) -> Sum:
        """Return what an appliance's workers came to; all zero for one that had none."""
        ...

    def write(self, appliance: ApplianceId, sum_: Sum) -> None:
        """Keep it in the place of what was there."""
        ...
