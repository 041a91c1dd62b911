"""The gate of an appliance over a real unix socket, and the caretaker that opens it."""

import http.client
import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.elastic_bank import Bank
from tests.waiting import until

from voxpop.appliance.elastic import Policy
from voxpop.appliance.elastic.keeper import Keeper, Office
from voxpop.appliance.elastic.sizing import Cluster
from voxpop.appliance.model import Machine, Workers
from voxpop.kernel.ids import ApplianceId
from voxpop.store.workers import ALONE, Place
from voxpop.worker.gate.app import MOST_BYTES
from voxpop.worker.keeping import Caretaker, Kept

SECRET = "a-secret-of-this-appliance-alone"
ONE, OTHER = ApplianceId("bone-density-a1"), ApplianceId("lung-a1")
SLURM = Policy(least=0, most=3, idle_s=20, boot_s=30, native=True)


@pytest.fixture
def area(tmp_path: Path) -> Path:
    """Return a working area as a site leaves it, whose path is longer than a socket's may be."""
    found = tmp_path / ("long" * 20) / ("path" * 10)
    (found / "gate").mkdir(parents=True)
    (found / "secrets").mkdir(mode=0o700)
    (found / "secrets" / "gate.key").write_text(f"{SECRET}\n")
    return found


def kept(name: ApplianceId, area: Path, policy: Policy = SLURM) -> tuple[Kept, Bank]:
    bank = Bank(policy)
    cluster = Cluster(name, Workers(0, 3, 1, 1), bank.cluster, bank.cluster, "slurm")
    office = Office(bank.books, bank.ledger, bank.cluster.clock, lambda: bank.cluster.now_s)
    return Kept(cluster, Keeper(name, bank.cluster, bank.cluster, lambda: policy, office), area), bank


@contextmanager
def alone() -> Iterator[Place]:
    yield Place(ALONE)


class Gate(http.client.HTTPConnection):
    """What a front end speaks through, which sees the folder under a short name."""

    def __init__(self, folder: Path) -> None:
        super().__init__("gate", timeout=20)
        self._folder = folder

    def connect(self) -> None:
        folder = os.open(self._folder, os.O_PATH)
        self.sock = socket.socket(socket.AF_UNIX)
        try:
            self.sock.connect(f"/proc/self/fd/{folder}/gate.sock")
        finally:
            os.close(folder)


def ask(area: Path, body: object, name: str = ONE, secret: str = SECRET, method: str = "POST") -> tuple[int, str]:
    gate = Gate(area / "gate")
    sent = body if isinstance(body, bytes) else json.dumps(body)
    gate.request(method, f"/appliances/{name}/workers", sent, {"Authorization": f"Bearer {secret}"})
    answer = gate.getresponse()
    said = answer.read().decode()
    gate.close()
    return answer.status, said


def listens(area: Path) -> bool:
    try:
        ask(area, {"do": "state"})
    except OSError:
        return False
    return True


@pytest.fixture
def gate(area: Path) -> Iterator[Bank]:
    """Open a gate; returns what is behind it."""
    one, bank = kept(ONE, area)
    with Caretaker(lambda known: {ONE: one}, alone):
        until(lambda: listens(area))
        yield bank


def test_a_queue_asks_for_workers_lets_them_go_and_sees_what_is_there(area: Path, gate: Bank) -> None:
    status, said = ask(area, {"do": "resume", "workers": ["w1", "w2"]})
    assert (status, json.loads(said)) == (200, {"workers": [{"name": "w1", "up": True}, {"name": "w2", "up": True}]})
    assert ask(area, {"do": "suspend", "workers": ["w1"]})[0] == 200
    assert ask(area, {"do": "fail", "workers": ["w2"]})[0] == 200
    assert ask(area, {"do": "state"}) == (200, '{"workers":[]}')
    assert gate.cluster.removed == ["w1", "w2"]


def test_another_secret_or_another_appliance_opens_nothing(area: Path, gate: Bank) -> None:
    for name, secret in [(ONE, ""), (ONE, SECRET[:-1]), (ONE, SECRET + "x"), (OTHER, SECRET), (ONE, "ñ" * 20)]:
        assert ask(area, {"do": "resume", "workers": ["w1"]}, name, secret)[0] == 403
    (area / "secrets" / "gate.key").write_text("")
    assert ask(area, {"do": "state"}, secret="")[0] == 403
    assert not gate.cluster.added


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 5000,
        {"do": "destroy", "workers": ["w1"]},
        {"do": ["resume"], "workers": ["w1"]},
        {"do": "resume", "workers": "w1"},
        {"do": "resume", "workers": [1]},
        {"do": "resume", "workers": ["front"]},
        {"do": "resume", "workers": []},
        {"workers": ["w1"]},
    ],
)
def test_what_is_asked_wrongly_is_told_in_one_sentence(area: Path, gate: Bank, body: object) -> None:
    status, said = ask(area, body)
    assert status == 422
    assert json.loads(said)["detail"]
    assert not gate.cluster.added


def test_the_gate_takes_no_more_than_it_needs(area: Path, gate: Bank) -> None:
    assert ask(area, b" " * (MOST_BYTES + 1))[0] == 413
    assert ask(area, {}, method="GET")[0] == 405
    gate.cluster.site_away = True
    assert ask(area, {"do": "resume", "workers": ["w1"]})[0] == 503
    gate.cluster.site_away = False
    status, said = ask(area, {"do": "resume", "workers": ["w1", "w4"]})
    assert status == 409
    assert json.loads(said)["detail"].endswith("there may be the workers w1 to w3 alone")


def test_a_gate_is_its_owners_and_takes_the_place_of_one_that_was_left(area: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    folder = os.open(area / "gate", os.O_PATH)
    left.bind(f"/proc/self/fd/{folder}/gate.sock")
    os.close(folder)
    one, _ = kept(ONE, area)
    with Caretaker(lambda known: {ONE: one}, alone):
        until(lambda: listens(area))
        assert stat.S_IMODE((area / "gate" / "gate.sock").stat().st_mode) == 0o600
    until(lambda: not listens(area))


def test_one_appliance_that_breaks_leaves_the_others_kept(tmp_path: Path) -> None:
    broken, first = kept(OTHER, tmp_path / "other")
    one, second = kept(ONE, tmp_path / "one", Policy(least=2, most=3))

    def fails(name: ApplianceId) -> list[Machine]:
        raise RuntimeError("a fault of ours")

    first.cluster.machines = fails  # type: ignore[method-assign,assign]
    before = threading.active_count()
    with Caretaker(lambda known: {OTHER: broken, ONE: one}, alone):
        until(lambda: second.cluster.names() == ["w1", "w2"])
    until(lambda: threading.active_count() <= before)


def test_an_appliance_that_is_gone_is_left_and_one_that_comes_is_taken_up(area: Path) -> None:
    one, bank = kept(ONE, area, Policy(least=1, most=3))
    there: dict[ApplianceId, Kept] = {}
    with Caretaker(lambda known: dict(there), alone):
        there[ONE] = one
        until(lambda: bank.cluster.names() == ["w1"] and listens(area))
        there.clear()
        until(lambda: not listens(area))


def test_nobody_is_kept_while_another_process_does_it(area: Path) -> None:
    one, bank = kept(ONE, area, Policy(least=1, most=3))
    asked = threading.Event()
    turns = iter([None, Place(ALONE)])

    @contextmanager
    def turn() -> Iterator[Place | None]:
        place = next(turns)
        assert place is None or not bank.cluster.names()
        asked.set()
        yield place

    with Caretaker(lambda known: {ONE: one}, turn):
        assert asked.wait(20)
        until(lambda: bank.cluster.names() == ["w1"])
