"""Which vertebra is which, from ribs and sacrum alone; where they do not prove it, no name is given."""

from collections.abc import Sequence
from dataclasses import dataclass

LEVELS = (*(f"T{number}" for number in range(1, 13)), *(f"L{number}" for number in range(1, 6)))
"""From above downwards."""
_LUMBAR = 5

NO_SIGN = "not labelled: neither the lowest ribs nor the sacrum is in the scan"
DISAGREE = "not labelled: numbering uncertain, {count} vertebrae between ribs and sacrum instead of 5"
TOO_MANY = "not labelled: numbering uncertain, more than 5 vertebrae without ribs"


@dataclass(frozen=True, slots=True)
class Signs:
    """What is seen of one vertebra.

    Parameters
    ----------
    ribs : bool or None
        Ribs on both sides, on neither, or None where it is not clear.
    wings : bool
        It has the wings of the sacrum.
    complete : bool
        False for what is left below the lowest disc: part of a vertebra, or of the sacrum, or nothing.
    """

    ribs: bool | None
    wings: bool = False
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Numbering:
    """Names of vertebrae, in the order of the signs; None has no name.

    Parameters
    ----------
    basis : str
        What proves the names, or why there are none.
    sacrum : int or None
        Which of them is the uppermost of the sacrum.
    """

    levels: tuple[str | None, ...]
    basis: str
    sacrum: int | None


def number_levels(signs: Sequence[Signs]) -> Numbering:
    """Name vertebrae.

    Parameters
    ----------
    signs : sequence of Signs
        From below upwards.

    Notes
    -----
    L5 is the vertebra on the sacrum. T12 is the lowest one with ribs, and only a vertebra without ribs right below it
    proves that it is the lowest. Where both are seen, five must lie between them.
    """
    sacrum = _uppermost_of_sacrum(signs)
    free = 0 if sacrum is None else sacrum + 1
    last_rib = next((at for at in range(free, len(signs)) if signs[at].ribs), None)
    proven = last_rib is not None and last_rib > free and _bare(signs[last_rib - 1])
    if sacrum is None and not proven:
        return Numbering((None,) * len(signs), NO_SIGN, None)
    if sacrum is None:
        assert last_rib is not None
        if sum(sign.complete for sign in signs[:last_rib]) > _LUMBAR:
            return Numbering((None,) * len(signs), TOO_MANY, None)
        return _named(len(signs), 0, last_rib, "the lowest ribs", None)
    if proven and last_rib is not None and last_rib - free != _LUMBAR:
        text = DISAGREE.format(count=last_rib - free)
        return Numbering((None,) * len(signs), text, sacrum)
    basis = "the sacrum and the lowest ribs" if proven else "the sacrum"
    return _named(len(signs), free, free + _LUMBAR, basis, sacrum)


def _bare(sign: Signs) -> bool:
    return sign.complete and sign.ribs is False


def _uppermost_of_sacrum(signs: Sequence[Signs]) -> int | None:
    """Return the top of the lowest row of winged vertebrae; no complete vertebra lies below it.

    Heads of ribs and transverse processes can look like wings, but there are plain vertebrae below them.
    """
    winged = [sign.wings and not sign.ribs for sign in signs]
    if True not in winged:
        return None
    at = winged.index(True)
    if any(sign.complete for sign in signs[:at]):
        return None
    while at + 1 < len(winged) and winged[at + 1]:
        at += 1
    return at


def _named(count: int, free: int, t12: int, basis: str, sacrum: int | None) -> Numbering:
    levels: list[str | None] = []
    for at in range(count):
        place = LEVELS.index("T12") - (at - t12)
        named = at >= free and 0 <= place < len(LEVELS)
        levels.append(LEVELS[place] if named else None)
    return Numbering(tuple(levels), f"named from {basis}", sacrum)
