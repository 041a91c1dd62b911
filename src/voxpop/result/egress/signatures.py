"""What a file is by its first bytes, and what its name says that it is."""

from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final


class Signature(StrEnum):
    """What the first bytes of a file say; what they don't say is UNKNOWN."""

    PNG = "PNG"
    JPEG = "JPEG"
    PDF = "PDF"
    NIFTI = "NIfTI"
    DICOM = "DICOM"
    GZIP = "gzip"
    ZIP = "zip"
    TAR = "tar"
    XZ = "xz"
    BZIP2 = "bzip2"
    SEVEN_ZIP = "7z"
    RAR = "rar"
    ZSTD = "zstd"
    TEXT = "text"
    UNKNOWN = "unknown"


ARCHIVES: Final = frozenset(
    {
        *(Signature.GZIP, Signature.ZIP, Signature.TAR, Signature.XZ, Signature.BZIP2),
        *(Signature.SEVEN_ZIP, Signature.RAR, Signature.ZSTD),
    }
)

HEAD_BYTES: Final = 512
"""How much of a file its signature is told from."""

_S = Signature
# Offsets and bytes as in PS3.10, 7.1; nifti1.h, `magic`; POSIX ustar; RFC 1952; the formats' own documents else.
_MAGIC: Final = (
    (128, b"DICM", _S.DICOM),
    (0, b"\x89PNG\r\n\x1a\n", _S.PNG),
    (0, b"\xff\xd8\xff", _S.JPEG),
    (0, b"%PDF-", _S.PDF),
    (344, b"n+1\0", _S.NIFTI),
    (0, b"\x1f\x8b", _S.GZIP),
    (0, b"PK\x03\x04", _S.ZIP),
    (0, b"PK\x05\x06", _S.ZIP),
    (257, b"ustar", _S.TAR),
    (0, b"\xfd7zXZ\0", _S.XZ),
    (0, b"BZh", _S.BZIP2),
    (0, b"7z\xbc\xaf\x27\x1c", _S.SEVEN_ZIP),
    (0, b"Rar!\x1a\x07", _S.RAR),
    (0, b"\x28\xb5\x2f\xfd", _S.ZSTD),
)
_TEXT_CONTROLS: Final = frozenset(b"\t\n\r\f\x1b")
_BY_NAME: Final = {
    ".png": _S.PNG,
    ".jpg": _S.JPEG,
    ".jpeg": _S.JPEG,
    ".pdf": _S.PDF,
    **dict.fromkeys((".svg", ".tsv", ".csv", ".json", ".jsonld", ".txt", ".md", ".html", ".htm"), _S.TEXT),
    **dict.fromkeys((".yaml", ".yml", ".cwl"), _S.TEXT),
}
_PIPELINE: Final = "crate/workflow/"


def signature(content: bytes) -> Signature:
    """Tell what some bytes are; text is UTF-8 without control characters in its first part."""
    for offset, magic, told in _MAGIC:
        if content[offset : offset + len(magic)] == magic:
            return told
    return _S.TEXT if _is_text(content[:HEAD_BYTES]) else _S.UNKNOWN


def expected(path: str) -> Signature | None:
    """Return what a file must be by its name; None where no such file may leave.

    Notes
    -----
    The sources of a pipeline's tools leave in the research object alone, which could not be repeated without them.
    """
    name = path.lower()
    if name.endswith(".nii.gz"):
        return _S.GZIP
    suffix = PurePosixPath(name).suffix
    if suffix == ".py":
        return _S.TEXT if path.startswith(_PIPELINE) else None
    return _BY_NAME.get(suffix)


def _is_text(content: bytes) -> bool:
    if any(byte < 0x20 and byte not in _TEXT_CONTROLS for byte in content):
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as cut:
        return len(content) == HEAD_BYTES and cut.start > HEAD_BYTES - 4
    return True
