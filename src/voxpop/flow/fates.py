"""What became of the studies, as it may be told to whoever is not a data manager."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from voxpop.cohort.suppression import shown, spread_shown
from voxpop.staging.model import Fate

Why: TypeAlias = tuple[str, str]
"""A fate and the reason for it; empty for none."""
_OTHER: Final[Why] = ("", "other")


@dataclass(frozen=True, slots=True)
class ToldFates:
    """Counts of studies from which no small count follows.

    Parameters
    ----------
    studies : int or None
        All of them; None where fewer than ten were not staged, for that would follow from the number that was.
    staged : int or None
        None for fewer than ten.
    others : mapping of Why to int
        What was not staged. A reason that is rare is not named: where none is, it looks the same.
    """

    studies: int | None
    staged: int | None
    others: Mapping[Why, int]


def told(fates: Mapping[Why, int]) -> ToldFates:
    """Return what may be told of exact counts of studies.

    Examples
    --------
    >>> told({("staged", ""): 40, ("refused", "cut"): 30, ("refused", "burned in"): 12, ("refused", "no key"): 1})
    ToldFates(studies=83, staged=40, others={('refused', 'cut'): 30})
    >>> told({("staged", ""): 40, ("refused", "cut"): 9}) == told({("staged", ""): 40})
    True
    """
    staged = sum(number for (fate, _), number in fates.items() if fate == Fate.STAGED)
    others = {why: number for why, number in fates.items() if why[0] != Fate.STAGED}
    out = shown(sum(others.values()))
    seen = spread_shown({_OTHER: 0, **others})
    return ToldFates(
        studies=None if out is None else staged + out,
        staged=shown(staged),
        others={why: number for why, number in sorted(seen.items()) if number is not None},
    )
