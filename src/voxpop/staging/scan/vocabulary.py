"""Texts that say nothing of a person: what voxpop writes itself, and the defined terms of code strings."""

from typing import Final

_CID_7050 = {
    "113100": "Basic Application Confidentiality Profile",
    "113101": "Clean Pixel Data Option",
    "113102": "Clean Recognizable Visual Features Option",
    "113103": "Clean Graphics Option",
    "113104": "Clean Structured Content Option",
    "113105": "Clean Descriptors Option",
    "113106": "Retain Longitudinal Temporal Information Full Dates Option",
    "113107": "Retain Longitudinal Temporal Information Modified Dates Option",
    "113108": "Retain Patient Characteristics Option",
    "113109": "Retain Device Identity Option",
    "113110": "Retain UIDs Option",
    "113111": "Retain Safe Private Option",
    "113112": "Retain Institution Identity Option",
}

# PS3.3: code strings that nearly every object carries; a patient may bear such a word as a name.
_DEFINED_TERMS = """
ABDOMEN ADDED ANGLED ANKLE APPLIED ARM AXIAL BILATERAL BLOOD BOTH BRAIN BREAST CHEST COLOR CORONAL CSPINE DERIVED ELBOW
ENTIRE EXTREMITY FAST FEMUR FILTERED FINGER FLAT FOOT HAND HEAD HEADNECK HEART HELICAL HELIX HIP IMAGE INVERTED
JAW KIDNEY KNEE LARGE LATERAL LEFT LEG LIVER LOCALIZER LOSSY LSPINE LUNG MEDIAN MEDIUM MEDIASTINUM MIXED MODE MODIFIED
MONOCHROME1 MONOCHROME2 NECK NONE NORMAL ORIGINAL OTHER PALETTE PELVIS PRIMARY REFORMATTED REMOVED RIGHT ROTATE SAGITTAL
SECONDARY SHARP SHORT SHOULDER SINOGRAM SKULL SMALL SMOOTH SOFT SPINE SPIRAL STANDARD STATIC STEP SSPINE SUPINE
PRONE THORAX THORACIC TRUE FALSE TSPINE UNKNOWN UNMODIFIED UNPAIRED VALUE VOLUME WHOLEBODY WRIST
"""

OWN_WORDS: Final = frozenset(
    {
        *_CID_7050,
        *_CID_7050.values(),
        *("voxpop", "dcm2niix", "anonymous", "anonymized", "de-identified", "removed", "redacted", "modified"),
        *("none", "null", "true", "false", "unknown", "n/a"),
    }
)
"""What voxpop writes into every object or sidecar, whoever the patient is."""

DEFINED_TERMS: Final = frozenset(_DEFINED_TERMS.split())
"""Whole values of code strings (CS) that are no trace of a person who bears the word as a name."""

DUMMY_DATES: Final = frozenset({"00000000", "00010101", "19000101", "18000101", "19010101", "99991231"})
"""Dates that stand for none."""

STANDARD_ROOT: Final = "1.2.840.10008."
"""The root of the UIDs that the DICOM standard itself defines (PS3.6)."""

OWN_ROOT: Final = "2.25."
"""The root of derived UIDs (PS3.5, B.2), which voxpop makes by a keyed hash."""


def normal(text: str) -> str:
    """Reduce a text to its letters and digits without case, so that tools' spellings of it compare equal."""
    return "".join(char for char in text.casefold() if char.isalnum())
