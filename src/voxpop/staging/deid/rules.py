"""What becomes of an element, and which rule says so: PS3.15 Table E.1-1, the profile's options, and default deny."""

from dataclasses import dataclass
from enum import StrEnum

from voxpop.dicom import tags
from voxpop.dicom.confidentiality import COLUMNS, Option, Row, table
from voxpop.dicom.elements import BYTES_VRS, NUMBER_VRS
from voxpop.dicom.iods import Place
from voxpop.dicom.tags import representations
from voxpop.staging.deid.profile import Profile


class Action(StrEnum):
    """What becomes of an element."""

    KEEP = "kept"
    ENTER = "sequence entered"
    REMOVE = "removed"
    EMPTY = "emptied"
    DUMMY = "replaced by a dummy"
    PSEUDONYM = "replaced by a pseudonym"
    UID = "UID remapped"
    SHIFT = "date moved"
    CAP = "age capped at 89"
    STAMP = "written anew"


class Rule(StrEnum):
    """Which rule decided, in the order in which they are asked."""

    GROUP_LENGTH = "group lengths are not kept"
    PRIVATE = "every private element goes"
    STAMP = "voxpop writes what was done here"
    BY_HAND = "denied by name: it can hold identity, and the table has no row for it"
    PSEUDONYM = "the pseudonym stands here"
    TABLE = "Basic Profile"
    OPTION = "an option of the profile"
    GRAPHICS = "a plane without its overlay data says nothing"
    UNKNOWN = "not in the data dictionary"
    REPRESENTATION = "another value representation than the data dictionary has"
    PERSON_NAME = "a person name that no rule keeps"
    ANY_UID = "every UID that the standard does not register is remapped"
    OUTSIDE = "not in the modules of the object's IOD"
    NUMBER = "a number of acquisition or image geometry, outside the IOD"
    DATES = "a date that no row names, treated as the profile treats dates"
    WITHIN = "in the modules of the object's IOD, and in no row of the table"


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an element at its place.

    Parameters
    ----------
    spoiled : Action
        What becomes of a value that breaks its representation's syntax, or of a date in parts: by the attribute's Type.
    row : Row or None
        The row of Table E.1-1 that the tag falls under, whether or not it decided.
    option : Option or None
        The option that decided, where one did.
    """

    action: Action
    rule: Rule
    spoiled: Action = Action.REMOVE
    row: Row | None = None
    option: Option | None = None

    @property
    def cited(self) -> str:
        """The clause of the standard behind the decision, or an empty text."""
        if self.row is None or self.rule not in {Rule.TABLE, Rule.OPTION, Rule.PRIVATE, Rule.GRAPHICS, Rule.PSEUDONYM}:
            return ""
        column, value = "basicProfile", self.row.basic
        if self.option is not None:
            column, value = COLUMNS[self.option], self.row.options[self.option]
        return f"PS3.15 Table E.1-1, row {self.row.written} {self.row.name}, column {column}: {value}"


_BY_HAND = frozenset(
    {
        0x00100033,  # birth, death date and their calendar, in another calendar (PS3.3, C.7.1.1)
        0x00100034,
        0x00100035,
        0x00100212,  # free text on an animal's strain, species and breed: a person has none
        0x00100213,
        0x00100218,
        0x00102201,
        0x00102292,
        0x00181061,  # names and addresses of machines in a hospital's network
        0x00181801,
        0x00181803,
        0x00287FE0,
        0x01000424,  # comment and number given by who authorized an object
        0x01000426,
    }
)
"""Identity, or free text that can hold it, in modules of image IODs without a row in PS3.15 2025a."""

_STAMPED = frozenset(
    {
        tags.PATIENT_IDENTITY_REMOVED,
        tags.DEIDENTIFICATION_METHOD,
        tags.DEIDENTIFICATION_METHOD_CODES,
        tags.TEMPORAL_INFORMATION_MODIFIED,
    }
)
_PSEUDONYMOUS = frozenset({tags.PATIENT_NAME, tags.PATIENT_ID, tags.STUDY_ID})
_COUNTED_GROUPS = frozenset({0x0018, 0x0028})
_COUNTED_VRS = NUMBER_VRS - {"AT"} | {"DS", "IS"}
_TEMPORAL = frozenset({"DA", "DT", "TM"})
_LIKE_TEXT = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})
_BY_TYPE = {"1": Action.DUMMY, "1C": Action.DUMMY, "2": Action.EMPTY, "2C": Action.EMPTY}


def decide(profile: Profile, place: Place, tag: int, vr: str) -> Decision:
    """Decide what becomes of an element.

    Parameters
    ----------
    place : Place
        The data set that the element is in.
    vr : str
        The value representation that the object gives the element.
    """
    group, number = tag >> 16, tag & 0xFFFF
    row = table().row(tag)
    if number == 0 or group < 8:
        return Decision(Action.REMOVE, Rule.GROUP_LENGTH)
    if group & 1:
        return Decision(Action.REMOVE, Rule.PRIVATE, row=row)
    if group >> 8 in {0x50, 0x60}:
        return Decision(Action.REMOVE, Rule.TABLE if row else Rule.GRAPHICS, row=row)
    if tag in _STAMPED and not place.path:
        return Decision(Action.STAMP, Rule.STAMP)
    if tag in _BY_HAND:
        return Decision(_emptied(place, tag), Rule.BY_HAND)
    if not representations(tag):
        return Decision(Action.REMOVE, Rule.UNKNOWN)
    if not _fits(tag, vr):
        return Decision(_emptied(place, tag), Rule.REPRESENTATION)
    if row is not None:
        return _by_row(profile, place, tag, vr, row)
    return _beyond_table(profile, place, tag, vr)


def _by_row(profile: Profile, place: Place, tag: int, vr: str, row: Row) -> Decision:
    """Decide by a row of the table."""
    spoiled = _emptied(place, tag)
    if tag in _PSEUDONYMOUS and not place.path:
        return Decision(Action.PSEUDONYM, Rule.PSEUDONYM, row=row)
    for option in Option:
        written = row.options.get(option)
        if written is None or not profile.keeps(option, tag):
            continue
        if written == "K":
            return Decision(_kept(tag, vr), Rule.OPTION, spoiled, row, option)
        if option is Option.RETAIN_MODIFIED_DATES and vr in _TEMPORAL:
            return Decision(Action.SHIFT, Rule.OPTION, spoiled, row, option)
    return Decision(_basic(row.basic, place, tag, vr), Rule.TABLE, spoiled, row)


def _basic(written: str, place: Place, tag: int, vr: str) -> Action:
    """Resolve the Basic Profile's action, compounds by the attribute's Type (PS3.15, E.3)."""
    if written == "U":
        return Action.UID if vr == "UI" else _emptied(place, tag)
    needed = _by_type(place, tag)
    if written in {"X", "D"}:
        return Action.REMOVE if written == "X" else Action.DUMMY
    if written == "Z":
        # By E.3 a dummy is a Z as well, and an attribute of Type 1 may not be empty.
        return Action.DUMMY if needed is Action.DUMMY else Action.EMPTY
    allowed = written.split("/")
    if needed is Action.REMOVE and "X" in allowed:
        return Action.REMOVE
    if "U*" in allowed and needed is Action.DUMMY:
        return Action.ENTER
    if needed is not Action.DUMMY and "Z" in allowed:
        return Action.EMPTY
    return Action.DUMMY if "D" in allowed or needed is Action.DUMMY else Action.EMPTY


def _beyond_table(profile: Profile, place: Place, tag: int, vr: str) -> Decision:
    """Decide on an element that no row names: denied, unless the object's IOD has it and its kind is harmless."""
    if vr == "PN":
        return Decision(_emptied(place, tag), Rule.PERSON_NAME)
    if vr == "UI" and Option.RETAIN_UIDS not in profile.options:
        return Decision(Action.UID, Rule.ANY_UID)
    spoiled = _emptied(place, tag)
    if place.attribute(tag) is None:
        if tag >> 16 in _COUNTED_GROUPS and vr in _COUNTED_VRS:
            return Decision(Action.KEEP, Rule.NUMBER)
        return Decision(Action.REMOVE, Rule.OUTSIDE)
    if vr in _TEMPORAL:
        return Decision(_temporal(profile, place, tag), Rule.DATES, spoiled)
    if vr == "UN":
        return Decision(spoiled, Rule.REPRESENTATION)
    return Decision(_kept(tag, vr), Rule.WITHIN, spoiled)


def _temporal(profile: Profile, place: Place, tag: int) -> Action:
    if Option.RETAIN_FULL_DATES in profile.options:
        return Action.KEEP
    return Action.SHIFT if Option.RETAIN_MODIFIED_DATES in profile.options else _by_type(place, tag)


def _kept(tag: int, vr: str) -> Action:
    if vr == "SQ":
        return Action.ENTER
    return Action.CAP if tag == tags.PATIENT_AGE else Action.KEEP


def _by_type(place: Place, tag: int) -> Action:
    """Return what keeps the object whole: Type 1 a dummy, Type 2 nothing in it, Type 3 nothing at all."""
    attribute = place.attribute(tag)
    return Action.REMOVE if attribute is None else _BY_TYPE.get(attribute.type, Action.REMOVE)


def _emptied(place: Place, tag: int) -> Action:
    """Return what takes a value away and keeps the attribute where the IOD wants it."""
    return Action.REMOVE if _by_type(place, tag) is Action.REMOVE else Action.EMPTY


def _fits(tag: int, vr: str) -> bool:
    """Say whether a value representation is one that the dictionary has, or one that holds the same kind of thing."""
    known = representations(tag)
    if vr in known:
        return True
    for family in (_LIKE_TEXT, NUMBER_VRS - {"AT"}, BYTES_VRS - {"UN"}, frozenset({"DS", "IS"})):
        if vr in family and not family.isdisjoint(known):
            return True
    return False
