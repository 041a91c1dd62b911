"""The ways in which one text can be written as bytes, as regular expressions over bytes."""

import itertools
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

_CODECS: Final = {
    # PS3.3, C.12.1.1.2: the character sets of DICOM by Python's names; UTF-16 for what other tools write.
    "UTF-8": "utf-8",
    "ISO 8859-1": "latin-1",
    "ISO 8859-2": "iso8859-2",
    "ISO 8859-3": "iso8859-3",
    "ISO 8859-4": "iso8859-4",
    "ISO 8859-5": "iso8859-5",
    "ISO 8859-6": "iso8859-6",
    "ISO 8859-7": "iso8859-7",
    "ISO 8859-8": "iso8859-8",
    "ISO 8859-9": "iso8859-9",
    "ISO 8859-15": "iso8859-15",
    "Windows-1252": "cp1252",
    "TIS 620": "tis-620",
    "Shift JIS": "shift_jis",
    "EUC-JP": "euc_jp",
    "EUC-KR": "euc_kr",
    "GB 18030": "gb18030",
}
_SHIFTING: Final = {"ISO 2022 IR 87": "iso2022_jp", "ISO 2022 IR 159": "iso2022_jp_2", "ISO 2022 KR": "iso2022_kr"}
_WIDE: Final = {"UTF-16LE": "utf-16-le", "UTF-16BE": "utf-16-be"}
_ESCAPE = re.compile(rb"\x1b[\x20-\x2f]+[\x30-\x7e]|\x0e|\x0f")
_SEPARATORS: Final = " \t\r\n_^=,.;:/\\-+()"
_FREE_OF_ESCAPE_BYTES: Final = 8
_SHORTEST_ANCHOR: Final = 3
_LONGEST_ANCHOR: Final = 8
_MOST_ANCHORS: Final = 16


@dataclass(frozen=True, slots=True)
class Gap:
    """A place where separators may stand: spaces, carets, commas, hyphens and the like."""

    least: int
    most: int


Atom = str | Gap
"""One character, or a gap."""


@dataclass(frozen=True, slots=True)
class Written:
    """One way of writing a text.

    Parameters
    ----------
    encoding : str
    expression : bytes
        A regular expression; to be matched without regard to the case of ASCII letters.
    unit : int
        Bytes of a code unit: 2 in UTF-16, else 1.
    longest : int
        The most bytes that a match can have.
    anchors : tuple of bytes
        Expressions of which every match holds one; plain text where that can be had, which is quick to seek.
    """

    encoding: str
    expression: bytes
    unit: int
    longest: int
    anchors: tuple[bytes, ...]


def atoms_of(text: str) -> tuple[Atom, ...]:
    """Take a text apart; each run of separators in it becomes a gap."""
    parts: list[Atom] = []
    for char in text:
        if char in _SEPARATORS or char.isspace():
            if parts and not isinstance(parts[-1], Gap):
                parts.append(Gap(0, 3))
        else:
            parts.append(char)
    while parts and isinstance(parts[-1], Gap):
        parts.pop()
    return tuple(parts)


def ways_of_writing(atoms: Sequence[Atom]) -> Iterator[Written]:
    """Yield each different way of writing a text, with its case and accent variants."""
    letters = "".join(atom for atom in atoms if isinstance(atom, str))
    if letters.isascii():
        yield _written("ASCII", atoms, "ascii", 1)
    else:
        yield from _beyond_ascii(atoms, letters)
    for name, codec in _WIDE.items():
        yield _written(name, atoms, codec, 2)


def literal(encoding: str, content: bytes) -> Written:
    """Return bytes as they stand as a way of writing."""
    return Written(encoding, _escaped(content), 1, len(content), (_escaped(content),))


def _beyond_ascii(atoms: Sequence[Atom], letters: str) -> Iterator[Written]:
    seen: set[bytes] = set()
    for name, codec in _CODECS.items():
        if _fits(letters, codec):
            way = _written(name, atoms, codec, 1)
            if way.expression not in seen:
                seen.add(way.expression)
                yield way
    yield _written("JSON escapes", atoms, _JSON, 1)
    if all(_without_accent(letter) for letter in letters):
        yield _written("without accents", atoms, _PLAIN, 1)
    whole = "".join(atom if isinstance(atom, str) else " " for atom in atoms)
    for name, codec in _SHIFTING.items():
        if _fits(whole, codec):
            yield from _shifted(name, whole.encode(codec))


def _shifted(name: str, content: bytes) -> Iterator[Written]:
    # The last escape leads back to ASCII and may be left out; the first may be away in the middle of a text.
    ends = list(_ESCAPE.finditer(content))
    if not ends:
        return
    body = content[: ends[-1].start()] if ends[-1].end() == len(content) else content
    yield literal(name, body)
    inner = _ESCAPE.sub(b"", body)
    if len(inner) >= _FREE_OF_ESCAPE_BYTES and _ESCAPE.sub(b"", body[ends[0].end() :]) == inner:
        yield literal(name, inner)


_JSON = "json"
_PLAIN = "plain"


def _written(name: str, atoms: Sequence[Atom], codec: str, unit: int) -> Written:
    pieces: list[bytes] = []
    longest = 0
    for atom in atoms:
        piece, size = _gap(atom, codec) if isinstance(atom, Gap) else _letter(atom, codec)
        pieces.append(piece)
        longest += size
    expression = b"".join(pieces)
    return Written(name, expression, unit, longest, _anchors(atoms, codec) or (expression,))


def _anchors(atoms: Sequence[Atom], codec: str) -> tuple[bytes, ...]:
    """Return all plain forms of the stretch of letters that has the fewest of them, the longest such."""
    runs = [[_forms(letter, codec) for letter in run] for run in _runs(atoms)]
    for length in range(_LONGEST_ANCHOR, _SHORTEST_ANCHOR - 1, -1):
        stretches = [run[at : at + length] for run in runs for at in range(len(run) - length + 1)]
        fewest = min(stretches, key=_combinations, default=None)
        if fewest is not None and _combinations(fewest) <= _MOST_ANCHORS:
            return tuple(_escaped(b"".join(forms)) for forms in itertools.product(*fewest))
    return ()


def _runs(atoms: Sequence[Atom]) -> Iterator[list[str]]:
    run: list[str] = []
    for atom in atoms:
        if isinstance(atom, Gap):
            yield run
            run = []
        else:
            run.append(atom)
    yield run


def _combinations(forms: Sequence[tuple[bytes, ...]]) -> int:
    return math.prod(len(one) for one in forms)


def _letter(letter: str, codec: str) -> tuple[bytes, int]:
    forms = _forms(letter, codec)
    expression = b"|".join(_escaped(form) for form in forms)
    return (b"(?:" + expression + b")" if len(forms) > 1 else expression), max(map(len, forms))


@cache
def _forms(letter: str, codec: str) -> tuple[bytes, ...]:
    variants = {letter, letter.lower(), letter.upper(), letter.title()}
    if codec == _PLAIN:
        forms = {plain for variant in variants for plain in _without_accent(variant)}
    elif codec == _JSON and not letter.isascii():
        forms = {variant.encode("ascii", "backslashreplace") for variant in variants}
        forms |= {_json_escape(variant) for variant in variants}
    else:
        known = "ascii" if codec == _JSON else codec
        forms = {variant.encode(known) for variant in variants if _fits(variant, known)}
        if codec == "utf-8":
            forms |= {unicodedata.normalize("NFD", variant).encode() for variant in variants}
    # ASCII letters match in both cases already: one form of them is enough.
    return tuple(sorted({form.lower() if form.isascii() else form for form in forms}))


@cache
def _gap(gap: Gap, codec: str) -> tuple[bytes, int]:
    signs = b"[" + _escaped(_SEPARATORS.encode()) + b"]"
    wide = {_WIDE["UTF-16LE"]: signs + rb"\x00", _WIDE["UTF-16BE"]: rb"\x00" + signs}
    expression = b"(?:" + wide[codec] + b")" if codec in wide else signs
    return expression + b"{%d,%d}" % (gap.least, gap.most), gap.most * (2 if codec in wide else 1)


def _without_accent(letter: str) -> set[bytes]:
    base = "".join(sign for sign in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(sign))
    forms = {base, *_TRANSLITERATED.get(letter.lower(), ())}
    return {form.encode() for form in forms if form and form.isascii()}


_TRANSLITERATED: Final = {
    "ä": ("ae",),
    "ö": ("oe",),
    "ü": ("ue",),
    "ß": ("ss",),
    "æ": ("ae",),
    "ø": ("o", "oe"),
    "å": ("aa",),
    "œ": ("oe",),
    "ł": ("l",),
    "đ": ("d",),
    "ð": ("d",),
    "þ": ("th",),
    "\u0131": ("i",),
}


def _json_escape(text: str) -> bytes:
    units = text.encode("utf-16-be")
    return b"".join(b"\\u%04x" % int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2))


def _fits(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _escaped(content: bytes) -> bytes:
    return b"".join(bytes([byte]) if chr(byte).isalnum() and byte < 0x80 else b"\\x%02x" % byte for byte in content)
