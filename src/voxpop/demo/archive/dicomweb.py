"""The archive on the web: QIDO-RS and WADO-RS, files as they are stored (PS3.18 10.4 and 10.6)."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pydicom
from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from voxpop.demo.archive.index import Index
from voxpop.demo.archive.model import Faults, Instance

ROOT = "/dicom-web"
DICOM_JSON = "application/dicom+json"
NOT_KEYS = frozenset({"limit", "offset", "includefield", "fuzzymatching"})


class _Cut(ConnectionError):
    """The fault of a connection that breaks in mid transfer."""


def web_application(index: Index, faults: Faults) -> Starlette:
    """Return the application that answers below ``ROOT``."""
    web = _Web(index, faults)
    one, many, image = "/studies/{study}", "/series/{series}", "/instances/{uid}"
    routes: list[BaseRoute] = [
        Route(ROOT + "/studies", web.search("STUDY")),
        Route(ROOT + "/series", web.search("SERIES")),
        Route(ROOT + "/instances", web.search("IMAGE")),
        Route(ROOT + one + "/series", web.search("SERIES")),
        Route(ROOT + one + "/instances", web.search("IMAGE")),
        Route(ROOT + one + many + "/instances", web.search("IMAGE")),
    ]
    for resource in (one, one + many, one + many + image):
        routes += [Route(ROOT + resource, web.retrieve), Route(ROOT + resource + "/metadata", web.metadata)]
    return Starlette(routes=routes)


class _Web:
    """The end points."""

    def __init__(self, index: Index, faults: Faults) -> None:
        self._index = index
        self._faults = faults

    def search(self, level: str) -> Any:
        """Return the end point that searches a level."""

        async def endpoint(request: Request) -> Response:
            if self._faults.unavailable:
                return _unavailable()
            await asyncio.sleep(self._faults.delay_s)
            keys = _keys(request)
            if keys is None:
                return PlainTextResponse("a query parameter is no attribute", 400)
            found = self._index.find(level, keys)
            offset, limit = (_whole(request.query_params.get(k)) for k in ("offset", "limit"))
            page = found[offset or 0 :]
            page = page[:limit] if limit else page
            if not page:
                return Response(status_code=204)
            base = str(request.base_url).rstrip("/") + ROOT
            return JSONResponse([_as_json(match, level, base) for match in page], media_type=DICOM_JSON)

        return endpoint

    async def retrieve(self, request: Request) -> Response:
        """Give the files of a study, a series or an instance, one part each."""
        if self._faults.unavailable:
            return _unavailable()
        accepted = request.headers.get("accept", "*/*")
        if not ("*/*" in accepted or ("multipart/related" in accepted and "application/dicom" in accepted)):
            return PlainTextResponse('only multipart/related; type="application/dicom" is given here', 406)
        found = self._index.instances(**_path(request))
        if not found:
            return PlainTextResponse("no such study, series or instance", 404)
        if self._faults.send_fewer:
            found = found[: max(0, len(found) - self._faults.send_fewer)]
        boundary = hashlib.sha256("".join(i.uid for i in found).encode()).hexdigest()[:32]
        kind = f'multipart/related; type="application/dicom"; boundary={boundary}'
        return StreamingResponse(self._parts(found, boundary), headers={"content-type": kind})

    async def metadata(self, request: Request) -> Response:
        """Give the headers, without bulk data."""
        if self._faults.unavailable:
            return _unavailable()
        found = self._index.instances(**_path(request))
        if not found:
            return PlainTextResponse("no such study, series or instance", 404)
        headers = await asyncio.to_thread(lambda: [_metadata(instance) for instance in found])
        return JSONResponse(headers, media_type=DICOM_JSON)

    async def _parts(self, found: list[Instance], boundary: str) -> AsyncIterator[bytes]:
        for sent, instance in enumerate(found):
            if sent == self._faults.stop_after:
                raise _Cut
            if self._faults.delay_s:
                await asyncio.sleep(self._faults.delay_s)
            content = instance.path.read_bytes()  # short, and from memory: a thread would cost more
            head = (
                f"\r\n--{boundary}\r\nContent-Type: application/dicom; transfer-syntax={instance.transfer_syntax}\r\n"
                f"Content-Length: {len(content)}\r\n\r\n"
            )
            yield head.encode() + content
        yield f"\r\n--{boundary}--\r\n".encode()


def _path(request: Request) -> dict[str, str]:
    return {k: str(v) for k, v in request.path_params.items()}


def _keys(request: Request) -> dict[str, str] | None:
    """Return what is asked, by keyword; None where a parameter is no attribute."""
    keys: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in NOT_KEYS:
            continue
        keyword = _keyword(name)
        if not keyword:
            return None
        keys[keyword] = f"{keys[keyword]}\\{value}" if keyword in keys and keyword.endswith("UID") else value
    names: Mapping[str, str] = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID"}
    return keys | {names[k]: v for k, v in _path(request).items()}


def _keyword(name: str) -> str:
    if tag_for_keyword(name) is not None:
        return name
    try:
        return keyword_for_tag(int(name, 16)) if len(name) == 8 else ""
    except ValueError:
        return ""


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _as_json(match: Dataset, level: str, base: str) -> dict[str, Any]:
    answer = Dataset()
    answer.update(match)
    if answer.get("SpecificCharacterSet"):
        answer.SpecificCharacterSet = "ISO_IR 192"
    url = f"{base}/studies/{match.StudyInstanceUID}"
    if level != "STUDY":
        url += f"/series/{match.SeriesInstanceUID}"
    if level == "IMAGE":
        url += f"/instances/{match.SOPInstanceUID}"
    answer.RetrieveURL = url
    return answer.to_json_dict()


def _metadata(instance: Instance) -> dict[str, Any]:
    ds = pydicom.dcmread(instance.path, stop_before_pixels=True)
    ds.decode()
    if ds.get("SpecificCharacterSet"):
        ds.SpecificCharacterSet = "ISO_IR 192"
    ds.remove_private_tags()
    return ds.to_json_dict(suppress_invalid_tags=True)


def _unavailable() -> Response:
    return PlainTextResponse("the archive is not available", 503)
