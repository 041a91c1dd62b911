"""What `voxpop serve` bears on the wire: slow, endless and two-faced requests, and WebSockets; OWASP ASVS 4.0.3."""

import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from tests.bank import APPLIANCE, PROJECT, PROJECT_ROLES, VOLUME, Bank, bank_with_results
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from voxpop.access.model import Membership
from voxpop.cli.serve import serve
from voxpop.web import shield
from voxpop.web.pages.appliances.terminal import MOST_FOR_ONE, NOT_ANY_MORE

HOST = b"host: 127.0.0.1\r\n"
POST = b"POST /sign-in HTTP/1.1\r\n" + HOST + b"content-type: application/x-www-form-urlencoded\r\n"
SOCKET = f"/appliances/{APPLIANCE}/terminal/socket"
SHORT_S = 1.0
DRIP_S = 0.2


class Configured(Exception):
    """What `voxpop serve` would have served, and how."""

    def __init__(self, app: Any, **settings: Any) -> None:
        super().__init__()
        self.app, self.settings = app, settings


@dataclass(frozen=True)
class Served:
    """A bank behind the server that `voxpop serve` configures, on this machine."""

    bank: Bank
    port: int

    def open(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def answer(self, request: bytes) -> bytes:
        """Send a request, and read until the server hangs up."""
        with self.open() as client:
            client.sendall(request)
            return read_on(client)

    def cut_off(self, start: bytes, drop: bytes, within_s: float = 5.0) -> bool:
        """Say whether the server answers or hangs up while a drop comes every fifth of a second."""
        until = time.monotonic() + within_s
        with self.open() as client:
            client.sendall(start)
            client.settimeout(DRIP_S)
            while time.monotonic() < until:
                try:
                    client.sendall(drop)
                    client.recv(1)
                except TimeoutError:
                    continue
                except OSError:
                    return True
                return True
        return False

    def terminal(self, name: str, origin: str) -> ClientConnection:
        cookie = self.bank.client(name).cookies["voxpop"]
        headers = {"cookie": f"voxpop={cookie}"}
        return connect(f"ws://127.0.0.1:{self.port}{SOCKET}", origin=origin, additional_headers=headers)  # type: ignore[arg-type]


def read_on(client: socket.socket) -> bytes:
    said = b""
    while part := client.recv(65536):
        said += part
    return said


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("served")
    bank = bank_with_results(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uvicorn, "Config", _stop)
        with pytest.raises(Configured) as stopped:
            serve(root / "work", port=0, no_worker=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shield, "BODY_S", SHORT_S)
        patch.setattr(shield, "HEADERS_S", SHORT_S, raising=False)
        settings = stopped.value.settings | {"timeout_keep_alive": 1, "timeout_graceful_shutdown": 1}
        server = uvicorn.Server(uvicorn.Config(stopped.value.app, **settings))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
            thread.start()
            port = listener.getsockname()[1]
            assert b"ok" in Served(bank, port).answer(
                b"GET /healthz HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n"
            )
            yield Served(bank, port)
            server.should_exit = True
            thread.join(timeout=20)


def _stop(app: Any, **settings: Any) -> None:
    raise Configured(app, **settings)


def status(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 (\d{3})", answer)
    return int(found[1]) if found else 0


# -- slow ------------------------------------------------------------------------------------------------------------


def test_a_body_that_stops_is_given_up(served: Served) -> None:
    begun = time.monotonic()
    answer = served.answer(POST + b"content-length: 50\r\n\r\na")
    assert status(answer) >= 400
    assert time.monotonic() - begun < 10 * SHORT_S


def test_a_client_that_hangs_up_or_says_nothing_more_is_no_error_of_ours(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("voxpop").propagate = True
    try:
        assert status(served.answer(POST + b"content-length: 50\r\n\r\na")) == 408
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    finally:
        logging.getLogger("voxpop").propagate = False


def test_a_body_that_drips_is_given_up(served: Served) -> None:
    assert served.cut_off(POST + b"content-length: 500\r\n\r\n", b"a")


def test_a_head_that_drips_is_given_up(served: Served) -> None:
    assert served.cut_off(b"GET /healthz HTTP/1.1\r\n", b"x: a\r\n")


def test_a_connection_that_says_nothing_is_given_up(served: Served) -> None:
    with served.open() as client:
        client.settimeout(5 * SHORT_S)
        assert client.recv(1) == b""


def test_a_connection_that_is_kept_and_not_used_is_given_up(served: Served) -> None:
    assert status(served.answer(b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")) == 200


def test_others_are_served_while_many_are_slow(served: Served) -> None:
    slow = [served.open() for _ in range(200)]
    try:
        for client in slow:
            client.sendall(POST + b"content-length: 50\r\n\r\na")
        begun = time.monotonic()
        assert status(served.answer(b"GET /healthz HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n")) == 200
        assert time.monotonic() - begun < 10
    finally:
        for client in slow:
            client.close()


# -- two-faced -------------------------------------------------------------------------------------------------------

HIDDEN = b"GET /readyz HTTP/1.1\r\n" + HOST + b"\r\n"


def test_a_request_that_tells_two_lengths_is_refused_or_is_the_last(served: Served) -> None:
    both = POST + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    assert served.answer(both + HIDDEN).count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "request_",
    [
        POST + b"content-length: 4\r\ncontent-length: 5\r\n\r\naaaaa" + HIDDEN,
        POST + b"content-length: 4, 5\r\n\r\naaaaa" + HIDDEN,
        POST + b"content-length: +4\r\n\r\naaaa" + HIDDEN,
        POST + b"content-length: 0x4\r\n\r\naaaa" + HIDDEN,
        POST + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
        POST + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
        POST + b"transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
        POST + b"transfer-encoding: identity, chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
        POST + b"transfer-encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n" + HIDDEN,
        POST + b"transfer-encoding: chunked\r\n\r\n-1\r\n\r\n" + HIDDEN,
        POST + b"x: a\x00b\r\n\r\n" + HIDDEN,
        b"GET /healthz HTTP/1.1\r\n\r\n" + HIDDEN,
        b"GET /healthz HTTP/1.1\r\n" + HOST + b"host: evil.example\r\n\r\n" + HIDDEN,
        b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n" + HIDDEN,
    ],
)
def test_a_request_that_can_be_read_in_two_ways_is_refused_and_is_the_last(served: Served, request_: bytes) -> None:
    answer = served.answer(request_)
    assert status(answer) in (400, 409, 501)
    assert b"database" not in answer


def test_a_head_without_end_is_refused(served: Served) -> None:
    with served.open() as client:
        try:
            client.sendall(b"GET /healthz HTTP/1.1\r\n" + HOST + b"x: " + b"a" * 2_000_000)
            assert status(read_on(client)) in (0, 400, 431)
        except OSError:
            return  # hung up while the rest was sent


def test_a_body_that_is_announced_as_too_large_is_not_waited_for(served: Served) -> None:
    answer = served.answer(POST + b"content-length: 99999999999\r\n\r\n")
    assert status(answer) == 413
    assert b"too-large" in answer


def test_an_address_of_another_host_is_not_fetched_for_anyone(served: Served) -> None:
    answer = served.answer(b"GET http://evil.example/healthz HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n")
    assert status(answer) == 404
    tunnel = served.answer(b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n")
    assert status(tunnel) in (400, 404, 405)


def test_no_answer_names_the_server(served: Served) -> None:
    for request in (b"GET /healthz HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n", b"rubbish\r\n\r\n"):
        answer = served.answer(request).lower()
        assert b"\nserver:" not in answer
        assert b"uvicorn" not in answer
        assert b"h11" not in answer


def test_the_words_of_an_unexpected_error_are_written_nowhere(
    served: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("GARCIA^LUISA")

    monkeypatch.setattr("voxpop.wiring.system.System.database_answers", broken)
    with caplog.at_level(logging.ERROR):
        answer = served.answer(b"GET /readyz HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n")
    assert status(answer) == 500
    assert b"GARCIA" not in answer
    assert "GARCIA" not in caplog.text


# -- WebSockets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "file://"])
def test_a_handshake_from_another_origin_is_refused(served: Served, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        served.terminal("ada", origin)
    assert refused.value.response.status_code == 403


def test_a_handshake_without_the_right_is_refused(served: Served) -> None:
    for person in ("carmen", "dolores", "olga", "teo", "aurora"):
        with pytest.raises(InvalidStatus) as refused:
            served.terminal(person, f"http://127.0.0.1:{served.port}")
        assert refused.value.response.status_code == 403


@pytest.mark.needs("bubblewrap")
def test_a_message_that_is_too_large_ends_the_terminal(served: Served) -> None:
    with served.terminal("ada", f"http://127.0.0.1:{served.port}") as talk:
        with pytest.raises(ConnectionClosed) as closed:
            send_and_listen(talk, b"a" * 1_000_000)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009  # RFC 6455, 7.4.1: too big
    assert status(served.answer(b"GET /healthz HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n")) == 200


def send_and_listen(talk: ClientConnection, message: bytes) -> None:
    talk.send(message)
    while True:
        talk.recv(timeout=20)


@pytest.mark.needs("bubblewrap")
def test_no_more_terminals_are_opened_for_one_person_than_four(served: Served) -> None:
    origin = f"http://127.0.0.1:{served.port}"
    opened = [served.terminal("mia", origin) for _ in range(MOST_FOR_ONE)]
    try:
        with served.terminal("mia", origin) as fifth:
            assert "too many terminals" in str(fifth.recv(timeout=30))
    finally:
        for talk in opened:
            talk.close()


@pytest.mark.needs("bubblewrap")
def test_a_flood_of_messages_holds_nobody_else_up(served: Served) -> None:
    with served.terminal("ada", f"http://127.0.0.1:{served.port}") as talk:
        for _ in range(2_000):
            talk.send('{"resize": [24, 80]}')
        begun = time.monotonic()
        assert status(served.answer(b"GET /healthz HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n")) == 200
        assert time.monotonic() - begun < 5


@pytest.mark.needs("bubblewrap")
@pytest.mark.parametrize(
    "frame",
    [
        "5",
        "[]",
        '{"resize": 1}',
        '{"resize": ["a", 2]}',
        '{"resize": [-5, 99999]}',
        '{"other": 1}',
        "no json",
        '{"resize": [1e999, 1]}',
        "[" * 60_000,
    ],
)
def test_a_frame_that_says_nothing_does_not_end_the_terminal(served: Served, frame: str) -> None:
    with served.terminal("iker", f"http://127.0.0.1:{served.port}") as talk:
        talk.send(frame)
        talk.send(b"echo $((6 * 7))-still\n")
        seen = b""
        while b"42-still" not in seen:
            part = talk.recv(timeout=30)
            assert isinstance(part, bytes), part
            seen += part


@pytest.mark.needs("bubblewrap")
@pytest.mark.parametrize("how", ["the grant", "the role in the project", "the account"])
def test_a_terminal_ends_when_what_allowed_it_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(import_module("voxpop.web.pages.appliances.terminal"), "LOOK_EVERY_S", 0.05)
    bank = bank_with_results(tmp_path)
    client = bank.client("mia")
    with client.websocket_connect(f"ws://127.0.0.1{SOCKET}", headers={"origin": "http://127.0.0.1"}) as talk:
        said = ""
        assert talk.receive_bytes()  # the shell is there
        take_away(bank, how)
        while NOT_ANY_MORE not in said:
            said = talk.receive().get("text") or ""


def take_away(bank: Bank, how: str) -> None:
    if how == "the grant":
        bank.system.volumes.revoke(VOLUME, "Mia Example", "tester")
    elif how == "the account":
        bank.system.access.enable("mia", "tester", enabled=False)
    else:
        bank.system.access.leave(Membership(PROJECT, "mia", PROJECT_ROLES["mia"]), "tester")
