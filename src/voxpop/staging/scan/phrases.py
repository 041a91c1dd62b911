"""From the values of identity to the phrases that are sought: orders of names, formats of dates, parts of texts."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from voxpop.staging.identity import Identity, IdentityValue
from voxpop.staging.scan.encodings import Atom, Gap, atoms_of
from voxpop.staging.scan.vocabulary import DUMMY_DATES, OWN_WORDS, STANDARD_ROOT, normal

SHORTEST: Final = 4
"""Characters from which on a value is sought."""

SHORTEST_IN_PIXELS: Final = 6
"""Characters from which on a value is sought in pixel bytes: shorter ones are there by chance."""

_TO_THE_SECOND: Final = 6
_FILLERS: Final = frozenset("0123456789x")
_WINDOW: Final = 28
_WINDOWS: Final = 64
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DATE = re.compile(r"(\d{4})[-./]?(\d{2})[-./]?(\d{2})")
_TIME = re.compile(r"(\d{2}):?(\d{2})(?::?(\d{2})(?:\.(\d{1,6}))?)?$")
_NUMBER = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?$")
_UID = re.compile(r"\d+(?:\.\d+){2,}$")
_IDEOGRAPH_START: Final = 0x1100


class Shape(StrEnum):
    """What kind of hit a phrase gives; the judgement of a hit depends on it."""

    WORDS = "words"
    NUMBER = "number"
    DATE = "date"
    UID = "uid"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Something to be sought.

    Parameters
    ----------
    kind : str
        The kind of the value that it comes from.
    atoms : tuple of str or Gap
        Its characters and gaps; empty for a phrase that is sought as the bytes ``raw`` only.
    length : int
        Letters and digits; an ideograph or syllable counts twice.
    excusable : bool
        A hit that is all of, or a word in, a text that a rule keeps by name is no evidence of a leak.
    day : date or None
        The date that it writes.
    """

    kind: str
    shape: Shape
    atoms: tuple[Atom, ...]
    length: int
    excusable: bool = False
    raw: bytes = b""
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Sought:
    """All that is sought of one identity.

    Parameters
    ----------
    uids : frozenset of str
        Sought by their common beginnings and then compared whole.
    days : frozenset of date
        All dates of the identity.
    kept : frozenset of str
        Texts that rules keep by name, in normal form.
    """

    phrases: tuple[Phrase, ...]
    uids: frozenset[str]
    days: frozenset[date]
    kept: frozenset[str]
    values: int
    not_sought: Mapping[str, int]


def sought(identity: Identity) -> Sought:
    """Turn an identity into what is sought, and count what is not, by reason."""
    kept = frozenset(filter(None, map(normal, identity.kept)))
    phrases: dict[Phrase, None] = {}
    uids: set[str] = set()
    days: set[date] = set()
    not_sought: Counter[str] = Counter()
    values = 0
    for value in sorted(identity.values, key=lambda one: (one.kind, one.text, one.raw, one.charset)):
        reason = _reason_not_to_seek(value, kept)
        if reason:
            not_sought[reason] += 1
            continue
        values += 1
        if _is_uid(value):
            uids.add(value.text.strip(" \0"))
            continue
        found = list(_phrases(value))
        days |= {phrase.day for phrase in found if phrase.day}
        phrases.update(dict.fromkeys(found))
        if not any(phrase.length >= SHORTEST_IN_PIXELS for phrase in found):
            not_sought[f"fewer than {SHORTEST_IN_PIXELS} characters: not in pixel bytes"] += 1
    return Sought(tuple(phrases), frozenset(uids), frozenset(days), kept, values, dict(sorted(not_sought.items())))


@lru_cache(maxsize=4)
def _seconds_of(kept: frozenset[str]) -> frozenset[str]:
    return frozenset(text[:_TO_THE_SECOND] for text in kept if text[:_TO_THE_SECOND].isdigit())


def weight(text: str) -> int:
    """Count the letters and digits of a text; an ideograph or syllable says as much as two letters."""
    return sum(2 if ord(char) >= _IDEOGRAPH_START else 1 for char in text if char.isalnum())


def _reason_not_to_seek(value: IdentityValue, kept: frozenset[str]) -> str:
    text = value.text.strip(" \0")
    if weight(text) < SHORTEST and not _is_sought_raw(value):
        return f"fewer than {SHORTEST} characters"
    if len(set(normal(text))) == 1 and normal(text)[0] in _FILLERS:
        return "one character repeated"
    if value.kind == "date" and _digits(text)[:8] in DUMMY_DATES:
        return "a date that stands for none"
    if text.startswith(STANDARD_ROOT):
        return "a UID of the DICOM standard"
    if value.kind == "time" and _digits(text)[:_TO_THE_SECOND] in _seconds_of(kept):
        return "equal to a time that a rule keeps"
    is_code = value.kind == "id" and any(char.isdigit() for char in text)
    if value.kind not in {"person name", "date", "uid"} and not is_code:
        return _reason_by_content(value.kind, text, kept)
    return ""


def _reason_by_content(kind: str, text: str, kept: frozenset[str]) -> str:
    if normal(text) in kept:
        return "equal to a text that a rule keeps"
    if text.casefold() in OWN_WORDS or text in OWN_WORDS:
        return "a word that every object holds"
    if kind not in {"time", "age"} and _NUMBER.match(text) and not text.isdigit():
        return "a measured number"
    return ""


def _is_uid(value: IdentityValue) -> bool:
    return bool(_UID.match(value.text.strip(" \0"))) and (value.kind == "uid" or len(value.text) > 20)


def _phrases(value: IdentityValue) -> Iterator[Phrase]:
    text = value.text.strip(" \0")
    if value.kind == "person name":
        yield from _names(text)
    elif value.kind == "date":
        yield from _dates(text)
    elif value.kind == "time":
        yield from _times(value.kind, text)
    elif value.kind == "id":
        yield from _numbers(text)
    else:
        yield from _texts(value.kind, text)
    if _is_sought_raw(value):
        raw = value.raw.strip(b" \0")
        yield Phrase(value.kind, Shape.WORDS, (), max(weight(text), len(raw) // 2), raw=raw)


def _is_sought_raw(value: IdentityValue) -> bool:
    # ASCII is sought as text; other bytes may have been read in a wrong character set.
    raw = value.raw.strip(b" \0")
    return len(raw) >= SHORTEST and (not raw.isascii() or b"\x1b" in raw)


def _names(text: str) -> Iterator[Phrase]:
    # PS3.5, 6.2.1.1: groups by '=', components by '^': family, given, middle, prefix, suffix.
    for group in filter(None, (part.strip() for part in text.split("="))):
        components = [component.strip() for component in group.split("^")]
        named = [component for component in components[:3] if component]
        yield from _words("person name", group)
        for part in named:
            yield from _words("person name", part, excusable=True)
            for word in re.split(r"[\s,;.]+", part):
                yield from _words("person name", word, excusable=True)
        if len(named) > 1:
            yield from _words("person name", " ".join(named))
            yield from _words("person name", " ".join([*named[1:], named[0]]))
            yield from _words("person name", f"{named[0]} {named[1]}")
            yield from _words("person name", f"{named[1]} {named[0]}")


def _dates(text: str) -> Iterator[Phrase]:
    # The time of the day of a date-time stays when its date is shifted: only the date is sought.
    found = _DATE.match(text)
    day = _day(found) if found else None
    if day is None:
        yield from _texts("date", text)
        return
    y, m, d = f"{day.year:04d}", f"{day.month:02d}", f"{day.day:02d}"
    gap = Gap(0, 2)
    for order in ((y, m, d), (d, m, y), (m, d, y)):
        yield _date(day, [*order[0], gap, *order[1], gap, *order[2]])
    for order in (
        (str(day.day), str(day.month), y),
        (str(day.month), str(day.day), y),
        (y, str(day.month), str(day.day)),
    ):
        # Without leading zeros a separator has to be there.
        yield _date(day, [*order[0], Gap(1, 2), *order[1], Gap(1, 2), *order[2]])
    yield from _month_names(day)


def _month_names(day: date) -> Iterator[Phrase]:
    gap = Gap(0, 3)
    y = f"{day.year:04d}"
    for month in dict.fromkeys((_MONTHS[day.month - 1][:3], _MONTHS[day.month - 1])):
        for number in dict.fromkeys((str(day.day), f"{day.day:02d}")):
            yield _date(day, [*number, gap, *month, gap, *y])
            yield _date(day, [*month, gap, *number, gap, *y])
            yield _date(day, [*y, gap, *month, gap, *number])


def _times(kind: str, text: str) -> Iterator[Phrase]:
    found = _TIME.match(text)
    if found is None:
        yield from _texts(kind, text)
        return
    hour, minute, second, fraction = found.groups()
    if second is None:
        yield _number(kind, [*hour, *minute])
        return
    yield _number(kind, [*hour, *minute, *second])
    yield _number(kind, [*hour, ":", *minute, ":", *second])
    if hour.startswith("0"):
        # dcm2niix writes times as numbers.
        yield _number(kind, [hour[1], *minute, *second, ".", *(fraction or "0")[:1]])


def _numbers(text: str) -> Iterator[Phrase]:
    yield from _words("id", text)
    parts = re.findall(r"\d+|[^\W\d_]+", text)
    if weight(text) >= SHORTEST_IN_PIXELS:
        for grouping in _GROUPINGS:
            groups = [group for part in parts for group in (grouping(part) if part.isdigit() else [part])]
            yield _phrase("id", [atom for group in groups for atom in (Gap(0, 2), *group)][1:])
    stripped = text.lstrip("0")
    if stripped != text and weight(stripped) >= SHORTEST_IN_PIXELS:
        yield from _words("id", stripped)


def _from_left(size: int) -> Callable[[str], list[str]]:
    return lambda digits: [digits[at : at + size] for at in range(0, len(digits), size)]


def _from_right(size: int) -> Callable[[str], list[str]]:
    def groups(digits: str) -> list[str]:
        first = len(digits) % size
        return [*([digits[:first]] if first else []), *_from_left(size)(digits[first:])]

    return groups


# As people write long numbers: 123-45-6789, 010190-1234, 12345678-Z, 123 456 789.
_GROUPINGS: Final[tuple[Callable[[str], list[str]], ...]] = (
    *(_from_left(size) for size in (3, 4, 6, 8)),
    *(_from_right(size) for size in (3, 4)),
    lambda digits: [digits[:3], digits[3:5], digits[5:]] if len(digits) > 5 else [digits],
)


def _texts(kind: str, text: str) -> Iterator[Phrase]:
    lines = [line.strip() for line in re.split(r"[\r\n\f]+", text)]
    for line in filter(None, lines):
        pieces = _windows(line)
        for piece in pieces:
            yield from _words(kind, piece, excusable=True)


def _windows(line: str) -> Sequence[str]:
    # A tool may cut or rework a long text: its parts are sought, each long enough not to be there by chance.
    if len(line) <= _WINDOW * 2:
        return [line]
    starts = range(0, len(line) - _WINDOW + 1, _WINDOW)
    step = max(1, len(starts) // _WINDOWS)
    return [line[start : start + _WINDOW] for start in [*starts[::step], len(line) - _WINDOW]]


def _words(kind: str, text: str, *, excusable: bool = False) -> Iterator[Phrase]:
    atoms = atoms_of(text)
    if weight(text) >= SHORTEST:
        yield _phrase(kind, atoms, excusable=excusable)


def _phrase(kind: str, atoms: Sequence[Atom], *, excusable: bool = False) -> Phrase:
    letters = "".join(atom for atom in atoms if isinstance(atom, str))
    shape = Shape.NUMBER if letters.isascii() and letters.isdigit() else Shape.WORDS
    return Phrase(kind, shape, tuple(atoms), weight(letters), excusable=excusable)


def _number(kind: str, atoms: Sequence[Atom]) -> Phrase:
    return Phrase(kind, Shape.NUMBER, tuple(atoms), sum(isinstance(atom, str) and atom.isdigit() for atom in atoms))


def _date(day: date, atoms: Sequence[Atom]) -> Phrase:
    return Phrase("date", Shape.DATE, tuple(atoms), sum(isinstance(atom, str) for atom in atoms), day=day)


def _day(found: "re.Match[str]") -> date | None:
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def shifted_from(day: date, shift_days: int) -> date | None:
    """Return the date that a shift has turned into ``day``; None where the calendar ends."""
    try:
        return day - timedelta(days=shift_days)
    except OverflowError:
        return None
