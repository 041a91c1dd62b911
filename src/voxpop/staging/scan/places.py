"""Where in a file a hit lies: which element of an object, which part of a NIfTI image, which cell of a table."""

import bisect
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Content(StrEnum):
    """What the bytes of a place are, as far as it matters to a hit."""

    TEXT = "text"
    NUMBER = "number"
    UID = "uid"
    DATE = "date"
    NAME_OF_FIELD = "name of a field"
    PIXELS = "pixels"


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of bytes of one kind.

    Parameters
    ----------
    name : str
        For people: a tag path, or a kind of file.
    start, end : int
        Bytes of its value.
    cell : int
        Pixels only: bytes of one stored value where neighbours lie side by side, 0 where they are compressed.
    coded : bool
        It is a code string (CS).
    field : str
        The element, or the field of a sidecar, whose value it is.
    """

    name: str
    content: Content
    start: int
    end: int
    cell: int = 0
    coded: bool = False
    field: str = ""


@dataclass(slots=True)
class Map:
    """The places of one file; what lies between them is ``otherwise``, and searched most strictly."""

    otherwise: str
    places: list[Place] = field(default_factory=list)

    def at(self, start: int, end: int) -> Place:
        """Return the place that holds the bytes, or the gap between places."""
        index = bisect.bisect_right(self.places, start, key=lambda place: place.start) - 1
        if index >= 0 and end <= self.places[index].end:
            return self.places[index]
        return Place(self.otherwise, Content.TEXT, start, end)


_NUMERIC_VRS: Final = frozenset({b"DS", b"IS", b"TM"})
_DATE_VRS: Final = frozenset({b"DA", b"DT"})
_LONG_VRS: Final = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_VRS: Final = _LONG_VRS | frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_UNDEFINED: Final = 0xFFFFFFFF
_PIXEL_DATA: Final = 0x7FE00010
_PIXELS: Final = frozenset({_PIXEL_DATA, 0x7FE00008, 0x7FE00009})
_BITS_ALLOCATED: Final = 0x00280100
_TRANSFER_SYNTAX: Final = 0x00020010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_RLE: Final = b"1.2.840.10008.1.2.5"
_IMPLICIT: Final = b"1.2.840.10008.1.2"
_BIG_ENDIAN: Final = b"1.2.840.10008.1.2.2"
_PREAMBLE: Final = 132


class Unreadable(Exception):
    """The bytes are not laid out as they should be; the rest is one place, searched most strictly."""


def dicom_map(content: memoryview) -> Map:
    """Find the elements of a DICOM file, nested ones too.

    Parameters
    ----------
    content : memoryview
        The whole file, with preamble.

    Notes
    -----
    PS3.5, 7.1 and PS3.10, 7.1. From the first byte that cannot be read on, the rest is one place of text.
    """
    result = Map("DICOM, between elements")
    walk = _Walk(content, result.places)
    try:
        at = walk.elements(_PREAMBLE, len(content), (), until_group=2)
        walk.use_syntax()
        walk.elements(at, len(content), ())
    except (Unreadable, struct.error, IndexError):
        result.otherwise = "DICOM, unreadable part"
    result.places.sort(key=lambda place: place.start)
    return result


def dataset_map(content: memoryview) -> Map:
    """Find the elements of a data set in Explicit VR Little Endian, without preamble and file meta."""
    result = Map("DICOM, between elements")
    try:
        _Walk(content, result.places).elements(0, len(content), ())
    except (Unreadable, struct.error, IndexError):
        result.otherwise = "DICOM, unreadable part"
    result.places.sort(key=lambda place: place.start)
    return result


def meta_end(content: memoryview) -> int:
    """Return where the file meta of a DICOM file ends; the length of the file if it cannot be told."""
    try:
        return _Walk(content, []).elements(_PREAMBLE, len(content), (), until_group=2)
    except (Unreadable, struct.error, IndexError):
        return len(content)


class _Walk:
    """One pass over the elements of a file."""

    def __init__(self, content: memoryview, places: list[Place]) -> None:
        self._content = content
        self._places = places
        self._order = "<"
        self._explicit = True
        self._syntax = b""
        self._bits = 16

    def use_syntax(self) -> None:
        """Go on in the transfer syntax that the file meta names."""
        self._explicit = self._syntax != _IMPLICIT
        self._order = ">" if self._syntax == _BIG_ENDIAN else "<"

    def elements(self, at: int, end: int, path: tuple[int, ...], until_group: int | None = None) -> int:
        """Walk from ``at``; return where the stretch of elements ends."""
        while at + 8 <= end:
            # What follows the file meta may be deflated: only its group is looked at.
            if until_group is not None and self._group(at) != until_group:
                return at
            tag, vr, length, value = self._header(at)
            if tag in {_ITEM_END, _SEQUENCE_END}:
                return value
            at = self._element(tag, vr, length, value, path)
            if at > end:
                raise Unreadable
        return at

    def _header(self, at: int) -> tuple[int, bytes, int, int]:
        group, number = struct.unpack_from(self._order + "HH", self._content, at)
        tag = group << 16 | number
        if group == 0xFFFE or not self._explicit:
            return tag, b"", self._length(at + 4), at + 8
        vr = bytes(self._content[at + 4 : at + 6])
        if vr not in _VRS:
            raise Unreadable
        if vr in _LONG_VRS:
            return tag, vr, self._length(at + 8), at + 12
        return tag, vr, int(struct.unpack_from(self._order + "H", self._content, at + 6)[0]), at + 8

    def _group(self, at: int) -> int:
        return int(struct.unpack_from(self._order + "H", self._content, at)[0])

    def _length(self, at: int) -> int:
        return int(struct.unpack_from(self._order + "I", self._content, at)[0])

    def _element(self, tag: int, vr: bytes, length: int, value: int, path: tuple[int, ...]) -> int:
        inner = (*path, tag)
        if tag in _PIXELS:
            return self._pixels(length, value, path)
        if vr == b"SQ" or length == _UNDEFINED:
            return self._items(length, value, inner)
        end = value + length
        if end > len(self._content):
            raise Unreadable
        self._note(tag, vr, value, end)
        name, field = _path_text(inner), _path_text((tag,))
        self._places.append(Place(name, _content_of(tag, vr), value, end, coded=vr == b"CS", field=field))
        return end

    def _items(self, length: int, value: int, path: tuple[int, ...]) -> int:
        end = len(self._content) if length == _UNDEFINED else value + length
        at = value
        while at + 8 <= end:
            tag, _, size, start = self._header(at)
            if tag == _SEQUENCE_END:
                return start
            if tag != _ITEM:
                raise Unreadable
            at = self.elements(start, end if size == _UNDEFINED else start + size, path)
        return at

    def _pixels(self, length: int, value: int, path: tuple[int, ...]) -> int:
        name = "pixel data" if not path else f"{_path_text(path)} > pixel data"
        if length != _UNDEFINED:
            end = value + length
            self._places.append(
                Place(name, Content.PIXELS, value, min(end, len(self._content)), max(1, self._bits // 8))
            )
            return end
        # RLE keeps the bytes of a plane side by side; the other encapsulated syntaxes mix them.
        cell = 1 if self._syntax == _RLE else 0
        at = value
        while at + 8 <= len(self._content):
            tag, _, size, start = self._header(at)
            if tag == _SEQUENCE_END:
                return start
            if tag != _ITEM or start + size > len(self._content):
                raise Unreadable
            self._places.append(Place(name, Content.PIXELS, start, start + size, cell))
            at = start + size
        return at

    def _note(self, tag: int, vr: bytes, start: int, end: int) -> None:
        if tag == _TRANSFER_SYNTAX:
            self._syntax = bytes(self._content[start:end]).strip(b" \0")
        elif tag == _BITS_ALLOCATED and vr in {b"US", b""}:
            self._bits = int(struct.unpack_from(self._order + "H", self._content, start)[0])


def _content_of(tag: int, vr: bytes) -> Content:
    if vr in _NUMERIC_VRS:
        return Content.NUMBER
    if vr in _DATE_VRS:
        return Content.DATE
    if vr == b"UI":
        return Content.UID
    # Lookup tables and overlays are binary, yet small: they are searched as text.
    return Content.PIXELS if vr in {b"OW", b"OF", b"OD"} and tag >> 16 != 2 else Content.TEXT


def _path_text(path: tuple[int, ...]) -> str:
    return " > ".join(f"({tag >> 16:04X},{tag & 0xFFFF:04X})" for tag in path)


_NIFTI_HEADER: Final = 348
_NIFTI_VOX_OFFSET: Final = 108
_NIFTI_BITPIX: Final = 72


def nifti_map(content: memoryview) -> Map:
    """Tell a NIfTI-1 image's header and extensions from its voxels.

    Notes
    -----
    nifti1.h: ``sizeof_hdr`` 0, ``bitpix`` 72, ``vox_offset`` 108.
    """
    order = "<" if bytes(content[:4]) == struct.pack("<i", _NIFTI_HEADER) else ">"
    bits = int(struct.unpack_from(order + "h", content, _NIFTI_BITPIX)[0])
    offset = int(struct.unpack_from(order + "f", content, _NIFTI_VOX_OFFSET)[0])
    start = min(max(offset, _NIFTI_HEADER), len(content))
    return Map("NIfTI header", [Place("NIfTI voxels", Content.PIXELS, start, len(content), max(1, bits // 8))])


_JSON_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"(?P<key>\s*:)?|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?', re.DOTALL)


def json_map(content: memoryview, name: str = "JSON sidecar") -> Map:
    """Find the strings, numbers and names of fields of a JSON document."""
    return Map(name, list(_json_places(content, name)))


def _json_places(content: memoryview, name: str) -> Iterator[Place]:
    field = ""
    for token in _JSON_TOKEN.finditer(content):
        if token["key"]:
            field = token[0].split(b'"')[1].decode("utf-8", "replace")
            yield Place(name, Content.NAME_OF_FIELD, *token.span())
        elif bytes(content[token.start() : token.start() + 1]) == b'"':
            yield Place(name, Content.TEXT, token.start() + 1, token.end() - 1, field=field)
        else:
            yield Place(name, Content.NUMBER, *token.span())


_CELL = re.compile(rb"[^\t\r\n]+")
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?\Z")
_ISO_DAY = re.compile(rb"\d{4}-\d{2}-\d{2}(?:T[\d:.]+)?\Z")


def table_map(content: memoryview, name: str = "table") -> Map:
    """Find the cells of a table whose first line names its columns."""
    head = bytes(content).partition(b"\n")[0]
    return Map(name, [_cell(bytes(cell[0]), cell.start(), name, len(head)) for cell in _CELL.finditer(content)])


def _cell(text: bytes, start: int, name: str, head: int) -> Place:
    if start < head:
        kind = Content.NAME_OF_FIELD
    elif _ISO_DAY.match(text):
        kind = Content.DATE
    elif _NUMBER.match(text):
        kind = Content.NUMBER
    else:
        kind = Content.TEXT
    return Place(name, kind, start, start + len(text))
