"""Data element tags as whole numbers, ``gggg << 16 | eeee``, and what the data dictionary says of them (PS3.6)."""

import re
from functools import cache

from pydicom.datadict import dictionary_description, dictionary_keyword, dictionary_VR, tag_for_keyword

SPECIFIC_CHARACTER_SET = 0x00080005
IMAGE_TYPE = 0x00080008
SOP_CLASS_UID = 0x00080016
SOP_INSTANCE_UID = 0x00080018
STUDY_DATE = 0x00080020
MODALITY = 0x00080060
CONVERSION_TYPE = 0x00080064
MANUFACTURER = 0x00080070
PATIENT_NAME = 0x00100010
PATIENT_ID = 0x00100020
ISSUER_OF_PATIENT_ID = 0x00100021
PATIENT_BIRTH_DATE = 0x00100030
PATIENT_SEX = 0x00100040
PATIENT_AGE = 0x00101010
PATIENT_SIZE = 0x00101020
PATIENT_WEIGHT = 0x00101030
PATIENT_IDENTITY_REMOVED = 0x00120062
DEIDENTIFICATION_METHOD = 0x00120063
DEIDENTIFICATION_METHOD_CODES = 0x00120064
BODY_PART_EXAMINED = 0x00180015
STUDY_INSTANCE_UID = 0x0020000D
SERIES_INSTANCE_UID = 0x0020000E
STUDY_ID = 0x00200010
IMAGE_ORIENTATION = 0x00200037
SAMPLES_PER_PIXEL = 0x00280002
PHOTOMETRIC_INTERPRETATION = 0x00280004
NUMBER_OF_FRAMES = 0x00280008
ROWS = 0x00280010
COLUMNS = 0x00280011
BITS_ALLOCATED = 0x00280100
PIXEL_REPRESENTATION = 0x00280103
BURNED_IN_ANNOTATION = 0x00280301
TEMPORAL_INFORMATION_MODIFIED = 0x00280303
FRAME_TYPE = 0x00089007
PIXEL_DATA = 0x7FE00010

_WRITTEN = re.compile(r"\(?([0-9a-fA-F]{4}),?\s?([0-9a-fA-F]{4})\)?")


def tag_text(tag: int) -> str:
    """Write a tag as the standard does.

    Examples
    --------
    >>> tag_text(0x00100010)
    '(0010,0010)'
    """
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def tag_named(name: str) -> int | None:
    """Return the tag that is written as ``(0010,0010)``, ``0010,0010``, ``00100010`` or as a keyword; None if none is.

    Examples
    --------
    >>> tag_text(tag_named("PatientName"))
    '(0010,0010)'
    """
    written = _WRITTEN.fullmatch(name.strip())
    if written:
        return int(written[1] + written[2], 16)
    # The dictionary has retired elements with an empty keyword.
    return tag_for_keyword(name.strip()) if name.strip() else None


@cache
def representations(tag: int) -> tuple[str, ...]:
    """Return the value representations that the dictionary has for a tag; empty for an unknown tag."""
    try:
        return tuple(dictionary_VR(tag).split(" or "))
    except KeyError:
        return ()


@cache
def tag_keyword(tag: int) -> str:
    """Return the keyword of a tag, or an empty text for an unknown tag."""
    try:
        return dictionary_keyword(tag)
    except KeyError:
        return ""


@cache
def tag_title(tag: int) -> str:
    """Return the name of an attribute, or an empty text for an unknown tag."""
    try:
        return dictionary_description(tag)
    except KeyError:
        return ""
