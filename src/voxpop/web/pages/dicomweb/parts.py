"""Answers of DICOMweb that may be large: written part by part, and never held whole."""

import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fastapi.responses import Response, StreamingResponse

from voxpop.kernel.digests import Json
from voxpop.volume.frames import Frame
from voxpop.web.api.files import chunks

DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an answer.

    Parameters
    ----------
    content : iterable of bytes
        ``size`` of them in all; asked for when it is its turn.
    """

    media_type: str
    size: int
    content: Iterable[bytes]


def file_part(path: Path) -> Part:
    """Return an object as it lies in its file."""
    size = path.stat().st_size
    return Part(DICOM, size, chunks(path, 0, size))


def frame_part(frame: Frame) -> Part:
    """Return a frame as it lies in its file."""
    return Part(frame.media_type, len(frame.pixels), [frame.pixels])


def in_parts(kind: str, parts: Iterable[Part]) -> Response:
    """Answer in parts (RFC 2387), as PS3.18 has it for what is not JSON.

    Parameters
    ----------
    parts : iterable of Part
        Each is taken when those before it are sent; an error in it breaks the answer off, so that it isn't whole.
    """
    boundary = secrets.token_hex(16)
    media_type = f'multipart/related; type="{kind}"; boundary={boundary}'
    return StreamingResponse(_written(parts, boundary.encode()), media_type=media_type)


def listed(found: Iterable[Json]) -> Response:
    """Answer with a list in JSON, of which each thing is taken when those before it are sent."""
    return StreamingResponse(_as_json(found), media_type=DICOM_JSON)


def _written(parts: Iterable[Part], boundary: bytes) -> Iterator[bytes]:
    for part in parts:
        yield b"--%b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (
            boundary,
            part.media_type.encode(),
            part.size,
        )
        yield from part.content
        yield b"\r\n"
    yield b"--%b--\r\n" % boundary


def _as_json(found: Iterable[Json]) -> Iterator[bytes]:
    start = b"["
    for one in found:
        yield start + json.dumps(one, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        start = b","
    yield b"]" if start == b"," else b"[]"
