"""Unique identifiers: which are the standard's own, and new ones made from old ones by a key (PS3.5, 9 and B.2)."""

import hashlib
import hmac
from functools import cache

from pydicom._uid_dict import UID_dictionary

_STANDARD_ROOT = "1.2.840.10008."

IMPLEMENTATION_CLASS_UID = "2.25.101764571835575980658060610511098846391"
"""voxpop's own, in (0002,0012) of every file it writes."""

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED_LITTLE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"


@cache
def is_registered(uid: str) -> bool:
    """Say whether a UID is one that PS3.6 registers: it names a thing of the standard, not of a person.

    A UID that merely begins with the standard's root is not: anything may stand behind it.
    """
    return uid.startswith(_STANDARD_ROOT) and uid in UID_dictionary


def is_transfer_syntax(uid: str) -> bool:
    """Say whether a UID is a transfer syntax of PS3.6."""
    entry = UID_dictionary.get(uid)
    return entry is not None and entry[1] == "Transfer Syntax"


def derived_uid(key: bytes, source: str) -> str:
    """Make a UID from another by HMAC-SHA-256: the same for the same key and source, without a way back.

    Parameters
    ----------
    key : bytes
        At least 32 bytes, secret.

    Returns
    -------
    str
        ``2.25.`` and the whole number of a version 8 UUID (RFC 9562, 5.8); at most 44 characters.
    """
    number = int.from_bytes(hmac.new(key, source.encode(), hashlib.sha256).digest()[:16], "big")
    number = number & ~(0xF << 76) | 0x8 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return f"2.25.{number}"
