"""Webhooks: who is told what, signed, in order, again where it failed, and never inside the network."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session
from tests.api import caller, remote
from tests.bank import PROJECT, RUN, VOLUME, Bank, bank_with_results

from voxpop.kernel.clock import SystemClock
from voxpop.kernel.errors import Invalid, Unavailable
from voxpop.kernel.ledger import Event
from voxpop.store.schema import WebhookRow
from voxpop.wiring.outgoing import TargetRefused, target_of
from voxpop.worker.webhooks import SIGNATURE, Messenger, signature


class Receiver:
    """A program that is told, on this machine."""

    def __init__(self) -> None:
        self.told: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.told.append(({key.lower(): value for key, value in self.headers.items()}, body))
                self.send_response(receiver.status)
                if receiver.status == 302:
                    self.send_header("location", f"{receiver.url}elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def bodies(self) -> list[dict[str, object]]:
        return [json.loads(body) for _, body in self.told]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    bank = bank_with_results(tmp_path)
    bank.system.settings.web.webhook_private = True
    return bank


def _happens(bank: Bank, action: str, subject: str) -> None:
    bank.system.ledger.record(Event(action, subject, "Somebody Secret", "a secret reason", {"secret": 1}))


def _tell(bank: Bank) -> None:
    messenger = Messenger(bank.system, threading.Event())
    while messenger.tell_one():
        pass


def test_what_happens_is_told_in_order_and_names_no_person(bank: Bank, receiver: Receiver) -> None:
    made = caller(bank, "ada").post("/webhooks", json={"url": receiver.url}).json()
    _happens(bank, "run.done", f"run:{RUN}")
    _happens(bank, "volume.verified", f"volume:{VOLUME}")
    _tell(bank)
    assert [one["action"] for one in receiver.bodies] == ["run.done", "volume.verified"]
    assert set(receiver.bodies[0]) == {"seq", "at", "action", "subject"}
    assert b"ecret" not in b"".join(body for _, body in receiver.told)
    headers, body = receiver.told[0]
    at, _, mac = headers[SIGNATURE].removeprefix("t=").partition(",v1=")
    right = hmac.new(made["secret"].encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert mac == right
    assert signature(made["secret"], int(at), body.decode()) == headers[SIGNATURE]
    _tell(bank)
    assert len(receiver.told) == 2


def test_only_what_its_owner_may_read_is_told(bank: Bank, receiver: Receiver) -> None:
    for name in ("olga", "iker", "aurora"):
        caller(bank, name).post("/webhooks", json={"url": f"{receiver.url}{name}", "actions": ["egress.", "run."]})
    release = bank.system.releases.ask(RUN, ["outputs/report.json"], "Ada Example", "paper").id
    _happens(bank, "run.done", f"run:{RUN}")
    _happens(bank, "run.done", "run:gone-r1")
    _happens(bank, "application.closed", f"application:{PROJECT}")
    _tell(bank)
    assert sorted((one["action"], str(one["subject"])) for one in receiver.bodies) == [
        ("egress.asked", f"egress:{release}"),
        ("run.done", f"run:{RUN}"),
        ("run.done", f"run:{RUN}"),
    ]


def test_an_account_that_is_kept_out_is_told_nothing_more(bank: Bank, receiver: Receiver) -> None:
    caller(bank, "ada").post("/webhooks", json={"url": receiver.url})
    bank.system.access.enable("ada", "tester", enabled=False)
    _happens(bank, "run.done", f"run:{RUN}")
    _tell(bank)
    assert receiver.told == []


@pytest.mark.parametrize("scopes", [["run.read", "account.own"], ["read", "account.own"]], ids=["runs alone", "all"])
def test_a_webhook_is_told_no_more_than_its_token_may_read(bank: Bank, receiver: Receiver, scopes: list[str]) -> None:
    made = caller(bank, "ada", scopes).post("/webhooks", json={"url": receiver.url})
    assert made.status_code == 201, made.text
    _happens(bank, "run.done", f"run:{RUN}")
    _happens(bank, "volume.verified", f"volume:{VOLUME}")
    _tell(bank)
    told = ["run.done"] if "run.read" in scopes else ["run.done", "volume.verified"]
    assert [one["action"] for one in receiver.bodies] == told


def test_a_webhook_ends_with_its_token(bank: Bank, receiver: Receiver) -> None:
    program = caller(bank, "ada")
    program.post("/webhooks", json={"url": receiver.url, "actions": ["run."]})
    bank.system.entrance.shut_out("ada", "Teo Example")
    _happens(bank, "run.done", f"run:{RUN}")
    _tell(bank)
    assert receiver.told == []
    assert [one.enabled for one in bank.system.webhooks.of_account("ada")] == [False]


def test_one_whose_secret_cannot_be_read_keeps_nobody_else_waiting(bank: Bank, receiver: Receiver) -> None:
    for name in ("first", "second"):
        caller(bank, "ada").post("/webhooks", json={"url": f"{receiver.url}{name}", "actions": ["run."]})
    broken = bank.system.webhooks.of_account("ada")[0].id
    with Session(bank.system._engine) as session, session.begin():
        session.execute(update(WebhookRow).where(WebhookRow.id == broken).values(secret="closed by another key"))
    _happens(bank, "run.done", f"run:{RUN}")
    _tell(bank)
    assert len(receiver.told) == 1
    assert {one.id: one.failures for one in bank.system.webhooks.of_account("ada")}[broken] == 1


def test_a_webhook_is_made_and_removed_on_the_account_page(bank: Bank, receiver: Receiver) -> None:
    ada = bank.client("ada")
    assert 'id="signing"' in bank.post(ada, "/account/webhooks", url=receiver.url, actions="run. egress.").text
    (one,) = bank.system.webhooks.of_account("ada")
    assert one.actions == ("run.", "egress.")
    _happens(bank, "run.done", f"run:{RUN}")
    _tell(bank)
    assert len(receiver.told) == 1
    assert receiver.url in ada.get("/account").text
    assert bank.post(bank.client("olga"), f"/account/webhooks/{one.id}/remove").status == 404
    assert bank.post(ada, f"/account/webhooks/{one.id}/remove").status == 303
    assert bank.post(ada, "/account/webhooks", url=receiver.url, actions="Run!").status == 422
    assert bank.post(ada, "/account/webhooks", url="gopher://x").status == 422
    assert bank.system.webhooks.of_account("ada") == []


@pytest.mark.parametrize("status", [500, 404, 302])
def test_what_was_not_taken_is_told_again_later_and_in_order(bank: Bank, receiver: Receiver, status: int) -> None:
    program = caller(bank, "ada")
    name = program.post("/webhooks", json={"url": receiver.url, "actions": ["run."]}).json()["webhook"]
    _happens(bank, "run.started", f"run:{RUN}")
    _happens(bank, "run.done", f"run:{RUN}")
    receiver.status = status
    _tell(bank)
    assert [one["action"] for one in receiver.bodies] == ["run.started"]
    assert program.get("/webhooks").json()["items"][0]["failures"] == 1
    receiver.status = 204
    _later(bank, name)
    _tell(bank)
    assert [one["action"] for one in receiver.bodies] == ["run.started", "run.started", "run.done"]
    assert program.get("/webhooks").json()["items"][0]["failures"] == 0


def test_an_address_that_never_answers_is_given_up(bank: Bank) -> None:
    program = caller(bank, "ada")
    name = program.post("/webhooks", json={"url": "http://127.0.0.1:9/", "actions": ["run."]}).json()["webhook"]
    _happens(bank, "run.done", f"run:{RUN}")
    for _ in range(14):
        _later(bank, name)
        _tell(bank)
    one = program.get("/webhooks").json()["items"][0]
    assert (one["enabled"], one["failures"]) == (False, 12)


def test_of_several_workers_one_tells(bank: Bank, receiver: Receiver) -> None:
    caller(bank, "ada").post("/webhooks", json={"url": receiver.url, "actions": ["run."]})
    _happens(bank, "run.done", f"run:{RUN}")
    assert bank.system.webhooks.claim() is not None
    assert bank.system.webhooks.claim() is None


def test_a_webhook_is_made_and_removed_by_its_owner_alone(bank: Bank, receiver: Receiver) -> None:
    there = remote(bank, "ada")
    made = there.webhooks.make(receiver.url, ["run."])
    assert [one.webhook for one in there.webhooks.every()] == [made.webhook]
    assert caller(bank, "olga").delete(f"/webhooks/{made.webhook}").status_code == 404
    there.webhooks.remove(made.webhook)
    assert list(there.webhooks.every()) == []
    database = (bank.system.work.root / "voxpop.db").read_bytes()
    assert made.secret.encode() not in database


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/x", "https://10.0.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest", "https://[::1]/",
     "https://[fe80::1]/", "https://[fd00::1]/", "https://224.0.0.1/", "https://0.0.0.0/", "https://[::ffff:10.0.0.1]/",
     "https://100.64.0.1/", "https://[2002:0a00:0001::]/", "https://localhost/", "http://93.184.215.14/", "ftp://93.184.215.14/",
     "https://user:word@93.184.215.14/", "https://93.184.215.14:99999/", "https:///x", "nothing"],
)  # fmt: skip
def test_an_address_that_is_not_public_is_never_called(url: str) -> None:
    with pytest.raises(TargetRefused):
        target_of(url, private=False)


def test_a_public_address_is_called_by_the_number_that_was_looked_at() -> None:
    target = target_of("https://93.184.215.14:8443/hook?x=1", private=False)
    assert (target.url, target.host) == ("https://93.184.215.14:8443/hook?x=1", "93.184.215.14")


def test_private_addresses_are_let_through_by_the_setting_but_plain_http_only_to_this_machine() -> None:
    assert target_of("http://127.0.0.1:1/", private=True).url == "http://127.0.0.1:1/"
    assert target_of("https://10.0.0.1/", private=True).url == "https://10.0.0.1:443/"
    with pytest.raises(TargetRefused):
        target_of("http://10.0.0.1/", private=True)


def test_a_name_that_is_not_known_is_told_so() -> None:
    with pytest.raises((Unavailable, Invalid)):
        target_of("https://no-such-host.invalid/", private=False)


def test_a_webhook_inside_the_network_is_refused_without_the_setting(bank: Bank, receiver: Receiver) -> None:
    bank.system.settings.web.webhook_private = False
    refused = caller(bank, "ada").post("/webhooks", json={"url": receiver.url})
    assert (refused.status_code, refused.json()["code"]) == (422, "target-refused")


def _later(bank: Bank, name: str) -> None:
    """Let the time of the next try come."""
    with Session(bank.system._engine) as session, session.begin():
        past = SystemClock().now() - timedelta(seconds=1)
        session.execute(update(WebhookRow).where(WebhookRow.id == name).values(next_at=past))
