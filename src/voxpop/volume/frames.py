"""Frames of a DICOM object as they lie in its file; of a large file, the bytes of that frame alone are read.

Notes
-----
DICOM PS3.5: 8.2 and A.4 (native and encapsulated pixels); PS3.18: Table 8.7.3-5 (media types of compressed frames).
"""

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from pydicom import dcmread
from pydicom.encaps import get_frame
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLETransferSyntaxes,
)

from voxpop.dicom.broken import BROKEN
from voxpop.kernel.errors import Refused
from voxpop.volume.objects import Instance, ObjectAbsent

_NATIVE = "application/octet-stream"
_EXPLICIT = str(ExplicitVRLittleEndian)
_COMPRESSED: Mapping[str, str] = {
    **dict.fromkeys(map(str, JPEGTransferSyntaxes), "image/jpeg"),
    **dict.fromkeys(map(str, JPEGLSTransferSyntaxes), "image/jls"),
    **dict.fromkeys(map(str, JPEG2000TransferSyntaxes), "image/jp2"),
    **dict.fromkeys(map(str, RLETransferSyntaxes), "image/dicom-rle"),
}
_PIXEL_DATA = (0x7FE0, 0x0010)
_LONG = (b"OB", b"OW", b"UN")
_HALVED = "YBR_FULL_422"
_BROKEN: tuple[type[Exception], ...] = (*BROKEN, IndexError)  # a table that has fewer rows than there are frames


class ObjectNotShown(Refused):
    """An object's pixels can't be given as DICOMweb wants them."""

    code = "object-not-shown"

    def __init__(self) -> None:
        super().__init__("the object's pixels cannot be shown here: fetch the file itself")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it lies in the file.

    Parameters
    ----------
    media_type : str
        With the transfer syntax (PS3.18, 8.7.3).
    """

    media_type: str
    pixels: bytes


def check_frame(instance: Instance, number: int) -> None:
    """Refuse a frame that the object does not have.

    Parameters
    ----------
    number : int
        From 1.

    Raises
    ------
    ObjectAbsent
    """
    if not 1 <= number <= int(instance.attributes.get("NumberOfFrames") or 1):
        raise ObjectAbsent


def frame_of(instance: Instance, number: int) -> Frame:
    """Return one frame, as it lies in the file.

    Parameters
    ----------
    number : int
        From 1.

    Raises
    ------
    ObjectAbsent
        If there is no such frame.
    ObjectNotShown
        If its pixels are in an order of bytes that DICOMweb has no name for, or cannot be read.
    """
    check_frame(instance, number)
    syntax = str(instance.attributes.file_meta.TransferSyntaxUID)
    if syntax == ExplicitVRBigEndian:
        raise ObjectNotShown
    try:
        if syntax == DeflatedExplicitVRLittleEndian:
            return _native(_inflated(instance, number))
        with instance.path.open("rb") as opened:
            stream = _Within(opened)
            length = _go_to_pixels(stream, instance.pixels_at, is_implicit=syntax == ImplicitVRLittleEndian)
            if syntax not in _COMPRESSED:
                return _native(_sought(stream, length, instance, number))
            frames = int(instance.attributes.get("NumberOfFrames") or 1)
            pixels = get_frame(stream, number - 1, number_of_frames=frames, extended_offsets=instance.offsets)
            return Frame(f"{_COMPRESSED[syntax]}; transfer-syntax={syntax}", pixels)
    except _BROKEN as broken:
        raise ObjectNotShown from broken


class _Within:
    """A file that is read no further than it goes, whatever its tables say."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._bytes = os.fstat(stream.fileno()).st_size

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        place = offset if whence == os.SEEK_SET else self.tell() + offset
        if not 0 <= place <= self._bytes:
            raise EOFError
        return self._stream.seek(place)

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            raise EOFError
        return self._stream.read(min(size, self._bytes - self.tell()))


def _native(pixels: bytes) -> Frame:
    # what was deflated is inflated by now; implicit and explicit value representations have the same pixels
    return Frame(f"{_NATIVE}; transfer-syntax={_EXPLICIT}", pixels)


def _go_to_pixels(stream: _Within, at: int, *, is_implicit: bool) -> int:
    """Go to the first byte of the pixels; returns how many there are, as the file says."""
    stream.seek(at)
    head = stream.read(8 if is_implicit else 12)
    if not head or struct.unpack_from("<HH", head) != _PIXEL_DATA:
        raise ObjectAbsent
    if not is_implicit and head[4:6] not in _LONG:
        raise ObjectNotShown
    return int(struct.unpack_from("<L", head, len(head) - 4)[0])


def _sought(stream: _Within, length: int, instance: Instance, number: int) -> bytes:
    size = _native_bytes(instance)
    stream.seek((number - 1) * size, 1)
    pixels = stream.read(size)
    if number * size > length or len(pixels) < size:
        raise ObjectNotShown
    return pixels


def _inflated(instance: Instance, number: int) -> bytes:
    """Return a frame of a file that has no place to go to before all of it is inflated."""
    whole = dcmread(instance.path)
    if "PixelData" not in whole:
        raise ObjectAbsent
    size = _native_bytes(instance)
    return bytes(whole.PixelData[(number - 1) * size : number * size])


def _native_bytes(instance: Instance) -> int:
    """Return how many bytes a native frame has."""
    one = instance.attributes
    size, rest = divmod(int(one.Rows) * int(one.Columns) * int(one.SamplesPerPixel) * int(one.BitsAllocated), 8)
    if rest:  # frames of single bits that do not begin at a byte
        raise ObjectNotShown
    halved = one.get("PhotometricInterpretation") == _HALVED  # two pixels share their colour (PS3.3, C.7.6.3.1.2)
    return size * 2 // 3 if halved else size
