"""Which objects are de-identified, and why the others are refused."""

from collections.abc import Mapping
from typing import Final

from voxpop.dicom import tags
from voxpop.staging.deid.errors import ObjectRefused, RefusalReason

_ROOT = "1.2.840.10008.5.1.4.1.1."

PLAIN: Final = frozenset(
    _ROOT + leaf
    for leaf in ("2", "2.1", "2.2", "4", "4.1", "4.4", "128", "128.1", "130")
)  # fmt: skip
"""CT, MR and PET, classic, enhanced and legacy converted: their pixels are measurements."""

BY_OWN_WORD: Final = frozenset(
    _ROOT + leaf
    for leaf in ("1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1", "12.1", "12.1.1", "12.2", "12.2.1",
                 "13.1.1", "13.1.2", "13.1.3", "13.1.4", "13.1.5", "20", "4.3")
)  # fmt: skip
"""X-ray, fluoroscopy, nuclear medicine, MR in colour: only where (0028,0301) says that nothing is burned in."""

_FAMILIES: Final = (
    ("7", RefusalReason.SECONDARY_CAPTURE),
    ("104", RefusalReason.DOCUMENT),
    ("88", RefusalReason.REPORT),
    ("3", RefusalReason.ULTRASOUND),
    ("6", RefusalReason.ULTRASOUND),
    ("11", RefusalReason.PRESENTATION),
    ("9", RefusalReason.WAVEFORM),
    ("481", RefusalReason.RADIOTHERAPY),
    ("66", RefusalReason.SEGMENTATION),
    ("67", RefusalReason.SEGMENTATION),
    ("68", RefusalReason.SEGMENTATION),
)

_SCREEN_WORDS: Final = frozenset(
    {"SCREEN SAVE", "SCREENSAVE", "SCREEN_SAVE", "SCREENSHOT", "SCREEN CAPTURE", "DOSE_INFO", "DOSE INFO",
     "DOSE_REPORT", "PATIENT_INFO", "RESULTS", "REPORT", "SUMMARY", "CAPTURE", "TEXT", "PROTOCOL", "TOPOGRAM PROT"}
)  # fmt: skip
_SCREEN_ENDS: Final = (" PROT", "_PROT", " RPT")
"""``CT_SOM5 PROT`` is a vendor's page of the patient's protocol, stored as a CT image."""

_CAPTURED: Final = frozenset({b"DF", b"DI", b"DRW", b"DV", b"SD", b"SI"})
"""Terms of (0008,0064) for what was filmed, scanned or drawn (PS3.3, C.8.6.1.1)."""


def check_sop_class(sop_class: str) -> None:
    """Refuse a SOP class whose objects are not staged.

    Raises
    ------
    ObjectRefused
        With the family that the class belongs to as reason.
    """
    if sop_class in PLAIN or sop_class in BY_OWN_WORD:
        return
    leaf = sop_class.removeprefix(_ROOT)
    for family, reason in _FAMILIES:
        if sop_class.startswith(_ROOT) and (leaf == family or leaf.startswith(family + ".")):
            raise ObjectRefused(reason)
    raise ObjectRefused(RefusalReason.DIRECTORY if not sop_class else RefusalReason.KIND)


def check_pixels(sop_class: str, seen: Mapping[int, bytes]) -> None:
    """Refuse an image that has, or may have, text or graphics burned into its pixels.

    Parameters
    ----------
    seen : mapping of tag to bytes
        The original's values, as the walk noted them.

    Raises
    ------
    ObjectRefused
        With the evidence as reason.
    """
    burned_in = _term(seen, tags.BURNED_IN_ANNOTATION)
    if burned_in not in {b"", b"NO"}:
        raise ObjectRefused(RefusalReason.BURNED_IN)
    is_said_clean = burned_in == b"NO"
    if sop_class in BY_OWN_WORD and not is_said_clean:
        raise ObjectRefused(RefusalReason.MAY_BE_BURNED_IN)
    words = image_type(seen)
    if any(word in _SCREEN_WORDS or word.endswith(_SCREEN_ENDS) for word in words):
        raise ObjectRefused(RefusalReason.SCREEN)
    if _term(seen, tags.CONVERSION_TYPE) in _CAPTURED:
        raise ObjectRefused(RefusalReason.SCREEN)
    is_grey = _term(seen, tags.PHOTOMETRIC_INTERPRETATION).startswith(b"MONOCHROME")
    if tags.PHOTOMETRIC_INTERPRETATION in seen and not is_grey and not is_said_clean:
        raise ObjectRefused(RefusalReason.COLOUR)
    _check_overlays(seen)


def image_type(seen: Mapping[int, bytes]) -> tuple[str, ...]:
    """Return the values of (0008,0008)."""
    return tuple(part.strip(b" \0").decode("latin-1").upper() for part in seen.get(tags.IMAGE_TYPE, b"").split(b"\\"))


def _check_overlays(seen: Mapping[int, bytes]) -> None:
    """Refuse an overlay that lies in the pixels' unused bits: it has a bit position, and no data of its own."""
    planes = {tag >> 16 for tag in seen if tag >> 24 == 0x60}
    for group in planes:
        position = int.from_bytes(seen.get(group << 16 | 0x0102, b""), "little")
        if position or (group << 16 | 0x3000) not in seen:
            raise ObjectRefused(RefusalReason.OVERLAY)


def _term(seen: Mapping[int, bytes], tag: int) -> bytes:
    return seen.get(tag, b"").strip(b" \0").upper()
