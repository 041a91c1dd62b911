"""DICOM files (PS3.10): what stands before a data set, and where its pixels end."""

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from voxpop import __version__
from voxpop.dicom import tags
from voxpop.dicom.elements import ITEM, LONG_VRS, SEQUENCE_END, UNDEFINED, element
from voxpop.dicom.uids import (
    DEFLATED_LITTLE,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLEMENTATION_CLASS_UID,
    IMPLICIT_LITTLE,
    is_transfer_syntax,
)
from voxpop.staging.deid.errors import ObjectRefused, RefusalReason
from voxpop.staging.deid.kinds import check_sop_class
from voxpop.staging.deid.levels import Odd
from voxpop.staging.deid.rewriting import rewritten

_PREAMBLE = 128
_MAGIC = b"DICM"
_REWRITTEN = frozenset({IMPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED_LITTLE})
_META_IDENTITY = frozenset({0x0016, 0x0017, 0x0018, 0x0026, 0x0027, 0x0028, 0x0102})
_LARGE_BYTES = 256 << 20
_VERSION_NAME = f"VOXPOP {__version__}".encode("ascii")[:16]


@dataclass(frozen=True, slots=True)
class Part10:
    """A DICOM file's bytes, with its data set in Explicit VR Little Endian.

    Parameters
    ----------
    buffer : bytes
        The file, or the data set alone where it was rewritten.
    start : int
        Where the data set begins in the buffer.
    meta_identity : tuple of bytes
        Application entity titles and private information of the file meta information.
    """

    buffer: bytes
    start: int
    transfer_syntax: str
    sop_class: str
    meta_identity: tuple[bytes, ...] = ()

    def rewritten(self) -> "Part10":
        """Return the same object, carefully written anew."""
        content = rewritten(self.buffer, self.start, EXPLICIT_LITTLE)
        return Part10(content, 0, self.transfer_syntax, self.sop_class, self.meta_identity)


def read_part10(path: Path, most: int | None = None) -> Part10:
    """Read a file, or the first bytes of one.

    Parameters
    ----------
    most : int or None
        Read at most so many bytes; a data set that has to be rewritten is read whole.

    Raises
    ------
    ObjectRefused
        If it is no DICOM file, is cut off, is of a kind that is not staged, or has a transfer syntax that is not
        registered.
    """
    buffer = _read(path, most)
    if buffer[_PREAMBLE : _PREAMBLE + 4] != _MAGIC:
        return _bare(_read(path, None))
    try:
        meta, start = _meta(buffer, _PREAMBLE + 4)
    except struct.error as error:
        raise ObjectRefused(RefusalReason.TRUNCATED) from error
    syntax, sop_class = _uid(meta, 0x0010), _uid(meta, 0x0002)
    if not sop_class or sop_class.startswith("1.2.840.10008.1.3.10"):
        raise ObjectRefused(RefusalReason.DIRECTORY)
    check_sop_class(sop_class)
    if not is_transfer_syntax(syntax):
        raise ObjectRefused(RefusalReason.TRANSFER_SYNTAX)
    identity = tuple(meta[number] for number in sorted(_META_IDENTITY & meta.keys()))
    if syntax in _REWRITTEN:
        whole = buffer if most is None else _read(path, None)
        return Part10(rewritten(whole, start, syntax), 0, EXPLICIT_LITTLE, sop_class, identity)
    return Part10(buffer, start, syntax, sop_class, identity)


def file_head(sop_class: str, instance: str, transfer_syntax: str) -> bytes:
    """Write a preamble of zeros and the file meta information, with nothing of the original's (PS3.10, 7.1)."""
    content = b"".join(
        (
            element(0x00020001, "OB", b"\0\1"),
            element(0x00020002, "UI", sop_class.encode("ascii")),
            element(0x00020003, "UI", instance.encode("ascii")),
            element(0x00020010, "UI", transfer_syntax.encode("ascii")),
            element(0x00020012, "UI", IMPLEMENTATION_CLASS_UID.encode("ascii")),
            element(0x00020013, "SH", _VERSION_NAME),
        )
    )
    length = element(0x00020000, "UL", struct.pack("<I", len(content)))
    return b"\0" * _PREAMBLE + _MAGIC + length + content


def pixels_end(buffer: bytes, start: int, seen: Mapping[int, bytes]) -> tuple[int, list[memoryview | bytes]]:
    """Find the end of the pixel element that begins at ``start``, and what of it is to be written.

    Native pixels are written up to the length that rows, columns, samples and frames give: what stands behind them
    in the element is no image. Encapsulated fragments are written as they are.

    Raises
    ------
    ObjectRefused
        If the pixels are cut off.
    Odd
        If this is no pixel element.
    """
    code = buffer[start + 4 : start + 6]
    if code not in LONG_VRS:
        raise Odd
    length = int.from_bytes(buffer[start + 8 : start + 12], "little")
    first = start + 12
    if length == UNDEFINED:
        end = _fragments_end(buffer, first)
        return end, [memoryview(buffer)[start:end]]
    end = first + length
    wanted = _native_bytes(seen)
    if end > len(buffer) or (wanted is not None and length < wanted):
        raise ObjectRefused(RefusalReason.TRUNCATED)
    if wanted is None or length <= wanted + wanted % 2:
        return end, [memoryview(buffer)[start:end]]
    even = wanted + wanted % 2
    head = buffer[start : start + 8] + struct.pack("<I", even)
    return end, [head, memoryview(buffer)[first : first + wanted], b"\0" * (even - wanted)]


def _read(path: Path, most: int | None) -> bytes:
    """Read a file or its first bytes; a very large one is mapped, so that its pixels never are in our memory."""
    with path.open("rb", buffering=0) as stream:
        if most is not None:
            return stream.read(most)
        size = path.stat().st_size
        if size > _LARGE_BYTES:
            return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)  # type: ignore[return-value] # sliced like bytes
        return stream.readall()


def _bare(buffer: bytes) -> Part10:
    """Take up a data set that stands alone, without preamble and meta information, as old archives wrote it."""
    explicit = buffer[4:6].isalpha() and buffer[4:6].isupper()
    if buffer[:2] not in {b"\x08\x00", b"\x02\x00"} or len(buffer) < 16:
        raise ObjectRefused(RefusalReason.NOT_DICOM)
    if buffer[:2] == b"\x02\x00":
        raise ObjectRefused(RefusalReason.NOT_DICOM)
    syntax = EXPLICIT_LITTLE if explicit else IMPLICIT_LITTLE
    try:
        content = rewritten(buffer, 0, syntax)
    except ObjectRefused as error:
        raise ObjectRefused(RefusalReason.NOT_DICOM) from error
    return Part10(content, 0, EXPLICIT_LITTLE, _first_uid(content, tags.SOP_CLASS_UID))


def _first_uid(content: bytes, tag: int) -> str:
    """Find a UID at the top level of a data set with explicit lengths."""
    p = 0
    while p < len(content) - 8:
        group, number = struct.unpack_from("<HH", content, p)
        is_long = content[p + 4 : p + 6] in LONG_VRS
        head = 12 if is_long else 8
        length = struct.unpack_from("<I" if is_long else "<H", content, p + head - (4 if is_long else 2))[0]
        if group << 16 | number == tag:
            return content[p + head : p + head + length].strip(b" \0").decode("latin-1")
        p += head + length
    return ""


def _meta(buffer: bytes, p: int) -> tuple[dict[int, bytes], int]:
    """Read group 0002, which is Explicit VR Little Endian always; return its values and where it ends."""
    meta: dict[int, bytes] = {}
    while buffer[p : p + 2] == b"\x02\x00":
        is_long = buffer[p + 4 : p + 6] in LONG_VRS
        (length,) = struct.unpack_from("<I", buffer, p + 8) if is_long else struct.unpack_from("<H", buffer, p + 6)
        value_at = p + (12 if is_long else 8)
        if value_at + length > len(buffer):
            raise ObjectRefused(RefusalReason.TRUNCATED)
        meta[int.from_bytes(buffer[p + 2 : p + 4], "little")] = buffer[value_at : value_at + length]
        p = value_at + length
    return meta, p


def _uid(meta: Mapping[int, bytes], number: int) -> str:
    return meta.get(number, b"").strip(b" \0").decode("latin-1")


def _fragments_end(buffer: bytes, p: int) -> int:
    """Walk over fragments by their lengths, never by searching: a delimiter's bytes may stand in a fragment."""
    size = len(buffer)
    while p + 8 <= size:
        mark = buffer[p : p + 4]
        length = int.from_bytes(buffer[p + 4 : p + 8], "little")
        p += 8 + length
        if mark == SEQUENCE_END:
            return p
        if mark != ITEM:
            raise ObjectRefused(RefusalReason.UNREADABLE)
    raise ObjectRefused(RefusalReason.TRUNCATED)


def _native_bytes(seen: Mapping[int, bytes]) -> int | None:
    """Return how long native pixels are by what the object says of them; None where that is not said plainly."""
    rows, columns, samples, bits = (
        int.from_bytes(seen.get(tag, b"")[:2], "little")
        for tag in (tags.ROWS, tags.COLUMNS, tags.SAMPLES_PER_PIXEL, tags.BITS_ALLOCATED)
    )
    frames = seen.get(tags.NUMBER_OF_FRAMES, b"1").strip(b" \0") or b"1"
    if not frames.isdigit() or not rows * columns * samples * bits:
        return None
    if seen.get(tags.PHOTOMETRIC_INTERPRETATION, b"").strip(b" \0") == b"YBR_FULL_422":
        return None
    return (rows * columns * samples * int(frames) * bits + 7) // 8
