"""What we offer to store: 128 presentation contexts are all that an association has (PS3.8 9.3.2.2)."""

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom.presentation import AllStoragePresentationContexts, PresentationContext, build_context
from pynetdicom.sop_class import (  # type: ignore[attr-defined] # pynetdicom makes these names at import
    CTImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
)

CONTEXTS = 128

UNCOMPRESSED = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
COMPRESSED = [
    JPEGLSLossless,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLossless,
    RLELossless,
    JPEGLSNearLossless,
    JPEG2000,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    HTJ2K,
    DeflatedExplicitVRLittleEndian,
]
ALL = [*UNCOMPRESSED, *COMPRESSED, ExplicitVRBigEndian]

AS_STORED = [
    CTImageStorage,
    MRImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    PositronEmissionTomographyImageStorage,
]
"""Offered once for each transfer syntax, so that the archive can send them as it keeps them."""

COMMON = (
    "Secondary Capture", "SR Storage", "Key Object", "Legacy Converted", "Enhanced PET", "Computed Radiography",
    "Digital X-Ray", "Digital Mammography", "Tomosynthesis", "Ultrasound", "Nuclear Medicine", "Angiographic",
    "Radiofluoroscopic", "Segmentation", "Registration", "Real World", "Parametric Map", "Spectroscopy", "Raw Data",
    "RT Structure", "RT Dose", "RT Plan", "RT Image", "Grayscale Softcopy", "Color Softcopy", "Encapsulated PDF",
    "Encapsulated CDA",
)  # fmt: skip
"""Words in the names of the classes that have a place first: what lies beside CT and MR in a hospital's archive."""


def offered(others: int) -> list[PresentationContext]:
    """Return what we offer to store in an association that has ``others`` contexts besides."""
    contexts = [build_context(kind, [*UNCOMPRESSED]) for kind in AS_STORED]
    contexts += [build_context(kind, syntax) for kind in AS_STORED for syntax in COMPRESSED]
    room = CONTEXTS - others - len(contexts)
    rest = [kind for kind in _storage_classes() if kind not in AS_STORED]
    rest.sort(key=_is_rare)  # the sort is stable: within each part the order of the standard stays
    return contexts + [build_context(kind, [*ALL]) for kind in rest[:room]]


def accepted() -> list[PresentationContext]:
    """Return what our own store accepts: every storage class in every transfer syntax."""
    return [build_context(kind, [*ALL]) for kind in _storage_classes()]


def _storage_classes() -> list[UID]:
    kinds = [context.abstract_syntax for context in AllStoragePresentationContexts]
    return [kind for kind in kinds if kind is not None]


def _is_rare(kind: UID) -> bool:
    return not any(words in kind.name for words in COMMON)
