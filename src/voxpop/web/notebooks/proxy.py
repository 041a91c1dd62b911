"""What stands between a browser and a notebook: little is handed in, and nothing out that is not of a notebook.

Written as plain ASGI, so that nothing is buffered. Neither a cookie nor another header of who asks is handed in; the
notebook's own cookies are not handed out.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from voxpop.web.notebooks.desk import Desk, NotebookEnded, reached

ENTER = "/enter"
MOST_BYTES = 100 * 1024 * 1024
MOST_IN_A_MESSAGE = 64 * 1024 * 1024
_PATIENCE_S = 120.0
_NOT_ALLOWED = 1008  # RFC 6455, 7.4.1
_SAFE = frozenset({"GET", "HEAD"})
_HANDED_IN = ("accept", "accept-encoding", "accept-language", "if-modified-since", "if-none-match", "range")
_SHOWN_OUT = (
    "accept-ranges",
    "content-disposition",
    "content-encoding",
    "content-range",
    "etag",
    "last-modified",
    "vary",
)
_SIZES = ("content-length", "content-type")
# a notebook draws by inline script and style; it may send nothing anywhere but to itself
POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "content-security-policy": POLICY,
    "cache-control": "no-store",
}
# a page that sends the browser on, and no redirect: the cookie is then sent, wherever the portal is
_ENTERED = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/lab">'
    '<title>Notebook</title><p><a href="/lab">Notebook</a></p></html>'
)


class NotebookProxy:
    """Serves the notebooks that a desk holds, each to who has its cookie."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or carry a WebSocket."""
        if scope["type"] == "websocket":
            await self._talk(WebSocket(scope, receive, send))
            return
        request = Request(scope, receive)
        if request.url.path == ENTER and request.method == "GET":
            await (await self._enter(request))(scope, receive, send)
            return
        place = self._place(request)
        if place is None:
            await _said(request, 403, "open your notebook on the appliance's page in the portal")(scope, receive, send)
            return
        try:
            await _carry(request, place, send)
        except _TooLarge:
            await _said(request, 413, "that is larger than a notebook takes")(scope, receive, send)
        except NotebookEnded:
            await _said(request, 502, NotebookEnded().sentence)(scope, receive, send)

    async def _enter(self, request: Request) -> Response:
        secret = await run_in_threadpool(self._desk.enter, request.query_params.get("ticket", ""))
        if secret is None:
            return _said(request, 403, "this way in is used or too old: open the notebook again in the portal")
        # what the notebook of another project left in this browser is not for this one
        answer = HTMLResponse(_ENTERED, headers=_dressed(request, {"clear-site-data": '"storage"'}))
        secure = _secure(request)
        answer.set_cookie(cookie_name(secure=secure), secret, httponly=True, samesite="strict", secure=secure)
        return answer

    def _place(self, request: HTTPConnection) -> Path | None:
        """Return where the notebook listens that a request is for; None for a request that may have none."""
        cookie = request.cookies.get(cookie_name(secure=_secure(request)), "")
        return self._desk.place(cookie) if _is_ours(request) else None

    async def _talk(self, outside: WebSocket) -> None:
        place = self._place(outside)
        if place is None:
            await outside.close(_NOT_ALLOWED)
            return
        wanted = [Subprotocol(one) for one in outside.scope["subprotocols"]]
        uri = f"ws://localhost{_target(outside.scope)}"
        try:
            with reached(place) as path:
                inside = await unix_connect(
                    path, uri, subprotocols=wanted or None, compression=None, max_size=MOST_IN_A_MESSAGE
                )
        except (NotebookEnded, OSError, WebSocketException):
            await outside.close(_NOT_ALLOWED)
            return
        async with inside:
            await outside.accept(inside.subprotocol)
            await _both_ways(outside, inside)


def cookie_name(*, secure: bool) -> str:
    """Return the name of a notebook's cookie, which the portal does not know, as this does not know the portal's."""
    return "__Host-voxpop-notebook" if secure else "voxpop-notebook"


class _TooLarge(Exception):
    """A request is larger than what is handed on."""


def _is_ours(request: HTTPConnection) -> bool:
    """Say whether a request comes from a page of the notebook's own, or goes to one.

    A browser sends its cookies from every port of a host, so what changes something, and each WebSocket, must name the
    very origin. A service worker would outlive the notebook that planted it.
    """
    headers = request.headers
    site, going = headers.get("sec-fetch-site", "same-origin"), headers.get("sec-fetch-mode") == "navigate"
    whole = request.scope["path"].startswith("/")  # RFC 9112, 3.2: a target may have other forms
    if not whole or "service-worker" in headers or not (site in ("same-origin", "none") or going):
        return False
    reading = request.scope["type"] == "http" and request.scope["method"] in _SAFE
    return reading or urlsplit(headers.get("origin", "")).netloc == headers.get("host")


async def _carry(request: Request, place: Path, send: Send) -> None:
    """Hand a request in and its answer out, piece by piece."""
    kept = {name: value for name, value in request.headers.items() if name in (*_HANDED_IN, *_SIZES)}
    kept.setdefault("accept-encoding", "identity")
    body = _body(request) if {"content-length", "transfer-encoding"} & set(request.headers.keys()) else None
    url = httpx.URL(f"http://localhost{_target(request.scope)}")
    asked = httpx.Request(request.method, url, headers=kept, content=body, extensions={"timeout": _TIMEOUT})
    with reached(place) as path:
        async with httpx.AsyncHTTPTransport(uds=path, verify=False) as transport:
            try:
                answer = await transport.handle_async_request(asked)
            except httpx.TransportError as away:
                raise NotebookEnded from away
            head = [
                (name.encode(), value.encode(answer.headers.encoding))
                for name, value in _answered(request, answer).items()
            ]
            await send({"type": "http.response.start", "status": answer.status_code, "headers": head})
            async for part in answer.aiter_raw():
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


_TIMEOUT = dict.fromkeys(("connect", "read", "write", "pool"), _PATIENCE_S)


def _answered(request: Request, answer: httpx.Response) -> Mapping[str, str]:
    """Return the headers that are handed out: those of the notebook that say what it sends, and ours."""
    kept = {name: value for name, value in answer.headers.items() if name in (*_SHOWN_OUT, *_SIZES)}
    to = answer.headers.get("location", "")
    if to.startswith("/") and not to.startswith(("//", "/\\")):
        kept["location"] = to
    own = answer.headers.get("content-security-policy", "")
    # a file is shown in a sandbox of the browser, and stays so; commas part policies, which all hold
    return kept | _dressed(request, {"content-security-policy": f"{POLICY}, {own}"} if "sandbox" in own else {})


async def _body(request: Request) -> AsyncIterator[bytes]:
    left = MOST_BYTES
    async for part in request.stream():
        left -= len(part)
        if left < 0:
            raise _TooLarge
        yield part


async def _both_ways(outside: WebSocket, inside: ClientConnection) -> None:
    tasks = [asyncio.create_task(one) for one in (_inwards(outside, inside), _outwards(outside, inside))]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    with suppress(RuntimeError, WebSocketDisconnect):  # whoever was to hear it has gone
        await outside.close()


async def _inwards(outside: WebSocket, inside: ClientConnection) -> None:
    while (message := await outside.receive())["type"] == "websocket.receive":
        text = message.get("text")
        await inside.send(text if text is not None else message["bytes"])


async def _outwards(outside: WebSocket, inside: ClientConnection) -> None:
    async for message in inside:
        await (outside.send_text(message) if isinstance(message, str) else outside.send_bytes(message))


def _target(scope: Scope) -> str:
    """Return path and query as they were asked for."""
    query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
    return f"{scope['raw_path'].decode('latin-1')}{query}"


def _secure(request: HTTPConnection) -> bool:
    return request.url.scheme in ("https", "wss")


def _dressed(request: HTTPConnection, more: Mapping[str, str]) -> dict[str, str]:
    lasting = {"strict-transport-security": "max-age=31536000; includeSubDomains"} if _secure(request) else {}
    return {**_HEADERS, **lasting, **more}


def _said(request: Request, status: int, sentence: str) -> Response:
    return PlainTextResponse(f"{sentence}\n", status, _dressed(request, {}))
