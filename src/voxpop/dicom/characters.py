"""Text in DICOM's character repertoires (PS3.3, C.12.1.1.2; PS3.5, 6.1)."""

import warnings
from functools import cache

from pydicom.charset import decode_bytes, python_encoding
from pydicom.valuerep import PN_DELIMS, TEXT_VR_DELIMS

_DELIMITERS = frozenset(PN_DELIMS | TEXT_VR_DELIMS)
_DEFAULT = "iso8859"


def is_character_set(term: str) -> bool:
    """Say whether a value of (0008,0005) is a defined term; an empty first value stands for the default."""
    return term in python_encoding


@cache
def encodings(terms: tuple[str, ...]) -> tuple[str, ...]:
    """Return Python's names for the terms of (0008,0005), the default repertoire first where none is given."""
    known = tuple(str(python_encoding[term]) for term in terms if term in python_encoding)
    return known or (_DEFAULT,)


def decoded(value: bytes, terms: tuple[str, ...]) -> str:
    """Decode a value; where its character set is wrongly given, take UTF-8, then Latin-1: nothing is lost.

    Parameters
    ----------
    terms : tuple of str
        (0008,0005) as it applies to the value.
    """
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = decode_bytes(value, list(encodings(terms)), set(_DELIMITERS))
    if "�" not in text:
        return text
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def character_set_terms(value: bytes) -> tuple[str, ...] | None:
    r"""Read the value of (0008,0005); None if a term is not one of the standard's.

    Examples
    --------
    >>> character_set_terms(b"\\ISO 2022 IR 87 ")
    ('', 'ISO 2022 IR 87')
    """
    terms = tuple(part.strip(b" \0").decode("latin-1") for part in value.split(b"\\"))
    if terms == ("",):
        return ()
    return terms if all(map(is_character_set, terms)) else None


def character_set_at(buffer: bytes, start: int) -> tuple[str, ...]:
    """Return the terms of (0008,0005) of a data set in Explicit VR Little Endian that begins at ``start``.

    Nothing but a group length and (0008,0001) can stand before it.
    """
    for _ in range(3):
        head = buffer[start : start + 8]
        length = int.from_bytes(head[6:8], "little")
        if head[:6] == b"\x08\x00\x05\x00CS":
            return character_set_terms(buffer[start + 8 : start + 8 + length]) or ()
        if head[:4] not in {b"\x08\x00\x00\x00", b"\x08\x00\x01\x00"}:
            break
        start += 8 + length
    return ()
