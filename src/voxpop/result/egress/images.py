"""PNG, JPEG and NIfTI: where the samples lie, what text they carry, and whether something hides behind them."""

import math
import re
import struct
import zlib
from collections.abc import Iterator

from voxpop.result.egress.inflating import Opening
from voxpop.result.egress.layers import Form, Layer

_PNG_HEAD = 8
_PNG_FRAME = 12
_SAMPLES = frozenset({b"IDAT", b"fdAT"})
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_LONE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_NIFTI_HEADER = 348
BEHIND = "holds bytes behind the end of its image: write the image anew without them"
BROKEN = "is not a whole image: write it anew"


def open_png(opening: Opening, content: bytes, name: str) -> None:
    """Find the samples and the texts of a PNG (PNG specification, 5.3 and 11.3.3)."""
    opening.pictures += 1
    pixels: list[tuple[int, int]] = []
    end = 0
    for kind, start, stop in _chunks(content):
        if kind in _SAMPLES:
            pixels.append((start, stop))
        elif kind in {b"zTXt", b"iTXt"}:
            _open_text(opening, kind, content[start:stop], name)
        elif kind == b"IEND":
            end = stop + 4
    opening.layers.append(Layer(name, content, Form.BINARY, tuple(pixels)))
    if not end or end != len(content):
        opening.fault("kind", BEHIND if end else BROKEN)


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = _PNG_HEAD
    while at + _PNG_FRAME <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        kind, start = content[at + 4 : at + 8], at + 8
        if start + length + 4 > len(content):
            return
        yield kind, start, start + length
        if kind == b"IEND":
            return
        at = start + length + 4


def _open_text(opening: Opening, kind: bytes, chunk: bytes, name: str) -> None:
    key, _, rest = chunk.partition(b"\0")
    compressed = kind == b"zTXt" or rest[:1] == b"\1"
    text = rest[1:] if kind == b"zTXt" else rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    if compressed:
        text, _ = opening.inflated(text, zlib.MAX_WBITS, "a compressed text of the image")
    opening.layers.append(Layer(f"{name}, its text", key + b"\n" + text, Form.TEXT))


def open_jpeg(opening: Opening, content: bytes, name: str) -> None:
    """Find the samples of a JPEG (ITU-T T.81, B.1); its comments and EXIF lie before them."""
    opening.pictures += 1
    pixels: list[tuple[int, int]] = []
    at, end = 2, 0
    while at + 2 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == _END_OF_IMAGE:
            end = at + 2
            break
        at = _after(content, at, marker, pixels)
    opening.layers.append(Layer(name, content, Form.BINARY, tuple(pixels)))
    if not end or end != len(content):
        opening.fault("kind", BEHIND if end else BROKEN)


def _after(content: bytes, at: int, marker: int, pixels: list[tuple[int, int]]) -> int:
    if marker == 0xFF:
        return at + 1
    if marker in _LONE_MARKERS:
        return at + 2
    start = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    if marker != _START_OF_SCAN:
        return max(start, at + 2)
    found = _MARKER.search(content, start)
    stop = found.start() if found else len(content)
    pixels.append((start, stop))
    return stop


def open_nifti(opening: Opening, content: bytes, name: str) -> None:
    """Tell a NIfTI-1 image's header from its voxels (nifti1.h: ``dim`` 40, ``bitpix`` 72, ``vox_offset`` 108)."""
    opening.pictures += 1
    order = "<" if content[:4] == struct.pack("<i", _NIFTI_HEADER) else ">"
    dim = struct.unpack_from(order + "8h", content, 40)
    (bits,) = struct.unpack_from(order + "h", content, 72)
    (offset,) = struct.unpack_from(order + "f", content, 108)
    start = int(offset) if _NIFTI_HEADER <= offset <= len(content) else len(content)
    opening.layers.append(Layer(name, content, Form.BINARY, ((start, len(content)),)))
    axes = dim[1 : dim[0] + 1] if 1 <= dim[0] <= 7 else (0,)
    size = math.prod(max(axis, 0) for axis in axes) * max(bits, 0) // 8
    if start + size != len(content):
        opening.fault("kind", BEHIND if start + size < len(content) else BROKEN)
