"""What looks like identity or like a secret, whoever it belongs to.

Notes
-----
DNI and NIE: Real Decreto 1553/2005 and the check letter of Orden INT/2058/2008, by the number modulo 23. Person names:
PS3.5, 6.2.1. UIDs: PS3.5, 9.1; those under 2.25 are voxpop's own (B.2), 1.2.840.10008 is the standard's (PS3.6).
Secrets: RFC 7468 for keys; the prefixes that AWS, GitHub, GitLab, Slack and Google document for scanners.
"""

import re
from collections.abc import Iterator
from typing import Final

_DNI = re.compile(r"(?<![A-Za-z0-9])([XYZ]?)[- ]?(\d{7,8})[- ]?([A-HJ-NP-TV-Z])(?![A-Za-z0-9])", re.IGNORECASE)
_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_NIE: Final = {"": "", "X": "0", "Y": "1", "Z": "2"}
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,5}\.[A-Za-z]{2,24}\b")
_PERSON = re.compile(r"(?<![\w^])[^\W\d_][^\W\d_' -]{1,40}\^[^\W\d_][^\W\d_'-]{1,40}(?=[\s^,;:.\"'\\<)=]|$)")
_UID = re.compile(r"(?<![\w.])[0-2]\.\d{1,3}(?:\.\d+){3,}(?![\w])")
_OWN: Final = ("2.25.", "1.2.840.10008.")
_SHORTEST_UID: Final = 18
_LONGEST_UID: Final = 64

SECRETS: Final = {
    "a private key": re.compile(rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
    "a token of this portal": re.compile(rb"(?<![A-Za-z0-9])vxp_[A-Za-z0-9_-]{16,}"),
    "a key of a cloud": re.compile(rb"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])|AIza[0-9A-Za-z_-]{35}"),
    "a token of a code host": re.compile(
        rb"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,}|glpat-[\w-]{20,}|xox[abpr]-[\w-]{10,})"
    ),
    "a signed web token": re.compile(
        rb"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,4096}\.eyJ[A-Za-z0-9_-]{10,8192}\.[A-Za-z0-9_-]{10,}"
    ),
    "a bearer token": re.compile(rb"(?i:bearer)\s+(?=[A-Za-z._~+/-]{0,200}\d)[A-Za-z0-9._~+/-]{24,}"),
    "a password": re.compile(
        rb"(?i:passw(?:or)?d|passphrase|contrase(?:\xc3\xb1|n)a|api[_-]?key|secret[_-]?key|access[_-]?token)"
        rb"[\"']?\s{0,3}[=:]\s{0,3}[\"']?(?![\"'\s<{$*]|(?i:none|null|true|false)\b)[^\s\"',;]{6,}"
    ),
}
"""What is sought, by how a person calls it."""


def numbers_of_persons(text: str) -> Iterator[str]:
    """Yield what reads as a DNI or NIE and has its check letter.

    Examples
    --------
    >>> list(numbers_of_persons("12345678Z, X1234567L, 12345678A"))
    ['12345678Z', 'X1234567L']
    """
    for found in _DNI.finditer(text):
        prefix, digits, letter = found[1].upper(), found[2], found[3].upper()
        whole = len(digits) == (7 if prefix else 8)
        if whole and _LETTERS[int(_NIE[prefix] + digits) % 23] == letter:
            yield found[0]


def addresses(text: str) -> Iterator[str]:
    """Yield e-mail addresses."""
    yield from (found[0] for found in _MAIL.finditer(text))


def names_of_persons(text: str) -> Iterator[str]:
    """Yield what is written as DICOM writes a person's name."""
    yield from (found[0] for found in _PERSON.finditer(text))


def uids(text: str) -> Iterator[str]:
    """Yield UIDs that neither voxpop nor the DICOM standard has made."""
    for found in _UID.finditer(text):
        if _SHORTEST_UID <= len(found[0]) <= _LONGEST_UID and not found[0].startswith(_OWN):
            yield found[0]
