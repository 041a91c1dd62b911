"""What stands in the place of a value: dummies, pseudonyms, remapped UIDs, moved dates, capped ages."""

import re
from datetime import date
from typing import Final

from voxpop.dicom.elements import element
from voxpop.dicom.syntax import is_well_formed
from voxpop.staging.deid.keys import PatientKey
from voxpop.staging.deid.rules import Action, Decision

OLDEST_WRITTEN_YEARS = 89
"""From this age on the age is written as this age: the few who are older could be known by it."""

DUMMIES: Final = {
    "AE": b"REMOVED",
    "AS": b"000Y",
    "AT": b"\0\0\0\0",
    "CS": b"REMOVED",
    "DA": b"19000101",
    "DS": b"0",
    "DT": b"19000101000000",
    "FD": b"\0" * 8,
    "FL": b"\0" * 4,
    "IS": b"0",
    "LO": b"REMOVED",
    "LT": b"REMOVED",
    "PN": b"REMOVED",
    "SH": b"REMOVED",
    "SL": b"\0" * 4,
    "SS": b"\0" * 2,
    "ST": b"REMOVED",
    "SV": b"\0" * 8,
    "TM": b"000000",
    "UC": b"REMOVED",
    "UI": b"2.25.0",
    "UL": b"\0" * 4,
    "UR": b"urn:removed",
    "US": b"\0" * 2,
    "UT": b"REMOVED",
    "UV": b"\0" * 8,
}
"""A value of each representation that says nothing; bytes get eight zeros, which fit every word length."""

_PADDING = b" \0"
_DATE = re.compile(rb"(\d{4})\.?(\d\d)\.?(\d\d)")
_ZONE = re.compile(rb"[+-]\d{4}$")


class Replacement:
    """What became of one value.

    Parameters
    ----------
    action : Action
        What was done, after the value was looked at.
    encoded : bytes or None
        The element to write; None to write nothing.
    is_kept : bool
        True where the original bytes stay.

    Attributes
    ----------
    uses : int
        Times that the same value was met.
    """

    __slots__ = ("action", "encoded", "is_kept", "uses")

    def __init__(self, action: Action, encoded: bytes | None, *, is_kept: bool = False) -> None:
        self.action = action
        self.encoded = encoded
        self.is_kept = is_kept
        self.uses = 0


def replacement(
    decision: Decision, tag: int, vr: str, value: bytes, patient: PatientKey, pseudonym: str
) -> Replacement:
    """Carry a decision out on a value.

    Parameters
    ----------
    value : bytes
        As it stands in the object, with its padding; not of a sequence.
    pseudonym : str
        What stands where the decision wants a pseudonym.
    """
    action = decision.action
    if action in {Action.KEEP, Action.SHIFT, Action.CAP, Action.UID} and not value.strip(_PADDING):
        return Replacement(Action.KEEP, None, is_kept=True)
    if action is Action.KEEP:
        if is_well_formed(vr, value):
            return Replacement(action, None, is_kept=True)
        return _without(decision.spoiled, tag, vr)
    if action is Action.SHIFT:
        return _moved(decision, tag, vr, value, patient.days)
    if action is Action.CAP:
        return _capped(decision, tag, vr, value)
    if action is Action.UID:
        return _remapped(tag, vr, value, patient)
    if action is Action.PSEUDONYM:
        return Replacement(action, element(tag, vr, pseudonym.encode("ascii")))
    return _without(action, tag, vr)


def dummy(vr: str) -> bytes:
    """Return the value that says nothing."""
    return DUMMIES.get(vr, b"\0" * 8)


def _without(action: Action, tag: int, vr: str) -> Replacement:
    if action is Action.EMPTY:
        return Replacement(action, element(tag, vr, b""))
    if action is Action.DUMMY:
        return Replacement(action, element(tag, vr, dummy(vr)))
    return Replacement(Action.REMOVE, None)


def _remapped(tag: int, vr: str, value: bytes, patient: PatientKey) -> Replacement:
    old = [part.strip(_PADDING).decode("latin-1") for part in value.split(b"\\")]
    new = [patient.uid(uid) if uid else "" for uid in old]
    if new == old:
        return Replacement(Action.KEEP, None, is_kept=True)
    return Replacement(Action.UID, element(tag, vr, "\\".join(new).encode("latin-1")))


def _capped(decision: Decision, tag: int, vr: str, value: bytes) -> Replacement:
    """Keep an age below 89 years, write 089Y from there on, and take away what is no age."""
    if vr != "AS" or not is_well_formed("AS", value) or b"\\" in value:
        return _without(decision.spoiled, tag, vr)
    age = value.strip(_PADDING)
    if age.endswith(b"Y") and int(age[:3]) >= OLDEST_WRITTEN_YEARS:
        capped = b"%03dY" % OLDEST_WRITTEN_YEARS
        return Replacement(Action.KEEP if age == capped else Action.CAP, element(tag, vr, capped))
    return Replacement(Action.KEEP, None, is_kept=True)


def _moved(decision: Decision, tag: int, vr: str, value: bytes, days: int) -> Replacement:
    """Move dates by whole days, so that times of the day stay; a date in parts or out of range is taken away."""
    if not is_well_formed(vr, value):
        return _without(decision.spoiled, tag, vr)
    if vr == "TM":
        return Replacement(Action.KEEP, None, is_kept=True)
    moved = [_moved_day(part.strip(_PADDING), days) for part in value.split(b"\\")]
    if any(part is None for part in moved):
        return _without(decision.spoiled, tag, vr)
    return Replacement(Action.SHIFT, element(tag, vr, b"\\".join(part or b"" for part in moved)))


def _moved_day(written: bytes, days: int) -> bytes | None:
    """Move one date or date and time; None where it is no day. The offset from UTC goes as (0008,0201) does."""
    if not written:
        return b""
    match = _DATE.match(written)
    if match is None:
        return None
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
        moved = date.fromordinal(day.toordinal() + days)
    except (ValueError, OverflowError):
        return None
    return b"%04d%02d%02d" % (moved.year, moved.month, moved.day) + _ZONE.sub(b"", written[match.end() :])
