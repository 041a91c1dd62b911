"""Profiles: which options of PS3.15 a project's data are de-identified with, as a YAML file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from voxpop.dicom.confidentiality import COLUMNS, Option, table
from voxpop.dicom.tags import tag_named
from voxpop.staging.deid.errors import ProfileAbsent, ProfileInvalid

DEFAULT_PROFILE = "bone-density"

_NOT_BUILT: Mapping[str, str] = {
    Option.RETAIN_SAFE_PRIVATE: "keeping safe private elements",
    Option.CLEAN_DESCRIPTORS: "cleaning descriptors",
    Option.CLEAN_STRUCTURED: "cleaning structured content",
    Option.CLEAN_GRAPHICS: "cleaning graphics",
    "clean-pixel-data": "cleaning pixel data",
    "clean-recognizable-visual-features": "cleaning recognizable visual features",
}
_NAMES = (*(option.value for option in Option), "clean-pixel-data", "clean-recognizable-visual-features")
_KEYS = ("name", "title", "options")


@dataclass(frozen=True, slots=True)
class Profile:
    """The Basic Profile with some options on.

    Parameters
    ----------
    options : frozenset of Option
        The options that are on.
    characteristics : frozenset of int or None
        The tags that the option to retain patient characteristics keeps; None keeps every one that its column names.
    """

    name: str
    title: str = ""
    options: frozenset[Option] = field(default_factory=frozenset)
    characteristics: frozenset[int] | None = None

    def __post_init__(self) -> None:
        """Refuse what is not built, and dates that are both full and modified."""
        for option in sorted(self.options):
            if option in _NOT_BUILT:
                raise ProfileInvalid(self.name, 1, 1, _not_built(option))
        if {Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES} <= self.options:
            raise ProfileInvalid(self.name, 1, 1, _BOTH_DATES)

    def keeps(self, option: Option, tag: int) -> bool:
        """Say whether an option is on, and on for this tag."""
        if option not in self.options:
            return False
        return option is not Option.RETAIN_PATIENT or self.characteristics is None or tag in self.characteristics


_BOTH_DATES = (
    "dates cannot be both full and modified: set one of retain-longitudinal-full-dates and "
    "retain-longitudinal-modified-dates to false"
)


def list_profiles() -> tuple[Profile, ...]:
    """Return the profiles that ship with voxpop, the default one first."""
    shipped = (load_profile(Path(str(entry))) for entry in files("voxpop.staging.deid").joinpath("profiles").iterdir())
    return tuple(sorted(shipped, key=lambda profile: (profile.name != DEFAULT_PROFILE, profile.name)))


def load_profile(source: Path | str | None = None) -> Profile:
    """Read a profile.

    Parameters
    ----------
    source : Path, str or None
        A file, the name of a profile that ships with voxpop, or None for the default one.

    Raises
    ------
    ProfileAbsent
        If there is no such file or profile.
    ProfileInvalid
        If a key, an option or a value is not known, or an option is asked for that is not built; the sentence names
        line and column.
    """
    path = _shipped(DEFAULT_PROFILE if source is None else str(source))
    if path is None:
        path = Path(str(source))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        names = ", ".join(sorted(entry.name.removesuffix(".yaml") for entry in _folder()))
        raise ProfileAbsent(f"there is no profile {str(source)!r}: give a YAML file or one of {names}") from error
    return _profile(path.name, text)


def _folder() -> list[Path]:
    return [Path(str(entry)) for entry in files("voxpop.staging.deid").joinpath("profiles").iterdir()]


def _shipped(name: str) -> Path | None:
    return next((path for path in _folder() if path.name == f"{name}.yaml"), None)


def _profile(file: str, text: str) -> Profile:
    document = _parsed(file, text)
    for key in document:
        if key not in _KEYS:
            raise ProfileInvalid(file, *_key_at(document, key), f"unknown key {key!r}: known are {', '.join(_KEYS)}")
    name = document.get("name")
    if not isinstance(name, str) or not name:
        raise ProfileInvalid(file, *_value_at(document, "name"), "a profile needs a name, a text")
    options = document.get("options")
    if not isinstance(options, CommentedMap):
        raise ProfileInvalid(file, *_value_at(document, "options"), "a profile needs options, a mapping; {} for none")
    on = frozenset(option for key in options if (option := _option(file, options, key)) is not None)
    if {Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES} <= on:
        raise ProfileInvalid(file, *_key_at(options, Option.RETAIN_MODIFIED_DATES.value), _BOTH_DATES)
    return Profile(name, str(document.get("title", "")), on, _characteristics(file, options))


def _parsed(file: str, text: str) -> CommentedMap:
    try:
        document = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise ProfileInvalid(file, line, column, f"not YAML: {error.problem}") from error
    except YAMLError as error:
        raise ProfileInvalid(file, 1, 1, "not YAML") from error
    if not isinstance(document, CommentedMap):
        raise ProfileInvalid(file, 1, 1, "a profile is a mapping with name and options")
    return document


def _option(file: str, options: CommentedMap, key: Any) -> Option | None:
    """Return the option of a key if it is on."""
    if key not in _NAMES:
        raise ProfileInvalid(file, *_key_at(options, key), f"unknown option {key!r}: known are {', '.join(_NAMES)}")
    value = options[key]
    listed = key == Option.RETAIN_PATIENT and isinstance(value, list)
    if not isinstance(value, bool) and not listed:
        more = ", or a list of keywords" if key == Option.RETAIN_PATIENT else ""
        raise ProfileInvalid(file, *_value_at(options, key), f"{key} is true or false{more}")
    if value is False or value == []:
        return None
    if key in _NOT_BUILT:
        raise ProfileInvalid(file, *_key_at(options, key), _not_built(key))
    return Option(key)


def _not_built(key: str) -> str:
    return f"{key}: {_NOT_BUILT[key]} is not built; set it to false, and what it would clean is removed"


def _characteristics(file: str, options: CommentedMap) -> frozenset[int] | None:
    """Return the tags that a list keeps; None for all that the table's column names."""
    listed = options.get(Option.RETAIN_PATIENT.value)
    if not isinstance(listed, list):
        return None
    tags = set()
    for index, name in enumerate(listed):
        tag = tag_named(str(name))
        row = None if tag is None else table().row(tag)
        if tag is None or row is None or row.options.get(Option.RETAIN_PATIENT) != "K":
            line, column = listed.lc.item(index)  # type: ignore[attr-defined] # a CommentedSeq knows its places
            clause = f"{name!r} is not kept by column {COLUMNS[Option.RETAIN_PATIENT]} of PS3.15 Table E.1-1"
            raise ProfileInvalid(file, line + 1, column + 1, clause)
        tags.add(tag)
    return frozenset(tags)


def _key_at(mapping: CommentedMap, key: Any) -> tuple[int, int]:
    """Return the line and column of a key, from 1."""
    line, column = mapping.lc.key(key)
    return line + 1, column + 1


def _value_at(mapping: CommentedMap, key: Any) -> tuple[int, int]:
    """Return the line and column of a key's value, or of the mapping where the key is missing."""
    line, column = mapping.lc.value(key) if key in mapping else (mapping.lc.line, mapping.lc.col)
    return line + 1, column + 1
