"""Which attributes an object of a SOP class has by the standard: its IOD, the IOD's modules, their attributes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute at its place in an IOD.

    Parameters
    ----------
    type : str
        ``1``, ``1C``, ``2``, ``2C`` or ``3`` (PS3.5, 7.4); the strictest where several modules have the attribute.
    modules : tuple of str
        The modules that have it, as the standard's part numbers them: ``general-series``.
    """

    type: str
    modules: tuple[str, ...]
    branches: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A data set within an object: its top level, or the items of one of its sequences.

    Parameters
    ----------
    iod : str
        ``ct-image`` and so on; empty where nothing belongs.
    path : tuple of int
        Tags of the sequences that lead here.
    """

    iod: str
    path: tuple[int, ...] = ()
    attributes: Mapping[int, Attribute] = field(default_factory=dict, compare=False, repr=False)

    def attribute(self, tag: int) -> Attribute | None:
        """Return what the IOD says of an attribute at this place, or None if it does not belong here."""
        return self.attributes.get(tag)

    def below(self, tag: int) -> "Place":
        """Return the place of a sequence's items; nothing belongs in those of a sequence that is not in the IOD."""
        found = self.attributes.get(tag)
        attributes = {} if found is None else _merged((number, found.modules) for number in found.branches)
        return Place(self.iod, (*self.path, tag), attributes)


NOWHERE = Place("")
"""A place where nothing belongs."""


@cache
def place_of(sop_class: str) -> Place | None:
    """Return the top level of a SOP class' objects, or None for a SOP class that the table does not have."""
    iod = _tables()["sop_classes"].get(sop_class)
    if iod is None:
        return None
    numbers = _tables()["modules"]
    modules = _tables()["iods"][iod]
    return Place(iod, (), _merged((numbers[name], (name,)) for name in modules))


def sop_classes() -> Mapping[str, str]:
    """Return the IOD of each SOP class UID."""
    return dict(_tables()["sop_classes"])


@cache
def _tables() -> Any:
    return json.loads(files("voxpop.dicom").joinpath("data/iods.json").read_text(encoding="ascii"))


def _merged(parts: Iterator[tuple[int, tuple[str, ...]]]) -> Mapping[int, Attribute]:
    """Lay several branches over each other."""
    merged: dict[int, Attribute] = {}
    for number, modules in parts:
        for written, entry in _tables()["branches"][number].items():
            type_, branch = entry if isinstance(entry, list) else (entry, None)
            tag = int(written, 16)
            found = merged.get(tag, Attribute(type_, ()))
            branches = found.branches if branch is None or branch in found.branches else (*found.branches, branch)
            together = tuple(dict.fromkeys((*found.modules, *modules)))
            merged[tag] = Attribute(min(found.type, type_), together, branches)
    return merged
