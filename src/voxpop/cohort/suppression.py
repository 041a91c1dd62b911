"""Counts as they may be shown: a small one could point at a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from voxpop.cohort.model import Tally

SMALLEST_SHOWN = 10
Part = TypeVar("Part", str, tuple[str, str])


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
    spread : mapping of (dimension, group) to mapping of category to int or None
        The same by sex and by age; so many categories are None that no small count follows from the others.
    """

    studies: int | None
    left: tuple[tuple[str, int | None], ...]
    groups: Mapping[str, int | None]
    spread: Mapping[tuple[str, str], Mapping[str, int | None]] = field(default_factory=dict)


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
        spread={place: spread_shown(counts) for place, counts in tally.spread.items()},
    )


def spread_shown(counts: Mapping[Part, int]) -> dict[Part, int | None]:
    """Return the parts of a total as they may be shown beside it.

    A part below ten is None; and since the total is shown, further parts are None, the smallest first, until those
    that are hidden are at least two and at least ten together: else their sum, a small count, could be worked out.

    Examples
    --------
    >>> spread_shown({"F": 40, "M": 30, "O": 2})
    {'F': 40, 'M': None, 'O': None}
    >>> spread_shown({"F": 40, "M": 30})
    {'F': 40, 'M': 30}
    """
    hidden = {name for name, count in counts.items() if count < SMALLEST_SHOWN}
    for name in sorted(counts, key=lambda one: (counts[one], one)):
        if not hidden or (len(hidden) > 1 and sum(counts[one] for one in hidden) >= SMALLEST_SHOWN):
            break
        hidden.add(name)
    return {name: None if name in hidden else count for name, count in counts.items()}
