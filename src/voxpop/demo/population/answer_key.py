"""Planting a value into a data set and writing down where, in one step."""

from dataclasses import dataclass, field
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import Tag

TEXT_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})


@dataclass(slots=True)
class AnswerKey:
    """What was planted for one patient: every value, with each place where it lies.

    Parameters
    ----------
    charset : tuple of str
        (0008,0005) of the patient's objects.
    """

    patient: str
    charset: tuple[str, ...]
    places: dict[tuple[str, str, str, str], set[str]] = field(default_factory=dict)

    def note(self, kind: str, value: str, place: str, encoding: str, where: str) -> None:
        """Write down a value: its kind, the path of its element, its encoding, and the kind of object (``ct``)."""
        self.places.setdefault((kind, value, place, encoding), set()).add(where)

    def encoding(self, vr: str) -> str:
        """Name the encoding of a text of a VR in this patient's objects."""
        return "\\".join(self.charset) if vr in TEXT_VRS and self.charset else "ISO_IR 6"

    def as_json(self) -> dict[str, Any]:
        """Return the key as JSON values, in an order that depends on the content alone."""
        rows = [
            {"kind": kind, "value": value, "place": place, "encoding": encoding, "objects": sorted(objects)}
            for (kind, value, place, encoding), objects in sorted(self.places.items())
        ]
        return {"patient": self.patient, "character_sets": list(self.charset), "planted": rows}


@dataclass(frozen=True, slots=True)
class Planter:
    """A data set under construction, the key, and the path to the data set from the object's root."""

    ds: Dataset
    key: AnswerKey
    where: str
    path: str = ""

    def put(self, keyword: str, value: Any, kind: str) -> None:
        """Set an element by its keyword and write its values down as identity of a kind."""
        setattr(self.ds, keyword, value)
        tag = Tag(tag_for_keyword(keyword) or 0)
        self._note(tag, dictionary_VR(tag), value, kind)

    def put_tag(self, tag: tuple[int, int], vr: str, value: Any, kind: str) -> None:
        """Set an element by its tag, repeating groups and private ones included."""
        self.ds.add_new(tag, vr, value)
        self._note(Tag(tag), vr, value, kind)

    def item(self, keyword: str) -> "Planter":
        """Add an item to a sequence and return its planter."""
        item = Dataset()
        if keyword not in self.ds:
            setattr(self.ds, keyword, [])
        getattr(self.ds, keyword).append(item)
        tag = Tag(tag_for_keyword(keyword) or 0)
        return Planter(item, self.key, self.where, f"{self.path}{_shown(tag)}>")

    def item_at(self, tag: tuple[int, int]) -> "Planter":
        """Add a private sequence of one item and return the item's planter."""
        item = Dataset()
        self.ds.add_new(tag, "SQ", [item])
        return Planter(item, self.key, self.where, f"{self.path}{_shown(Tag(tag))}>")

    def _note(self, tag: Any, vr: str, value: Any, kind: str) -> None:
        place = f"{self.path}{_shown(tag)} {vr}"
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, bytes):
                self.key.note(kind, one.strip(b"\0").decode("utf-8"), place, "bytes, UTF-8", self.where)
            else:
                self.key.note(kind, str(one), place, self.key.encoding(vr), self.where)


def _shown(tag: Any) -> str:
    return f"({tag.group:04X},{tag.element:04X})"
