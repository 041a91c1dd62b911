"""A quick look at whose object a file is, and of which study and series, without reading its pixels."""

import struct
from pathlib import Path

from voxpop.dicom import tags
from voxpop.dicom.characters import character_set_at, decoded
from voxpop.dicom.elements import ITEM, ITEM_END, LONG_VRS, SEQUENCE_END, SHORT_VRS, UNDEFINED
from voxpop.staging.deid.files import Part10, read_part10
from voxpop.staging.deid.levels import Odd

_WANTED = frozenset({tags.PATIENT_ID, tags.ISSUER_OF_PATIENT_ID, tags.STUDY_INSTANCE_UID, tags.SERIES_INSTANCE_UID})
_LAST = tags.SERIES_INSTANCE_UID
_FIRST_BYTES = 1 << 16


def heading(path: Path) -> dict[int, str]:
    """Return person, issuer, study and series of a file, by tag; what is not there is missing.

    Raises
    ------
    ObjectRefused
        If it is no DICOM object that can be read.
    """
    for most in (_FIRST_BYTES, None):
        part10 = read_part10(path, most)
        try:
            return _wanted(part10)
        except (struct.error, IndexError):
            continue
        except Odd:
            return _wanted(read_part10(path).rewritten())
    return {}


def _wanted(part10: Part10) -> dict[int, str]:
    buffer, p = part10.buffer, part10.start
    charset = character_set_at(buffer, p)
    found: dict[int, str] = {}
    while p < len(buffer):
        tag, code, length, value_at = _header(buffer, p)
        if tag > _LAST:
            break
        p = _sequence_end(buffer, value_at, length) if code == b"SQ" else value_at + length
        if tag in _WANTED:
            if p > len(buffer):
                raise IndexError
            found[tag] = decoded(buffer[value_at:p].strip(b" \0"), charset)
    return found


def _header(buffer: bytes, p: int) -> tuple[int, bytes, int, int]:
    group, number = struct.unpack_from("<HH", buffer, p)
    code = buffer[p + 4 : p + 6]
    if code in SHORT_VRS:
        return group << 16 | number, code, struct.unpack_from("<H", buffer, p + 6)[0], p + 8
    if code not in LONG_VRS:
        raise Odd
    length = struct.unpack_from("<I", buffer, p + 8)[0]
    if length == UNDEFINED and code != b"SQ":
        raise Odd
    return group << 16 | number, code, length, p + 12


def _sequence_end(buffer: bytes, p: int, length: int) -> int:
    if length != UNDEFINED:
        return p + length
    while buffer[p : p + 4] != SEQUENCE_END:
        if buffer[p : p + 4] != ITEM:
            raise IndexError
        item_length = struct.unpack_from("<I", buffer, p + 4)[0]
        p = _item_end(buffer, p + 8) if item_length == UNDEFINED else p + 8 + item_length
    return p + 8


def _item_end(buffer: bytes, p: int) -> int:
    while buffer[p : p + 4] != ITEM_END:
        _, code, length, value_at = _header(buffer, p)
        p = _sequence_end(buffer, value_at, length) if code == b"SQ" else value_at + length
    return p + 8
