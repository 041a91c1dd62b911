"""Files by range: the same file under the same digest never changes, so a download that broke off goes on."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from voxpop.kernel.errors import Invalid
from voxpop.web.answers import problem
from voxpop.web.api.routes import NOT_MODIFIED, Extra, Form, unchanged

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_CHUNK = 1 << 18
_BINARY: Extra = {"type": "string", "format": "binary"}


class RangeInvalid(Invalid):
    """A range lies outside the file; answered with 416."""

    code = "range-invalid"

    def __init__(self, size: int) -> None:
        super().__init__(f"the file has {size} bytes: ask for a range within them")


def file_form(*kinds: str, ranges: bool = True) -> Form:
    """Return how a route answers that gives a file of one of some media types."""
    content: Extra = {kind: {"schema": _BINARY} for kind in kinds}
    responses: dict[int | str, Extra] = {200: {"description": "The file.", "content": content}}
    extra: Extra = {}
    if ranges:
        problem_kind = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        responses |= NOT_MODIFIED
        responses[206] = {"description": "The range that was asked for.", "content": content}
        responses[416] = {"description": "The range lies outside the file.", "content": problem_kind}
        schema = {"type": "string", "pattern": r"^bytes=\d{0,18}-\d{0,18}$"}
        said = "One range of bytes; what cannot be read as one is passed over."
        extra["parameters"] = [{"name": "Range", "in": "header", "schema": schema, "description": said}]
    return Form(responses=responses, extra=extra, response_class=Response)


def ranged(request: Request, path: Path, media_type: str, digest: str) -> Response:
    """Return a file, or the range of it that was asked for (RFC 9110, 14)."""
    etag = f'"{digest}"'
    headers = {"etag": etag, "cache-control": "private, no-cache", "accept-ranges": "bytes"}
    headers["content-security-policy"] = "default-src 'none'; sandbox"
    if unchanged(request, etag):
        return Response(status_code=304, headers=headers)
    size = path.stat().st_size
    wanted = _RANGE.fullmatch(request.headers.get("range", ""))
    if wanted is None or wanted.groups() == ("", "") or request.headers.get("if-range", etag) != etag:
        headers["content-length"] = str(size)
        return StreamingResponse(chunks(path, 0, size), 200, headers, media_type)
    first, end = _bounds(wanted[1], wanted[2], size)
    if first >= end:
        refused = problem(RangeInvalid(size), 416)
        refused.headers["content-range"] = f"bytes */{size}"
        return refused
    headers |= {"content-range": f"bytes {first}-{end - 1}/{size}", "content-length": str(end - first)}
    return StreamingResponse(chunks(path, first, end), 206, headers, media_type)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """Return the first byte and the one after the last; ``-n`` means the last n."""
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def chunks(path: Path, first: int, end: int) -> Iterator[bytes]:
    """Read a file from one byte up to before another, some at a time."""
    with path.open("rb") as stream:
        stream.seek(first, os.SEEK_SET)
        while first < end and (chunk := stream.read(min(_CHUNK, end - first))):
            first += len(chunk)
            yield chunk
