"""DICOM PS3.15 Table E.1-1, Application Level Confidentiality Profile Attributes, as typed rows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files

EDITION = "2025a"


class Option(StrEnum):
    """The option columns of the table, named as PS3.15 E.3 names the options."""

    RETAIN_SAFE_PRIVATE = "retain-safe-private"
    RETAIN_UIDS = "retain-uids"
    RETAIN_DEVICE = "retain-device-identity"
    RETAIN_INSTITUTION = "retain-institution-identity"
    RETAIN_PATIENT = "retain-patient-characteristics"
    RETAIN_FULL_DATES = "retain-longitudinal-full-dates"
    RETAIN_MODIFIED_DATES = "retain-longitudinal-modified-dates"
    CLEAN_DESCRIPTORS = "clean-descriptors"
    CLEAN_STRUCTURED = "clean-structured-content"
    CLEAN_GRAPHICS = "clean-graphics"


COLUMNS: Mapping[Option, str] = {
    Option.RETAIN_SAFE_PRIVATE: "rtnSafePrivOpt",
    Option.RETAIN_UIDS: "rtnUIDsOpt",
    Option.RETAIN_DEVICE: "rtnDevIdOpt",
    Option.RETAIN_INSTITUTION: "rtnInstIdOpt",
    Option.RETAIN_PATIENT: "rtnPatCharsOpt",
    Option.RETAIN_FULL_DATES: "rtnLongFullDatesOpt",
    Option.RETAIN_MODIFIED_DATES: "rtnLongModifDatesOpt",
    Option.CLEAN_DESCRIPTORS: "cleanDescOpt",
    Option.CLEAN_STRUCTURED: "cleanStructContOpt",
    Option.CLEAN_GRAPHICS: "cleanGraphOpt",
}
"""The table's column of each option, under its name in the JSON."""

METHOD_CODES: Mapping[Option, tuple[str, str]] = {
    Option.CLEAN_GRAPHICS: ("113103", "Clean Graphics Option"),
    Option.CLEAN_STRUCTURED: ("113104", "Clean Structured Content Option"),
    Option.CLEAN_DESCRIPTORS: ("113105", "Clean Descriptors Option"),
    Option.RETAIN_FULL_DATES: ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    Option.RETAIN_MODIFIED_DATES: ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    Option.RETAIN_PATIENT: ("113108", "Retain Patient Characteristics Option"),
    Option.RETAIN_DEVICE: ("113109", "Retain Device Identity Option"),
    Option.RETAIN_UIDS: ("113110", "Retain UIDs Option"),
    Option.RETAIN_SAFE_PRIVATE: ("113111", "Retain Safe Private Option"),
    Option.RETAIN_INSTITUTION: ("113112", "Retain Institution Identity Option"),
}
"""Code value and meaning of each option (PS3.16 CID 7050, scheme DCM)."""

BASIC_PROFILE_CODE = ("113100", "Basic Application Confidentiality Profile")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    Parameters
    ----------
    written : str
        The tag as the table writes it: ``(0008,0050)``, ``(60XX,3000)``.
    basic : str
        Action of the Basic Profile: ``X``, ``Z``, ``D``, ``U`` or a compound such as ``X/Z/D``.
    options : mapping of Option to str
        ``K`` (keep) or ``C`` (clean), for the columns that say something.
    in_standard_iods : bool
        The column "in Std. Comp. IOD".
    """

    written: str
    name: str
    basic: str
    options: Mapping[Option, str] = field(default_factory=dict)
    in_standard_iods: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """The whole table.

    Parameters
    ----------
    by_tag : mapping of int to Row
        Rows of one tag.
    groups : mapping of (int, int or None) to Row
        Rows of repeating groups by the group's high byte and, where the row has one, its element.
    private : Row
        The row of all private attributes.
    """

    by_tag: Mapping[int, Row]
    groups: Mapping[tuple[int, int | None], Row]
    private: Row

    def row(self, tag: int) -> Row | None:
        """Return the row that a tag falls under, or None."""
        group, element = tag >> 16, tag & 0xFFFF
        if group & 1:
            return self.private
        found = self.by_tag.get(tag)
        if found is None and group >> 8 in {0x50, 0x60}:
            found = self.groups.get((group >> 8, element)) or self.groups.get((group >> 8, None))
        return found

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows: those of one tag in the order of tags, then the repeating groups, then private attributes."""
        return (*self.by_tag.values(), *self.groups.values(), self.private)


@cache
def table() -> Table:
    """Load Table E.1-1 from the package."""
    written = json.loads(files("voxpop.dicom").joinpath("data/ps3.15-e.1-1.json").read_text(encoding="utf-8"))
    by_tag: dict[int, Row] = {}
    groups: dict[tuple[int, int | None], Row] = {}
    private = Row("(gggg,eeee)", "Private Attributes", "X")
    for entry in sorted(written, key=lambda entry: str(entry["id"])):
        row = _row(entry)
        name = str(entry["id"])
        if name.startswith("gggg"):
            private = row
        elif "x" in name:
            element = None if name.endswith("xxxx") else int(name[4:], 16)
            groups[int(name[:2], 16), element] = row
        else:
            by_tag[int(name, 16)] = row
    return Table(by_tag, groups, private)


def _row(entry: Mapping[str, str]) -> Row:
    return Row(
        written=entry["tag"].partition(" WHERE")[0],
        name=entry["name"],
        basic=entry["basicProfile"],
        options={option: entry[column] for option, column in COLUMNS.items() if column in entry},
        in_standard_iods=entry["stdCompIOD"] == "Y",
    )
