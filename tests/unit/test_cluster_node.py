"""What makes a machine a front end or a worker: its card, the queues' configurations, its daemons, and the gate."""

import http.server
import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.waiting import until
from voxpop_node import condor, gate, program, slurm
from voxpop_node.card import Card, Unfit, derived, read_card

CARD: dict[str, Any] = {
    "format": 1,
    "appliance": "bone-density-a1",
    "queue": "slurm",
    "front": "front",
    "workers": {"least": 1, "most": 4, "cores": 2, "memory_mb": 4000, "gpus": 1},
    "idle_s": 60,
    "boot_s": 2,
    "person": 2000000100,
    "folders": {"bench": "/srv/bench"},
}
FILES = Path(__file__).parents[2] / "recipes" / "cluster-node" / "files"
STAY = """
import sys
from voxpop_node.daemons import Daemon, stay
commands = [["sh", "-c", line] for line in sys.argv[1:]]
sys.exit(stay([Daemon(tuple(one), user="") for one in commands], 1))
"""


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return read(tmp_path, {})


def read(folder: Path, other: dict[str, Any]) -> Card:
    path = folder / "node.json"
    path.write_text(json.dumps(CARD | other))
    return read_card(path)


def test_slurm_is_told_of_workers_that_come_and_go(card: Card) -> None:
    files = slurm.configuration(card)
    lines = files["slurm.conf"].splitlines()
    assert "NodeName=w[1-4] CPUs=2 RealMemory=4000 State=CLOUD Gres=gpu:1" in lines
    assert {"SuspendTime=60", "ResumeTimeout=2", "SuspendExcNodes=w1", "DefMemPerCPU=2000"} <= set(lines)
    assert files["gres.conf"] == "NodeName=w[1-4] Name=gpu Count=1 Flags=CountOnly\n"


def test_slurm_is_told_of_no_gpus_where_there_are_none(tmp_path: Path) -> None:
    workers = {"least": 0, "most": 1, "cores": 1, "memory_mb": 1000, "gpus": 0}
    files = slurm.configuration(read(tmp_path, {"workers": workers}))
    assert "gres.conf" not in files
    assert "gpu" not in files["slurm.conf"].lower()
    assert "SuspendExcNodes" not in files["slurm.conf"]
    assert "NodeName=w1 CPUs=1" in files["slurm.conf"]


def test_htcondor_is_told_what_a_worker_has(card: Card) -> None:
    worker, front = condor.configuration(card, "worker"), condor.configuration(card, "front")
    assert {"NUM_CPUS = 2", "MEMORY = 4000", "use feature:GPUs", "CONDOR_HOST = front"} <= set(worker.splitlines())
    assert "NUM_CPUS" not in front
    assert "use role:CentralManager, Submit" in front.splitlines()


@pytest.mark.parametrize(
    ("other", "fault"),
    [
        ({"format": 2}, "has the format 2: this image knows 1; build the image again"),
        ({"queue": "torque"}, "the queue must be one of htcondor, slurm"),
        ({"workers": CARD["workers"] | {"least": 5}}, "least is more than most"),
        ({"workers": CARD["workers"] | {"cores": True}}, "a whole number from 1 on is needed"),
        ({"front": "front; rm"}, "a name is needed"),
        ({"person": 0}, "a whole number from 1 on is needed"),
        ({"folders": {"bench": "srv"}}, "a path from / on is needed"),
    ],
)
def test_a_wrong_card_is_told_in_one_sentence(tmp_path: Path, other: dict[str, Any], fault: str) -> None:
    with pytest.raises(Unfit, match=fault) as unfit:
        read(tmp_path, other)
    assert "\n" not in str(unfit.value)


def test_what_is_made_of_the_queues_secret_is_one_thing_for_one_purpose(tmp_path: Path) -> None:
    path = tmp_path / "queue.key"
    path.write_text("x" * 32 + "\n")
    assert derived("munge", path) == derived("munge", path)
    assert derived("munge", path) != derived("pool", path)
    path.write_text("short\n")
    with pytest.raises(Unfit, match="holds fewer than 16 bytes"):
        derived("munge", path)


def test_a_machine_ends_its_daemons_when_it_is_told_to(tmp_path: Path) -> None:
    begun = [tmp_path / "one", tmp_path / "two"]
    lines = [f"trap 'rm {path}; exit' TERM; touch {path}; while :; do sleep 0.05; done" for path in begun]
    machine = staying(*lines)
    until(lambda: all(path.exists() for path in begun))
    machine.send_signal(signal.SIGTERM)
    assert machine.wait(30) == 0
    assert not any(path.exists() for path in begun)


def test_a_machine_ends_with_the_first_of_its_daemons(tmp_path: Path) -> None:
    other = tmp_path / "other"
    machine = staying(f"trap 'rm {other}; exit' TERM; touch {other}; while :; do sleep 0.05; done", "exit 7")
    assert machine.wait(30) == 1
    assert machine.stderr is not None
    assert machine.stderr.read() == "voxpop-node: sh ended with 7\n"
    assert not other.exists()


def staying(*lines: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": str(FILES)}
    script = STAY.replace('user=""', f"user={os.geteuid()}")
    return subprocess.Popen([sys.executable, "-c", script, *lines], env=environment, stderr=subprocess.PIPE, text=True)


class Door(http.server.BaseHTTPRequestHandler):
    """Answers with what it is told to, and keeps what was asked."""

    answers: list[int]
    asked: list[tuple[str, str | None, Any]]

    def address_string(self) -> str:
        return "front"

    def log_message(self, *_: object) -> None:
        return

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, self.headers["Authorization"], content))
        self.send_response(self.answers.pop(0))
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Door]]:
    key = tmp_path / "gate.key"
    key.write_text("the secret\n")
    for name, path in (("SOCKET", tmp_path / "gate.sock"), ("KEY", key), ("LOG", tmp_path / "log")):
        monkeypatch.setattr(gate, name, path)
    monkeypatch.setattr(gate, "expanded", lambda names: names.split(","))
    monkeypatch.setattr(gate, "_PAUSE_S", 0.01)
    handler = type("Handler", (Door,), {"answers": [], "asked": []})
    with socketserver.UnixStreamServer(str(tmp_path / "gate.sock"), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield handler
        server.shutdown()


def test_the_gate_is_asked_again_while_voxpop_can_not_answer(card: Card, door: type[Door], tmp_path: Path) -> None:
    door.answers = [503, 500, 200]
    assert gate.ask(card, "resume", "w1,w2") == 0
    asked = ("/appliances/bone-density-a1/workers", "Bearer the secret", {"do": "resume", "workers": ["w1", "w2"]})
    assert door.asked == [asked] * 3
    del tmp_path


def test_the_gate_is_not_asked_again_once_it_says_no(card: Card, door: type[Door]) -> None:
    door.answers = [409]
    assert gate.ask(card, "resume", "w1") == 1
    assert len(door.asked) == 1


def test_a_gate_that_nobody_opens_is_given_up(card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, path in (("SOCKET", tmp_path / "none"), ("KEY", tmp_path / "node.json"), ("LOG", tmp_path / "log")):
        monkeypatch.setattr(gate, name, path)
    monkeypatch.setattr(gate, "expanded", lambda names: [names])
    monkeypatch.setattr(gate, "_PAUSE_S", 0.1)
    assert gate.ask(card, "suspend", "w1") == 1


def test_a_command_line_that_is_none_shows_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["gate", "open", "w1"]) == 2
    assert capsys.readouterr().err.startswith("usage: voxpop-node front")
