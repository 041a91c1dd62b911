"""Data elements as bytes in Explicit VR Little Endian (PS3.5, 7.1.2), the one encoding that voxpop writes."""

import struct
from collections.abc import Iterable
from typing import Final

LONG_VRS: Final = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""Value representations with a header of 12 bytes and a length of 32 bits."""

SHORT_VRS: Final = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
"""Value representations with a header of 8 bytes and a length of 16 bits."""

TEXT_VRS: Final = frozenset({"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
"""Free text."""

CODED_VRS: Final = frozenset({"AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI"})
"""Characters with a syntax of their own."""

NUMBER_VRS: Final = frozenset({"AT", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"})
"""Binary numbers."""

BYTES_VRS: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
"""Runs of bytes."""

UNDEFINED: Final = 0xFFFFFFFF
ITEM: Final = b"\xfe\xff\x00\xe0"
ITEM_END: Final = b"\xfe\xff\x0d\xe0"
SEQUENCE_END: Final = b"\xfe\xff\xdd\xe0"

_TAG = struct.Struct("<HH")
_LENGTH16 = struct.Struct("<H")
_LENGTH32 = struct.Struct("<I")
_NUL_PADDED = frozenset({"UI", "OB", "UN"})
_LONG_NAMES = frozenset(vr.decode() for vr in LONG_VRS)


def element(tag: int, vr: str, value: bytes) -> bytes:
    """Encode one data element, padding its value to an even length.

    Raises
    ------
    ValueError
        If the value is too long for a length of 16 bits.
    """
    if len(value) & 1:
        value += b"\0" if vr in _NUL_PADDED else b" "
    head = _TAG.pack(tag >> 16, tag & 0xFFFF) + vr.encode("ascii")
    if vr in _LONG_NAMES:
        return head + b"\0\0" + _LENGTH32.pack(len(value)) + value
    if len(value) > 0xFFFF:
        msg = "a value of more than 65535 bytes does not fit its value representation"
        raise ValueError(msg)
    return head + _LENGTH16.pack(len(value)) + value


def item(content: bytes) -> bytes:
    """Encode an item of a sequence with its explicit length."""
    return ITEM + _LENGTH32.pack(len(content)) + content


def sequence(tag: int, items: Iterable[bytes]) -> bytes:
    """Encode a sequence with explicit lengths from the content of its items."""
    return element(tag, "SQ", b"".join(item(content) for content in items))
