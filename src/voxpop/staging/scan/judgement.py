"""Whether a place that looks like a value of identity is one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from voxpop.staging.scan.matcher import Hit
from voxpop.staging.scan.phrases import SHORTEST_IN_PIXELS, Shape, Sought, shifted_from
from voxpop.staging.scan.places import Content, Map, Place
from voxpop.staging.scan.vocabulary import DEFINED_TERMS, OWN_ROOT, normal

_SHORTEST_AS_WIDE_AS_CELLS: Final = 12
_LONG_NUMBER: Final = 8
_FRACTION_OF_ZEROS = re.compile(rb"\.0*\Z")
_UID_RUN = re.compile(rb"[0-9.]+")
_NUMBER_SIGNS: Final = frozenset(b"0123456789.+-eE")
_NEIGHBOURHOOD: Final = 80
_OF_EQUIPMENT: Final = frozenset(
    {
        *("(0008,0070)", "(0008,1090)", "(0018,1020)", "(0018,1160)", "(0018,1210)", "(0018,9316)"),
        *("Manufacturer", "ManufacturersModelName", "SoftwareVersions", "ConvolutionKernel"),
        *("BodyPart", "BodyPartExamined", "ImageType", "PatientPosition", "ScanOptions"),
    }
)
"""Elements, and fields of a sidecar, that name the equipment or hold code strings."""
_IDEOGRAPHS: Final = "\u2000"


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides on hits in one file.

    Parameters
    ----------
    target : Sought
    places : Map
        The file's places.
    shift_days : int or None
        By how many days the writer shifted this person's dates; None if it did not, or it is not known.

    Notes
    -----
    A rule may set a hit aside only for what it is and where it lies, each under a reason that the report counts:

    - in pixel bytes, fewer than 6 characters, and fewer than 12 where a character is as wide as a stored value (digits
      in UTF-16 are 16-bit voxels of 48 to 57, which is soft tissue in HU);
    - 4 or 5 letters or digits inside a longer word or number;
    - digits inside a longer number, unless they are 8 or more in a text;
    - in a decimal string or a number of JSON or a table: all that is not the whole number of 6 digits or more;
    - in a UID under 2.25: all that is not a whole component, for these are digits of a keyed hash;
    - the name of a field of a sidecar or a column;
    - where the value sought is a single name, and the place is a code string that is a defined term or kept by a rule,
      or names the equipment: "Philips" may be a patient on a Philips scanner;
    - where it is a descriptive text, and the place holds a text that a rule keeps; a full name, an id, a date and a UID
      are never excused by what a rule keeps;
    - a whole date or date-time element, or cell of a date, that is a date of this identity shifted by ``shift_days``.
    """

    target: Sought
    places: Map
    content: memoryview
    shift_days: int | None = None

    def set_aside(self, hit: Hit, place: Place) -> str:
        """Return the reason why a hit is no evidence of a leak, or nothing if it is a finding."""
        if place.content is Content.PIXELS:
            return _in_pixels(hit, place)
        if place.content is Content.NAME_OF_FIELD:
            return "the name of a field"
        if hit.pattern.phrase.shape is Shape.UID:
            return "" if self._is_whole_uid(hit) else "the beginning of another UID"
        rule = _RULES.get(place.content)
        return (rule(self, hit, place) if rule else "") or self._by_neighbours(hit) or self._by_text(hit, place)

    def _is_whole_uid(self, hit: Hit) -> bool:
        unit = hit.pattern.written.unit
        low = max(0, hit.start - _NEIGHBOURHOOD * unit)
        low += (hit.start - low) % unit
        lane = 1 if hit.pattern.written.encoding == "UTF-16BE" else 0
        around = bytes(self.content[low : hit.end + _NEIGHBOURHOOD * unit])[lane::unit]
        inside = (hit.start - low) // unit
        run = next(run for run in _UID_RUN.finditer(around) if run.start() <= inside < run.end())
        components = run[0].decode().strip(".").split(".")
        spans = range(len(components))
        return any(
            ".".join(components[first : last + 1]) in self.target.uids for first in spans for last in spans[first + 2 :]
        )

    def _by_neighbours(self, hit: Hit) -> str:
        phrase = hit.pattern.phrase
        before, after = self._neighbours(hit)
        if phrase.shape is not Shape.WORDS:
            embedded = _is_digit(before) or _is_digit(after)
            return "digits inside a longer number" if embedded and phrase.length < _LONG_NUMBER else ""
        unit = hit.pattern.written.unit
        if (
            phrase.length < SHORTEST_IN_PIXELS
            and not phrase.raw
            and (_is_letter(before, unit) or _is_letter(after, unit))
        ):
            return "letters inside a longer word"
        return ""

    def _neighbours(self, hit: Hit) -> tuple[str, str]:
        """Return the characters beside a hit, leading zeros of a number passed over; empty where there is none."""
        unit = hit.pattern.written.unit
        start = hit.start - unit
        if hit.pattern.phrase.shape is Shape.NUMBER:
            while self._character(start, hit) == "0":
                start -= unit
        return self._character(start, hit), self._character(hit.end, hit)

    def _character(self, at: int, hit: Hit) -> str:
        unit = hit.pattern.written.unit
        if at < 0 or at + unit > len(self.content):
            return ""
        order: Literal["little", "big"] = "big" if hit.pattern.written.encoding == "UTF-16BE" else "little"
        return chr(int.from_bytes(self.content[at : at + unit], order))

    def _by_text(self, hit: Hit, place: Place) -> str:
        phrase = hit.pattern.phrase
        if not phrase.excusable or place.end - place.start > 2**16:
            return ""
        text = bytes(self.content[place.start : place.end]).decode("utf-8", "replace").strip(" \0")
        if place.coded and any(term.strip() in DEFINED_TERMS for term in _values_with(text, hit, place)):
            return "a defined term"
        if phrase.kind == "person name" and not place.coded and place.field not in _OF_EQUIPMENT:
            return ""
        plain = normal(text)
        if plain and (plain in self.target.kept or any(normal(one) in self.target.kept for one in text.split("\\"))):
            return "part of a text that a rule keeps"
        # dcm2niix shortens the names of makers: "Philips" for "Philips Medical Systems".
        in_sidecar = place.name == "JSON sidecar"
        if in_sidecar and plain and any(plain in kept for kept in self.target.kept):
            return "part of a text that a rule keeps"
        return ""

    def _in_number(self, hit: Hit, place: Place) -> str:
        phrase = hit.pattern.phrase
        if phrase.length < SHORTEST_IN_PIXELS:
            return "a short number in a numeric element"
        if not _NUMBER_SIGNS.issuperset(self.content[hit.start : hit.end]):
            return "digits of several numbers"
        start, end = hit.start, hit.end
        while start > place.start and self.content[start - 1] in _NUMBER_SIGNS:
            start -= 1
        while end < place.end and self.content[end] in _NUMBER_SIGNS:
            end += 1
        token = _FRACTION_OF_ZEROS.sub(b"", bytes(self.content[start:end])).lstrip(b"+-0")
        whole = bytes(self.content[hit.start : hit.end]).lstrip(b"+-0")
        return "" if token == whole else "digits of a longer number"

    def _in_uid(self, hit: Hit, place: Place) -> str:
        text = bytes(self.content[place.start : place.end])
        if not text.startswith(OWN_ROOT.encode()) or hit.pattern.phrase.shape is Shape.WORDS:
            return ""
        before, after = self._neighbours(hit)
        return "digits of a derived UID" if _is_digit(before) or _is_digit(after) else ""

    def _in_date(self, hit: Hit, place: Place) -> str:
        day = hit.pattern.phrase.day
        is_first = hit.start == place.start or self.content[hit.start - 1] == ord("\\")
        if day is None or not self.shift_days or not is_first:
            return ""
        origin = shifted_from(day, self.shift_days)
        return "a date that the shift has made" if origin in self.target.days else ""


_RULES: Final[Mapping[Content, Callable[[Judge, Hit, Place], str]]] = {
    Content.NUMBER: Judge._in_number,  # noqa: SLF001 -- the class' own table of rules
    Content.UID: Judge._in_uid,  # noqa: SLF001 -- as above
    Content.DATE: Judge._in_date,  # noqa: SLF001 -- as above
}


def _in_pixels(hit: Hit, place: Place) -> str:
    phrase = hit.pattern.phrase
    length = phrase.length
    if length < SHORTEST_IN_PIXELS:
        return f"fewer than {SHORTEST_IN_PIXELS} characters in pixel bytes"
    as_wide = place.cell and hit.pattern.written.unit == place.cell
    if as_wide and length < _SHORTEST_AS_WIDE_AS_CELLS:
        return f"fewer than {_SHORTEST_AS_WIDE_AS_CELLS} characters as wide as the pixels"
    return ""


def _values_with(text: str, hit: Hit, place: Place) -> list[str]:
    before = text[: hit.start - place.start].count("\\")
    return text.split("\\")[before : before + 1]


def _is_digit(char: str) -> bool:
    return char.isascii() and char.isdigit()


def _is_letter(char: str, unit: int) -> bool:
    # A byte beyond ASCII is a letter, or a part of one, in every character set that holds it. Two bytes that are no
    # UTF-16 read as an ideograph: that is no reason to set a hit aside.
    return char.isalnum() and char < _IDEOGRAPHS if unit > 1 else char >= "\x80" or char.isalnum()
