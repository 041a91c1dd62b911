"""What was learnt of elements at each place of an IOD, under the bytes that their headers begin with."""

import struct
from collections.abc import Callable
from typing import Final

from voxpop.dicom import tags
from voxpop.dicom.elements import BYTES_VRS, ITEM_END, LONG_VRS, NUMBER_VRS, SHORT_VRS
from voxpop.dicom.iods import Place
from voxpop.dicom.tags import representations
from voxpop.staging.deid.errors import ObjectRefused, RefusalReason
from voxpop.staging.deid.replacement import Replacement
from voxpop.staging.deid.rules import Action, Decision, Rule

_TAG = struct.Struct("<HH").unpack_from
_PIXEL_TAGS: Final = frozenset({0x7FE00008, 0x7FE00009, tags.PIXEL_DATA})
_OVERLAY_GROUPS = 0x60
_BINARY_VRS = NUMBER_VRS | BYTES_VRS

NOTED: Final = frozenset(
    {
        tags.IMAGE_TYPE,
        tags.SOP_CLASS_UID,
        tags.SOP_INSTANCE_UID,
        tags.STUDY_DATE,
        tags.MODALITY,
        tags.CONVERSION_TYPE,
        tags.MANUFACTURER,
        tags.PATIENT_ID,
        tags.ISSUER_OF_PATIENT_ID,
        tags.PATIENT_BIRTH_DATE,
        tags.PATIENT_SEX,
        tags.PATIENT_AGE,
        tags.PATIENT_SIZE,
        tags.PATIENT_WEIGHT,
        tags.BODY_PART_EXAMINED,
        tags.STUDY_INSTANCE_UID,
        tags.SERIES_INSTANCE_UID,
        tags.IMAGE_ORIENTATION,
        tags.SAMPLES_PER_PIXEL,
        tags.PHOTOMETRIC_INTERPRETATION,
        tags.NUMBER_OF_FRAMES,
        tags.ROWS,
        tags.COLUMNS,
        tags.BITS_ALLOCATED,
        tags.BURNED_IN_ANNOTATION,
    }
)
"""Elements of the top level whose original values are looked at after the walk."""


class Odd(Exception):
    """The bytes are not plain Explicit VR Little Endian: rewrite them first."""


PASS, VALUE, SEQUENCE, PIXELS, END = range(5)
"""How the walk treats an element; plain numbers, since they are compared a hundred times an object."""


class Entry:
    """What was learnt of a tag with a value representation at one place."""

    __slots__ = ("below", "decision", "is_long", "is_noted", "kind", "remembered", "tag", "uses", "vr")

    def __init__(self, tag: int, vr: str, kind: int, decision: Decision) -> None:
        self.tag = tag
        self.vr = vr
        self.kind = kind
        self.decision = decision
        self.is_long = vr.encode("ascii") in LONG_VRS
        self.is_noted = False
        self.uses = 0
        self.remembered: dict[bytes, Replacement] = {}
        self.below: Level | None = None


_END = Entry(0, "", END, Decision(Action.KEEP, Rule.WITHIN))

Decide = Callable[[Place, int, str], Decision]


class Level:
    """A place in the IOD with what was learnt there: entries by the first six bytes of an element's header."""

    __slots__ = ("decide", "entries", "place")

    def __init__(self, place: Place, decide: Decide) -> None:
        self.place = place
        self.decide = decide
        self.entries: dict[bytes, Entry] = {ITEM_END + b"\0\0": _END}

    def learn(self, head: bytes) -> Entry:
        """Decide on a tag and representation met for the first time.

        Raises
        ------
        ObjectRefused
            If the bytes end in the middle of the header.
        Odd
            If this is no header in Explicit VR Little Endian.
        """
        if len(head) < 6:
            raise ObjectRefused(RefusalReason.TRUNCATED)
        group, number = _TAG(head)
        code = head[4:6]
        if group == 0xFFFE or (code not in LONG_VRS and code not in SHORT_VRS):
            raise Odd
        tag, vr = group << 16 | number, code.decode("ascii")
        known = representations(tag)
        if vr == "UN" and known and "UN" not in known:
            raise Odd
        decision = self.decide(self.place, tag, vr)
        entry = Entry(tag, vr, self._kind(tag, vr, decision), decision)
        entry.is_noted = self._notes(tag)
        self.entries[head] = entry
        return entry

    def _kind(self, tag: int, vr: str, decision: Decision) -> int:
        if tag in _PIXEL_TAGS and not self.place.path:
            return PIXELS
        if vr == "SQ":
            return SEQUENCE
        if vr in _BINARY_VRS and decision.action is Action.KEEP and not self._notes(tag):
            return PASS
        return VALUE

    def _notes(self, tag: int) -> bool:
        return not self.place.path and (tag in NOTED or tag >> 24 == _OVERLAY_GROUPS)

    def below(self, entry: Entry) -> "Level":
        """Return the level of a sequence's items."""
        if entry.below is None:
            place = self.place.below(entry.tag)
            entry.below = Level(place, _INSIDE.get(entry.decision.action, self.decide))
        return entry.below


def _removed(place: Place, tag: int, vr: str) -> Decision:
    return Decision(Action.REMOVE, Rule.TABLE)


def _dummied(place: Place, tag: int, vr: str) -> Decision:
    if tag >> 16 & 1 or not representations(tag) or tag & 0xFFFF == 0:
        return Decision(Action.REMOVE, Rule.TABLE)
    if vr == "UI":
        return Decision(Action.UID, Rule.TABLE)
    return Decision(Action.DUMMY, Rule.TABLE)


def _restamped(place: Place, tag: int, vr: str) -> Decision:
    return Decision(Action.STAMP, Rule.STAMP)


_INSIDE: dict[Action, Decide] = {
    Action.REMOVE: _removed,
    Action.EMPTY: _removed,
    Action.DUMMY: _dummied,
    Action.STAMP: _restamped,
}
"""How the items of a sequence are decided that is not simply entered."""
