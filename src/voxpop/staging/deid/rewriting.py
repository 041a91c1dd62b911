"""The slow path: any other encoding of a data set, rewritten as Explicit VR Little Endian with explicit lengths.

Implicit VR, big endian, deflated, no preamble, unknown representations of known elements, undefined lengths outside
sequences. Values are carried over as bytes and never decoded, so nothing is lost or mended on the way; the walk then
treats the result like any other object.
"""

import struct
import zlib
from dataclasses import dataclass

from voxpop.dicom import tags
from voxpop.dicom.elements import ITEM, LONG_VRS, SHORT_VRS, UNDEFINED, element, sequence
from voxpop.dicom.tags import representations
from voxpop.dicom.uids import DEFLATED_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE
from voxpop.staging.deid.errors import ObjectRefused, RefusalReason

DEEPEST = 32
_LARGEST_INFLATED = 1 << 30
_WORDS = {"AT": 2, "OW": 2, "SS": 2, "US": 2, "FL": 4, "OF": 4, "OL": 4, "SL": 4, "UL": 4}
_DOUBLE_WORDS = {"FD": 8, "OD": 8, "OV": 8, "SV": 8, "UV": 8}


@dataclass(frozen=True, slots=True)
class _Coding:
    """How elements are written.

    Parameters
    ----------
    order : str
        ``<`` or ``>``, as `struct` has it.
    """

    order: str
    is_explicit: bool


_EXPLICIT = _Coding("<", is_explicit=True)
_IMPLICIT = _Coding("<", is_explicit=False)
_BIG = _Coding(">", is_explicit=True)


def rewritten(buffer: bytes, start: int, transfer_syntax: str) -> bytes:
    """Rewrite a data set, up to its end or to encapsulated pixels, which follow as they are.

    Parameters
    ----------
    start : int
        Where the data set begins.

    Raises
    ------
    ObjectRefused
        If the bytes are cut off or no data set.
    """
    coding = {IMPLICIT_LITTLE: _IMPLICIT, EXPLICIT_BIG: _BIG}.get(transfer_syntax, _EXPLICIT)
    if transfer_syntax == DEFLATED_LITTLE:
        buffer, start = _inflated(buffer[start:]), 0
    try:
        out, _ = _Reader(buffer, coding).elements(start, len(buffer), 0)
    except struct.error as error:
        raise ObjectRefused(RefusalReason.TRUNCATED) from error
    except ValueError as error:
        raise ObjectRefused(RefusalReason.UNREADABLE) from error
    return b"".join(encoded for _, encoded in sorted(out, key=lambda pair: pair[0]))


def _inflated(deflated: bytes) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(deflated, _LARGEST_INFLATED)
    except zlib.error as error:
        raise ObjectRefused(RefusalReason.UNREADABLE) from error
    if not inflater.eof:
        raise ObjectRefused(RefusalReason.TRUNCATED)
    return inflated


class _Reader:
    """Reads elements of one coding and gives them in Explicit VR Little Endian."""

    def __init__(self, buffer: bytes, coding: _Coding) -> None:
        self._buffer = buffer
        self._coding = coding
        self._tag = struct.Struct(coding.order + "HH").unpack_from
        self._u16 = struct.Struct(coding.order + "H").unpack_from
        self._u32 = struct.Struct(coding.order + "I").unpack_from
        self._signed = False

    def elements(self, p: int, end: int, depth: int) -> tuple[list[tuple[int, bytes]], int]:
        """Read elements up to ``end`` or an item's delimiter; return them and where they ended."""
        if depth > DEEPEST:
            raise ObjectRefused(RefusalReason.DEEP)
        out: list[tuple[int, bytes]] = []
        while p < end:
            group, number = self._tag(self._buffer, p)
            if group == 0xFFFE:
                if number != 0xE00D or depth == 0:
                    raise ObjectRefused(RefusalReason.UNREADABLE)
                return out, p
            tag = group << 16 | number
            vr, length, value_at = self._header(tag, p)
            if tag == tags.PIXEL_DATA and length == UNDEFINED and depth == 0:
                out.append((tag, self._buffer[p:end]))
                return out, end
            encoded, p = self._element(tag, vr, length, value_at, end, depth)
            out.append((tag, encoded))
        return out, p

    def _header(self, tag: int, p: int) -> tuple[str, int, int]:
        """Return the representation, the length and where the value begins."""
        if not self._coding.is_explicit:
            return self._known(tag), self._u32(self._buffer, p + 4)[0], p + 8
        code = self._buffer[p + 4 : p + 6]
        if code in LONG_VRS:
            return code.decode("ascii"), self._u32(self._buffer, p + 8)[0], p + 12
        if code in SHORT_VRS:
            return code.decode("ascii"), self._u16(self._buffer, p + 6)[0], p + 8
        raise ObjectRefused(RefusalReason.UNREADABLE)

    def _known(self, tag: int) -> str:
        """Return the dictionary's representation of a tag, as one (PS3.5, Annex A.1)."""
        if tag & 0xFFFF == 0:
            return "UL"
        if tag >> 16 & 1:
            return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
        known = representations(tag)
        if len(known) < 2:
            return known[0] if known and known[0] != "NONE" else "UN"
        if "OW" in known:
            return "OW"
        return "SS" if self._signed and "SS" in known else "US"

    def _element(self, tag: int, vr: str, length: int, value_at: int, end: int, depth: int) -> tuple[bytes, int]:
        if vr == "UN" and length != UNDEFINED:
            vr = self._known(tag) if not tag >> 16 & 1 else "UN"
            if vr == "SQ":
                # PS3.5, 6.2.2 note 2: the content of an unknown representation is in Implicit VR Little Endian
                return _Reader(self._buffer, _IMPLICIT).sequence(tag, length, value_at, end, depth)
        if vr == "UN" and length == UNDEFINED:
            return _Reader(self._buffer, _IMPLICIT).sequence(tag, length, value_at, end, depth)
        if vr == "SQ":
            return self.sequence(tag, length, value_at, end, depth)
        if length == UNDEFINED:
            raise ObjectRefused(RefusalReason.UNREADABLE)
        stop = value_at + length
        if stop > end:
            raise ObjectRefused(RefusalReason.TRUNCATED)
        value = self._little(tag, vr, self._buffer[value_at:stop])
        if tag == tags.PIXEL_REPRESENTATION:
            self._signed = value[:1] == b"\1"
        if vr.encode("ascii") in SHORT_VRS and len(value) > 0xFFFE:
            vr = "UN"
        return element(tag, vr, value), stop

    def _little(self, tag: int, vr: str, value: bytes) -> bytes:
        """Return a value in little endian."""
        if self._coding.order == "<":
            return value
        width = _WORDS.get(vr) or _DOUBLE_WORDS.get(vr) or 1
        if width == 1 or len(value) % width:
            return value
        swapped = bytearray(len(value))
        for index in range(width):
            swapped[index::width] = value[width - 1 - index :: width]
        return bytes(swapped)

    def sequence(self, tag: int, length: int, value_at: int, end: int, depth: int) -> tuple[bytes, int]:
        """Read a sequence's items; return it with explicit lengths, and where it ended."""
        is_open = length == UNDEFINED
        stop = end if is_open else value_at + length
        if stop > end:
            raise ObjectRefused(RefusalReason.TRUNCATED)
        items: list[bytes] = []
        p = value_at
        while p < stop:
            group, number = self._tag(self._buffer, p)
            item_length = self._u32(self._buffer, p + 4)[0]
            p += len(ITEM) + 4
            if (group, number) == (0xFFFE, 0xE0DD) and is_open:
                return sequence(tag, items), p
            if (group, number) != (0xFFFE, 0xE000):
                raise ObjectRefused(RefusalReason.UNREADABLE)
            content, p = self._item(p, item_length, stop, depth + 1)
            items.append(content)
        if is_open:
            raise ObjectRefused(RefusalReason.TRUNCATED)
        return sequence(tag, items), p

    def _item(self, p: int, length: int, end: int, depth: int) -> tuple[bytes, int]:
        stop = end if length == UNDEFINED else p + length
        if stop > end:
            raise ObjectRefused(RefusalReason.TRUNCATED)
        out, reached = self.elements(p, stop, depth)
        if length == UNDEFINED:
            if reached >= end:
                raise ObjectRefused(RefusalReason.TRUNCATED)
            reached += 8
        elif reached != stop:
            raise ObjectRefused(RefusalReason.UNREADABLE)
        return b"".join(encoded for _, encoded in sorted(out, key=lambda pair: pair[0])), reached
