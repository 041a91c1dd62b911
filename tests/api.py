"""Callers of the API of a bank in a temporary folder."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.bank import Bank
from voxpop.client import Bank as RemoteBank
from voxpop.web.app import create_app

ADDRESS = "http://127.0.0.1"
API = "/api/v1"


def token(bank: Bank, name: str, scopes: Iterable[str] = ("write",), days: int = 9) -> str:
    """Return a new token of an account."""
    ends_on = datetime.now(UTC).date() + timedelta(days=days)
    return bank.system.entrance.make_token(bank.system.access.get(name), "test", frozenset(scopes), ends_on)[0]


@cache
def application(bank: Bank) -> FastAPI:
    """Return the application over a bank, one for all its callers."""
    return create_app(bank.system)


def caller(bank: Bank, name: str = "", scopes: Iterable[str] = ("write",)) -> TestClient:
    """Return a program that calls with a token of an account; with none where no name is given."""
    headers = {"authorization": f"Bearer {token(bank, name, scopes)}"} if name else {}
    return TestClient(application(bank), base_url=ADDRESS + API, headers=headers, raise_server_exceptions=False)


class Wired(httpx.BaseTransport):
    """Carries a client's requests into the application, in this process."""

    def __init__(self, bank: Bank) -> None:
        self._inside = TestClient(application(bank), base_url=ADDRESS, raise_server_exceptions=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        answer = self._inside.request(
            request.method, str(request.url), content=request.read(), headers=dict(request.headers)
        )
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def remote(bank: Bank, name: str, **more: Any) -> RemoteBank:
    """Return the client of a bank, as an account."""
    return RemoteBank(ADDRESS, token(bank, name), transport=Wired(bank), sleep=lambda _: None, **more)
