"""Gzip that gives the same bytes for the same image, with its digest and size in the same pass."""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from isal import isal_zlib

_CHUNK_BYTES = 4 * 2**20
_LEVEL = 2
"""Of ISA-L's levels 0 to 3 on two CT: within 1 % of the smallest size, as fast as any; zlib is four times slower."""
# RFC 1952: magic, deflate, no flags (so no name), time 0, no extra flags, unknown system.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_TRAILER = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class Compressed:
    """A gzip file as written."""

    sha256: str
    bytes: int


def gzip_nifti(source: Path, target: Path) -> Compressed:
    """Compress a file; the same content always gives the same bytes, whatever the time and the names.

    Parameters
    ----------
    source : Path
        An uncompressed image.
    target : Path
        Written whole or not at all.

    Returns
    -------
    Compressed
        SHA-256 and size, in bytes, of the compressed file.
    """
    draft = target.with_name(f".{target.name}.new")
    digest = hashlib.sha256()
    size = 0
    with source.open("rb") as image, draft.open("wb") as sink:
        for piece in _compressed(image):
            digest.update(piece)
            sink.write(piece)
            size += len(piece)
    draft.replace(target)
    return Compressed(digest.hexdigest(), size)


def _compressed(image: BinaryIO) -> Iterator[bytes]:
    deflate = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -zlib.MAX_WBITS)
    checksum = 0
    length = 0
    yield _HEADER
    while chunk := image.read(_CHUNK_BYTES):
        checksum = isal_zlib.crc32(chunk, checksum)
        length += len(chunk)
        yield deflate.compress(chunk)
    yield deflate.flush()
    yield _TRAILER.pack(checksum, length % 2**32)
