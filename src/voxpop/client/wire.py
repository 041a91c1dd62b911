"""How the client speaks: one token, tries again what may be tried again, reads lists part by part."""

import ipaddress
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from voxpop import __version__
from voxpop.client.errors import AddressUnsafe, AnswerUnreadable, BankUnreachable, error_of
from voxpop.web.api.models.base import Asked, Page

M = TypeVar("M")
Query = Mapping[str, str | int]
PREFIX = "/api/v1"
YAML = "application/yaml"
_AGAIN = frozenset({429, 503})
_BUSY_KEY = "idempotency-key-busy"
_TRIES = 4
_LONGEST_WAIT_S = 30.0
_FIRST_WAIT_S = 0.5
_PART = 200
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_FILES = httpx.Timeout(300.0, connect=10.0)


class Wire:
    """One connection to a bank.

    Parameters
    ----------
    url : str
        The bank's address; ``https``, or this machine's own.
    token : str
        The token itself; kept in memory alone.
    transport : httpx.BaseTransport or None
        What carries requests; None for the network.
    sleep : callable
        Waits a number of seconds.

    Raises
    ------
    AddressUnsafe
        If the token would travel where others can read it.
    """

    def __init__(
        self,
        url: str,
        token: str,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        _check_address(url)
        self.url = url.rstrip("/")
        self.sleep = sleep
        headers = {"authorization": f"Bearer {token}", "user-agent": f"voxpop/{__version__}"}
        self._http = httpx.Client(
            base_url=self.url + PREFIX, headers=headers, timeout=_TIMEOUT, transport=transport, trust_env=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str, kind: type[M], query: Query | None = None) -> M:
        """Return what is at a path."""
        return _read(self.send("GET", path, query=query), kind)

    def every(self, path: str, kind: type[M], query: Query | None = None) -> Iterator[M]:
        """Yield a list's things, one part of it after the other as they are wanted."""
        asked: dict[str, str | int] = {**(query or {}), "limit": _PART}
        while True:
            part = _read(self.send("GET", path, query=asked), Page[kind])  # type: ignore[valid-type]
            yield from part.items
            if part.next is None:
                return
            asked["cursor"] = part.next

    def post(self, path: str, kind: type[M], asked: Asked | str | None = None) -> M:
        """Ask for a change, once however often it has to be sent; returns the answer."""
        return _read(self.send("POST", path, body=asked), kind)

    def put(self, path: str, kind: type[M], asked: Asked | str, etag: str = "") -> M:
        """Replace something; ``etag`` names what is replaced."""
        return _read(self.send("PUT", path, body=asked, headers={"if-match": etag} if etag else {}), kind)

    def delete(self, path: str, query: Query | None = None) -> None:
        """Take something away."""
        self.send("DELETE", path, query=query)

    def text(self, path: str) -> str:
        """Return a document."""
        return self.send("GET", path).text

    def etag(self, path: str) -> str:
        """Return what names the present content of something."""
        return str(self.send("GET", path).headers.get("etag", ""))

    def fetch(self, path: str, target: Path) -> Path:
        """Write a file, whole or not at all."""
        new = target.with_name(f".{target.name}.new")
        try:
            with self._http.stream("GET", path, timeout=_FILES) as answer, new.open("wb") as sink:
                if not answer.is_success:
                    answer.read()
                    raise _problem(answer)
                for chunk in answer.iter_bytes():
                    sink.write(chunk)
            new.replace(target)
        except httpx.HTTPError as failure:
            raise BankUnreachable(self.url) from failure
        finally:
            new.unlink(missing_ok=True)
        return target

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Asked | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a request, again where that may help and can do no harm; returns an answer that is no problem.

        Raises
        ------
        VoxpopError
            What the bank said no with.
        BankUnreachable
            If it did not answer.
        """
        sent = {**_content_type(body), **(headers or {})}
        if method == "POST":
            sent["idempotency-key"] = uuid.uuid4().hex
        content = body.model_dump_json() if isinstance(body, BaseModel) else body
        request = self._http.build_request(method, path, params=query, content=content, headers=sent)
        harmless = method in ("GET", "POST")
        for number in range(1, _TRIES + 1):
            last = number == _TRIES or not harmless
            answer = self._answer(request, last=last)
            if answer is not None and (last or not _helps(answer)):
                break
            self.sleep(_pause(answer, number))
        assert answer is not None
        if not answer.is_success:
            raise _problem(answer)
        return answer

    def _answer(self, request: httpx.Request, *, last: bool) -> httpx.Response | None:
        try:
            return self._http.send(request)
        except httpx.HTTPError as failure:
            if last:
                raise BankUnreachable(self.url) from failure
            return None


def segment(name: str) -> str:
    r"""Return an id as one segment of a path, whatever it holds.

    Examples
    --------
    >>> segment("a-v1"), segment("../users"), segment("..")
    ('a-v1', '..%2Fusers', '%2E%2E')
    """
    return quote(name, safe="") if name.strip(".") else name.replace(".", "%2E") or "%00"


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = False
    if not host or parts.scheme not in ("http", "https") or (parts.scheme == "http" and not here):
        raise AddressUnsafe


def _content_type(body: Asked | str | None) -> dict[str, str]:
    if body is None:
        return {}
    return {"content-type": YAML if isinstance(body, str) else "application/json"}


def _helps(answer: httpx.Response) -> bool:
    """Say whether the same request may be answered better soon."""
    return answer.status_code in _AGAIN or (answer.status_code == 409 and _words(answer)[0] == _BUSY_KEY)


def _pause(answer: httpx.Response | None, number: int) -> float:
    told = answer.headers.get("retry-after", "") if answer is not None else ""
    wait = float(told) if told.isascii() and told.isdigit() else _FIRST_WAIT_S * 2 ** (number - 1)
    return min(wait, _LONGEST_WAIT_S)


def _words(answer: httpx.Response) -> tuple[str, str]:
    """Return the code and the sentence of a problem; both empty where it is none."""
    try:
        body = answer.json()
        return str(body["code"]), str(body["title"])
    except (ValueError, KeyError, TypeError):
        return "", ""


def _problem(answer: httpx.Response) -> Exception:
    code, sentence = _words(answer)
    return error_of(answer.status_code, code, sentence) if code else AnswerUnreadable(answer.status_code)


def _read(answer: httpx.Response, kind: type[M]) -> M:
    try:
        return TypeAdapter(kind).validate_json(answer.content)
    except ValidationError as unreadable:
        raise AnswerUnreadable(answer.status_code) from unreadable
