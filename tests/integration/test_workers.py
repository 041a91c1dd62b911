"""Several processes on one bank: web processes that only answer, and workers that take over from each other."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from tests.bank import APPLIANCE, VOLUME, Bank, bank_with_results
from tests.postgres import Server

from voxpop.flow.operations import Operation, OperationState
from voxpop.flow.rules import Work
from voxpop.store.workers import PlacesTaken, SqlWorkers

PATIENCE_S = 60.0
STUCK = """
import sys, threading
from pathlib import Path
from voxpop.cli.opening import opened
from voxpop.cli.serve import working

system = opened(Path(sys.argv[1]))

def activate(appliance):
    print(foreman.name, flush=True)
    threading.Event().wait()

system.durable_work.activate = activate
with working(system, "worker --stay") as foreman:
    foreman.work()
"""
"""A worker that begins a piece of work and never ends it."""


@pytest.fixture
def bank(postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bank:
    """Return a bank on PostgreSQL in which nothing is left to do."""
    secret = tmp_path / "database-url"
    secret.write_text(postgres.database("bank"))
    monkeypatch.setenv("VOXPOP_DATABASE_URL_FILE", str(secret))
    return _idle(bank_with_results(tmp_path))


@pytest.mark.needs("postgresql")
def test_several_web_processes_and_workers_serve_one_bank(bank: Bank) -> None:
    with _serving(bank) as one, _serving(bank) as other:
        assert httpx.get(f"{one}readyz").json() == {"database": True, "work_folder": True, "worker": False}
        with _worker(bank) as first, _worker(bank) as second:
            assert {first.place, second.place} == {"worker-1", "worker-2"}
            asked = bank.system.operations.ask(Work.VERIFY, f"volume:{VOLUME}", "Dolores Example")
            _until(lambda: not _now(bank, asked).open)
            assert _now(bank, asked).state is OperationState.DONE
            assert [httpx.get(f"{url}readyz").status_code for url in (one, other)] == [200, 200]
            assert second.stop() == 0
            assert bank.system.attended()
    assert not bank.system.attended()
    assert bank.system.ledger.verify() == []


@pytest.mark.needs("postgresql")
def test_what_a_killed_worker_was_doing_is_done_by_another(bank: Bank) -> None:
    asked = bank.system.operations.ask(Work.ACTIVATE, f"appliance:{APPLIANCE}", "Teo Example")
    command = [sys.executable, "-c", STUCK, str(bank.system.work.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stuck, ExitStack() as until_the_end:
        until_the_end.callback(stuck.kill)
        assert stuck.stdout is not None
        holder = stuck.stdout.readline().strip()
        other = until_the_end.enter_context(_worker(bank))
        verified = bank.system.operations.ask(Work.VERIFY, f"volume:{VOLUME}", "Dolores Example")
        _until(lambda: not _now(bank, verified).open)
        assert _now(bank, asked).state is OperationState.WORKING  # its worker lives: nobody takes it away
        stuck.kill()
        _until(lambda: not _now(bank, asked).open)
        assert _now(bank, asked).state is OperationState.DONE
        assert other.place != holder


@pytest.mark.needs("postgresql")
def test_a_worker_whose_place_was_lost_ends_and_says_so(bank: Bank, postgres: Server) -> None:
    with _worker(bank) as worker:
        postgres.cut_connections("bank")
        assert worker.ended() == 1
        assert "the database let go of worker-1" in worker.said()


@pytest.mark.needs("postgresql")
def test_a_service_whose_worker_lost_its_place_ends_as_failed(bank: Bank, postgres: Server) -> None:
    with _process(bank, "serve", "--port", "0") as process:
        _until(bank.system.attended)
        postgres.cut_connections("bank")
        _, said = process.communicate(timeout=PATIENCE_S)
        assert "the database let go of worker-1" in said
        assert process.returncode == 1  # systemd starts again what failed, and not what ended


@pytest.mark.needs("postgresql")
def test_a_command_that_works_alone_waits_for_nobody_and_takes_no_place(bank: Bank) -> None:
    with _worker(bank):
        refused = _voxpop(bank, "worker")
        assert refused.returncode == 1
        assert "is working on this database" in refused.stderr
    assert _voxpop(bank, "worker").returncode == 0


@pytest.mark.needs("postgresql")
def test_a_place_is_free_again_when_its_holder_is_gone(postgres: Server) -> None:
    from voxpop.store.engine import open_engine

    workers = SqlWorkers(open_engine(postgres.database("places")))
    with workers.place(staying=True) as first, workers.place(staying=True) as second:
        assert (first.name, second.name) == ("worker-1", "worker-2")
        assert workers.staying() == 2
        for name, expected in ((first.name, False), ("worker-3", True), ("local", True), ("", False)):
            with workers.gone(name) as gone:
                assert gone is expected
        with pytest.raises(PlacesTaken), workers.place(staying=False):
            pass
    assert workers.staying() == 0
    with workers.place(staying=False), pytest.raises(PlacesTaken), workers.place(staying=True):
        pass


def test_on_sqlite_one_worker_stays_beside_a_web_process(tmp_path: Path) -> None:
    bank = _idle(bank_with_results(tmp_path))
    with _serving(bank) as url, _worker(bank):
        asked = bank.system.operations.ask(Work.VERIFY, f"volume:{VOLUME}", "Dolores Example")
        _until(lambda: not _now(bank, asked).open)
        assert _now(bank, asked).state is OperationState.DONE
        assert httpx.get(f"{url}readyz").status_code == 200
        second = _voxpop(bank, "worker", "--stay")
        assert second.returncode == 1
        assert "another voxpop (`voxpop worker --stay`" in second.stderr


def test_the_databases_of_a_work_folder_can_be_read_by_their_owner_alone(tmp_path: Path) -> None:
    bank = _idle(bank_with_results(tmp_path))
    for _ in range(2):
        assert _voxpop(bank, "worker", umask=0).returncode == 0
        files = [file for file in bank.system.work.root.iterdir() if file.name.startswith(("voxpop.db", "dbos.db"))]
        assert {file.name for file in files} >= {"voxpop.db", "dbos.db"}
        assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in files} == {one.name: 0o600 for one in files}
        for file in files:
            file.chmod(0o666)


class Worker:
    """A `voxpop worker --stay` that has taken its place."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        assert process.stdout is not None
        lines = ""
        while "}" not in lines:
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            lines += line
        self.place = json.loads(lines)["worker"]

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> int:
        return self._process.wait(PATIENCE_S)

    def said(self) -> str:
        assert self._process.stderr is not None
        return self._process.stderr.read()


@contextmanager
def _worker(bank: Bank) -> Iterator[Worker]:
    with _process(bank, "worker", "--stay") as process:
        yield Worker(process)


@contextmanager
def _serving(bank: Bank) -> Iterator[str]:
    with _process(bank, "serve", "--no-worker", "--port", "0") as process:
        assert process.stdout is not None
        lines = ""
        while not lines.rstrip().endswith("}\n}") and not lines.endswith("{}\n}\n"):
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            lines += line
        yield json.loads(lines)["url"]


@contextmanager
def _process(bank: Bank, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "voxpop", *arguments, "--json", "--work", str(bank.system.work.root)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _voxpop(bank: Bank, *arguments: str, umask: int = -1) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "voxpop", *arguments, "--work", str(bank.system.work.root)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, umask=umask)


def _idle(bank: Bank) -> Bank:
    for row in list(bank.system.ledger.waiting()):
        bank.system.ledger.taken(row.seq)
    return bank


def _now(bank: Bank, operation: Operation) -> Operation:
    return bank.system.operations.get(operation.id)


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not true():
        assert time.monotonic() < end, "it did not come to that in time"
        pause.wait(0.1)
