"""Counts as they may be shown: a small one could point at a person."""

from collections.abc import Mapping
from dataclasses import dataclass

from voxpop.cohort.model import Tally

SMALLEST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Counts that may be shown; None stands for any number below ten, none included.

    Parameters
    ----------
    studies : int or None
        Studies in the index.
    left : tuple of (str, int or None)
        Studies left after each criterion, in the order in which they are asked. Where two neighbours differ by
        fewer than ten, the later one repeats the earlier: their difference is a small count too.
    groups : mapping of str to int or None
        Participants available by group.
    """

    studies: int | None
    left: tuple[tuple[str, int | None], ...]
    groups: Mapping[str, int | None]


def shown(count: int) -> int | None:
    """Return a count, or None if it is too small to be shown.

    Examples
    --------
    >>> shown(10), shown(9), shown(0)
    (10, None, None)
    """
    return count if count >= SMALLEST_SHOWN else None


def suppressed(tally: Tally) -> Waterfall:
    """Return the counts that may be shown."""
    left: list[tuple[str, int | None]] = []
    before = shown(tally.studies)
    for criterion, studies in tally.left:
        now = shown(studies)
        if now is not None and before is not None and before - now < SMALLEST_SHOWN:
            now = before
        left.append((criterion, now))
        before = now
    return Waterfall(
        studies=shown(tally.studies),
        left=tuple(left),
        groups={name: shown(count) for name, count in tally.groups.items()},
    )
