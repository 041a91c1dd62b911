"""Notes down each value of identity that is taken out, and each text that a rule keeps, for the residual scan."""

import re

from voxpop.dicom.characters import decoded
from voxpop.dicom.elements import BYTES_VRS
from voxpop.dicom.tags import tag_keyword
from voxpop.staging.identity import Identity, IdentityValue

_KINDS = {
    "AE": "text",
    "AS": "age",
    "CS": "text",
    "DA": "date",
    "DT": "date",
    "LO": "text",
    "LT": "text",
    "PN": "person name",
    "SH": "text",
    "ST": "text",
    "TM": "time",
    "UC": "text",
    "UI": "uid",
    "UR": "text",
    "UT": "text",
}
_SINGLE = frozenset({"LT", "ST", "UR", "UT"})
_NUMBERED = ("ID", "IDs", "Number", "Numbers", "Identification")
_NAMELESS_PRIVATE = frozenset({"AS", "CS", "TM"})
_PADDING = b" \0"
_PRINTABLE = re.compile(rb"[\x09\x0a\x0d\x20-\x7e\x80-\xff]{4,}")
_LONGEST_BYTES = 1024
_SAY_NOTHING = frozenset(
    {"ANON", "ANONYMIZED", "ANONYMOUS", "DEFAULT", "DEIDENTIFIED", "MODIFIED", "NONE", "NULL", "REMOVED", "UNDEFINED",
     "UNKNOWN", "YES"}
)  # fmt: skip
"""Words that stand where identity was taken out before, or never was."""
_KEPT_TEXTS = frozenset({"AE", "CS", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"})


class Witness:
    """Gathers the identity of one or more objects."""

    __slots__ = ("_kept", "_values")

    def __init__(self) -> None:
        self._values: set[IdentityValue] = set()
        self._kept: set[str] = set(_SAY_NOTHING)

    def identity(self) -> Identity:
        """Return what was gathered so far."""
        return Identity(frozenset(self._values), frozenset(self._kept))

    def lost(self, tag: int, vr: str, value: bytes, charset: tuple[str, ...]) -> None:
        """Note a value that was removed, emptied, replaced, moved or remapped.

        Numbers are not noted: as text they would be found by chance everywhere. Bytes (and unknown
        representations) are noted where they are short and readable.
        """
        kind = self._kind(tag, vr, value)
        if kind is None:
            return
        for text, raw in _components(vr, value, charset):
            self._values.add(IdentityValue(kind, text, raw, charset))

    def left(self, vr: str, value: bytes, charset: tuple[str, ...]) -> None:
        """Note a text that a rule keeps."""
        if vr in _KEPT_TEXTS:
            self._kept.update(text for text, _ in _components(vr, value, charset))

    def meta(self, value: bytes) -> None:
        """Note a readable value of the file's meta information."""
        if _PRINTABLE.fullmatch(value.strip(_PADDING)) is not None and len(value) <= _LONGEST_BYTES:
            for text, raw in _components("LO", value, ()):
                self._values.add(IdentityValue("meta", text, raw))

    @staticmethod
    def _kind(tag: int, vr: str, value: bytes) -> str | None:
        private = bool(tag >> 16 & 1)
        if vr in BYTES_VRS:
            readable = len(value) <= _LONGEST_BYTES and _PRINTABLE.fullmatch(value.strip(_PADDING)) is not None
            return ("private" if private else "text") if readable else None
        kind = _KINDS.get(vr)
        if private and kind == "text":
            return None if vr in _NAMELESS_PRIVATE else "private"
        if private and vr in _NAMELESS_PRIVATE:
            return None
        if kind == "text" and tag_keyword(tag).endswith(_NUMBERED):
            return "id"
        return kind


def _components(vr: str, value: bytes, charset: tuple[str, ...]) -> list[tuple[str, bytes]]:
    """Split a value into its components, each decoded and as bytes.

    It is decoded before it is split, since a backslash may be half of a character (PS3.5, 6.1.2.3); where the bytes
    do not split alike, each component comes with the bytes of the whole value.
    """
    whole = value.strip(_PADDING)
    text = decoded(whole, charset)
    if vr in _SINGLE or "\\" not in text:
        stripped = text.strip(" \0")
        return [(stripped, whole)] if stripped else []
    texts = text.split("\\")
    raws = whole.split(b"\\")
    if len(raws) != len(texts):
        raws = [whole] * len(texts)
    return [
        (part.strip(" \0"), raw.strip(_PADDING)) for part, raw in zip(texts, raws, strict=True) if part.strip(" \0")
    ]
