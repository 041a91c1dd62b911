"""Questions to a provider over HTTPS: neither endless, nor endlessly slow, nor led elsewhere."""

import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from voxpop.access.errors import ProviderDown, ProviderWrong

MOST_BYTES = 512 * 1024
_AT_ONCE = 8
_QUEUE_S = 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a provider may take: for each piece of an answer, and for the whole of it."""

    piece_s: float = 5.0
    whole_s: float = 10.0


PATIENCE = Patience()


class Wire:
    """The way to one provider.

    Parameters
    ----------
    title : str
        What errors call it.
    ca_file : Path or None
        Certificates that are trusted; the usual ones by default.
    """

    def __init__(self, title: str, ca_file: Path | None = None, patience: Patience = PATIENCE) -> None:
        self._title = title
        self._patience = patience
        self._places = threading.BoundedSemaphore(_AT_ONCE)  # a slow provider must not take every thread of the portal
        self._client = httpx.Client(
            verify=ssl.create_default_context(cafile=ca_file) if ca_file else True,
            timeout=patience.piece_s,
            follow_redirects=False,
            trust_env=False,
            headers={"accept": "application/json", "accept-encoding": "identity"},
        )

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the JSON object at an address, or raise ``ProviderDown`` or ``ProviderWrong``."""
        return self._object(*self._answer("GET", url, "", headers or {}))

    def post(self, url: str, body: str, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Send a form; return the status, below 500, and the JSON object, or raise as ``get`` does."""
        kind = {"content-type": "application/x-www-form-urlencoded"}
        status, content = self._answer("POST", url, body, {**kind, **headers})
        return status, self._object(200 if status in (400, 401) else status, content)  # RFC 6749, 5.2

    def _object(self, status: int, content: bytes) -> dict[str, Any]:
        if status != httpx.codes.OK:
            raise ProviderWrong(self._title, f"it answers with status {status}")
        try:
            found = json.loads(content)
        except (ValueError, RecursionError) as unreadable:
            raise ProviderWrong(self._title, "it answers with something else than JSON") from unreadable
        if not isinstance(found, dict):
            raise ProviderWrong(self._title, "it answers with something else than a JSON object")
        return found

    def _answer(self, method: str, url: str, body: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        with self._place():
            try:
                return self._read(self._client.build_request(method, url, content=body or None, headers=headers))
            except (httpx.HTTPError, httpx.InvalidURL) as broken:
                raise ProviderDown(self._title) from broken

    def _read(self, request: httpx.Request) -> tuple[int, bytes]:
        until, content = time.monotonic() + self._patience.whole_s, b""
        answer = self._client.send(request, stream=True)
        try:
            for piece in answer.iter_raw():
                content += piece
                if len(content) > MOST_BYTES:
                    raise ProviderWrong(self._title, f"its answer is larger than {MOST_BYTES // 1024} KiB")
                if time.monotonic() > until:
                    raise ProviderDown(self._title)
        finally:
            answer.close()
        if answer.is_server_error:
            raise ProviderDown(self._title)
        return answer.status_code, content

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=_QUEUE_S):
            raise ProviderDown(self._title)
        try:
            yield
        finally:
            self._places.release()
