"""What a value may look like (PS3.5, 6.2), as patterns over its bytes.

The patterns are a little wider than the standard where real devices are (longer decimal strings, times with colons),
and never so wide that a word fits where a number belongs.
"""

import re
from typing import Final

_PATTERNS: Final = {
    "AS": rb"(?:\d{3}[DWMY])?",
    "CS": rb" *[A-Z0-9_](?:[A-Z0-9_ ]{0,14}[A-Z0-9_])? *| *",
    "DA": rb"(?:\d{8}|\d{4}\.\d\d\.\d\d)?",
    "DS": rb" *(?:[+-]?(?:\d{1,24}\.?\d{0,24}|\.\d{1,24})(?:[eE][+-]?\d{1,3})?)? *",
    "DT": rb"(?:\d{8}(?:\d\d(?:\d\d(?:\d\d(?:\.\d{1,6})?)?)?)?(?:[+-]\d{4})?)?",
    "IS": rb" *(?:[+-]?\d{1,12})? *",
    "TM": rb"(?:\d\d(?:\d\d(?:\d\d(?:\.\d{1,6})?)?)?|\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?",
    "UI": rb"(?:[0-9][0-9.]{0,63})?",
}

SYNTAX: Final[dict[str, re.Pattern[bytes]]] = {
    vr: re.compile(rb"(?:%b)(?:\\(?:%b))*[ \0]*" % (pattern, pattern)) for vr, pattern in _PATTERNS.items()
}
"""Whole values, with all their components and their padding, by value representation."""


def is_well_formed(vr: str, value: bytes) -> bool:
    r"""Say whether a value has its representation's syntax; free text and bytes have none to break.

    Examples
    --------
    >>> is_well_formed("CS", b"ORIGINAL\\PRIMARY "), is_well_formed("DS", b"DOE^JOHN")
    (True, False)
    """
    pattern = SYNTAX.get(vr)
    return pattern is None or pattern.fullmatch(value) is not None
