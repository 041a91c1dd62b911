"""What stands around every answer: headers, limits, request ids, the log and the counts.

Written as plain ASGI, so that nothing buffers a large file. The log and the counts name a route by its template, never
by its path, and hold nothing of who asked or of what was sent.

Notes
-----
OWASP Secure Headers; Content Security Policy Level 3. No page has inline script or style.
"""

import asyncio
import hashlib
import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from opentelemetry import trace
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voxpop.web.errors import TooLarge

MOST_BYTES = 1024 * 1024
BODY_S = 20.0
HEADERS_S = 15.0
_OUR_FAULT = 500
_DIGITS = 12
_LAST = {"connection": "close"}
_LATER = {"retry-after": "60"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# NiiVue and xterm.js style what they draw by themselves; on their pages alone.
ISLAND_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "content-security-policy": POLICY,
    "cache-control": "no-store",
}
_YEAR = "max-age=31536000; includeSubDomains"
_log = logging.getLogger("voxpop.web")
_SERVER = trace.SpanKind.SERVER
_tracer = trace.get_tracer("voxpop.web")  # spans go nowhere until `wiring.telemetry` says where
Unexpected = Callable[[Request, Exception], Response]


class Counts:
    """What ``/metrics`` tells of requests."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("voxpop_requests", "Requests answered.", labels, registry=self.registry)
        self.seconds = Histogram(
            "voxpop_request_seconds", "Time to the end of the answer.", ("route",), registry=self.registry
        )


class Patience:
    """How many requests a minute are answered, for each session or token and for each address.

    Parameters
    ----------
    a_minute : int
        For one session or token; an address has ten times as many, since a hospital may stand behind one.
    """

    def __init__(self, a_minute: int) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._one, self._address = RateLimitItemPerMinute(a_minute), RateLimitItemPerMinute(10 * a_minute)

    def ends(self, scope: Scope) -> bool:
        """Say whether one more request is too many."""
        headers = Headers(scope=scope)
        who = headers.get("authorization", "") + headers.get("cookie", "")
        client = scope["client"][0] if scope.get("client") else ""
        if not self._limiter.hit(self._address, "address", client):
            return True
        return bool(who) and not self._limiter.hit(self._one, "who", hashlib.sha256(who.encode()).hexdigest())


class Shield:
    """Wraps the application.

    Parameters
    ----------
    counts : Counts
    patience : Patience
    unexpected : callable
        Returns the answer to an error that is not ours.
    """

    def __init__(self, app: ASGIApp, counts: Counts, patience: Patience, unexpected: Unexpected) -> None:
        self._app = app
        self._unexpected = unexpected
        self._counts = counts
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, request = time.perf_counter(), secrets.token_hex(8)
        status: int | None = None

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _dress(MutableHeaders(raw=message["headers"]), request, scope)
            await send(message)

        with _tracer.start_as_current_span("request", kind=_SERVER, record_exception=False) as span:
            try:
                refusal = self._refusal(scope)
                if refusal is not None:
                    await refusal(scope, receive, answer)
                else:
                    await self._app(scope, _Body(receive, MOST_BYTES).receive, answer)
            except ClientDisconnect:
                if status is None:
                    await _said(408, "too-slow", "the request did not come whole in time", _LAST)(
                        scope, receive, answer
                    )
            except Exception as failure:  # here, and not outside, so that its answer is dressed as all others are
                if status is None:
                    await self._unexpected(Request(scope), failure)(scope, receive, answer)
            finally:
                told = Told(request, _method(scope), _route(scope), status or _OUR_FAULT)
                self._note(told, time.perf_counter() - begun)
                told.tell(span)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request that nothing else has to look at."""
        headers = Headers(scope=scope)
        if "transfer-encoding" in headers and "content-length" in headers:  # RFC 9112, 6.1: two readings, so none
            return _said(400, "two-lengths", "the request tells its length in two ways: tell it once", _LAST)
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length[:_DIGITS]) > MOST_BYTES:
            return _said(413, "too-large", "the request is larger than anything that is asked of us: send less", _LAST)
        if self._patience.ends(scope):
            return _said(429, "too-many-requests", "too many requests came from here: wait a minute", _LATER)
        return None

    def _note(self, told: "Told", seconds: float) -> None:
        self._counts.requests.labels(told.method, told.route, str(told.status)).inc()
        self._counts.seconds.labels(told.route).observe(seconds)
        _log.info("%s", json.dumps({**asdict(told), "ms": round(1000 * seconds, 1)}))


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a request, to the log, the counts and the traces: no id, no person, no value."""

    request: str
    method: str
    route: str
    status: int

    def tell(self, span: trace.Span) -> None:
        """Say it of a span, in the words of OpenTelemetry's HTTP conventions."""
        span.update_name(f"{self.method} {self.route}")
        span.set_attribute("http.request.method", self.method)
        span.set_attribute("http.route", self.route)
        span.set_attribute("http.response.status_code", self.status)
        span.set_attribute("voxpop.request", self.request)


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE") else "other"


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "") or ("/static" if "static" in scope["path"] else "none")


class _Body:
    """A request's body, which may be neither endless nor endlessly slow."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = self._left = most
        self._until = time.monotonic() + BODY_S
        self._ended = False

    async def receive(self) -> Message:
        if self._ended:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._until - time.monotonic()))
        except TimeoutError:
            return {"type": "http.disconnect"}
        self._left -= len(message.get("body", b""))
        self._ended = not message.get("more_body", False)
        if self._left < 0:
            raise TooLarge(self._most)
        return message


def _dress(headers: MutableHeaders, request: str, scope: Scope) -> None:
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    headers["x-request-id"] = request
    if scope["scheme"] == "https":
        headers.setdefault("strict-transport-security", _YEAR)
    if scope["path"].startswith("/api/"):  # ASVS 14.4.2: a browser that is led here saves it, and shows nothing
        headers.setdefault("content-disposition", 'attachment; filename="api.json"')


def _said(status: int, code: str, sentence: str, headers: Mapping[str, str]) -> Response:
    body = {"type": f"urn:voxpop:{code}", "title": sentence, "status": status, "code": code}
    return JSONResponse(body, status, dict(headers), media_type="application/problem+json")
