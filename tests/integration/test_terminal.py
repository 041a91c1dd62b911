"""A person's terminal on an appliance: what it shows, what it can't do, and that nothing of it stays."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from sqlalchemy.orm import Session

from voxpop.appliance.errors import (
    AccountNameInvalid,
    ApplianceNotDeployed,
    TerminalNotAllowed,
    TerminalNotGiven,
)
from voxpop.appliance.model import Environment
from voxpop.appliance.terminals import Terminal
from voxpop.backends import process
from voxpop.backends.sandbox.bubblewrap import Bubblewrap, terminal_places
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.ids import ApplianceId, ApplicationId, CohortId, RunId, VolumeId
from voxpop.kernel.ledger import Event
from voxpop.run.model import Run
from voxpop.run.ports import Confinement
from voxpop.run.states import RunState
from voxpop.store.schema import ApplicationRow, CohortRow
from voxpop.volume.service import building_folder
from voxpop.wiring.settings import read_settings
from voxpop.wiring.system import System
from voxpop.wiring.terminals import terminals
from voxpop.wiring.work import open_work

pytestmark = pytest.mark.needs("bubblewrap")
LONG_S = 60.0
SIZE = (24, 80)
APPLICATION, ACCOUNT, PERSON = ApplicationId("words"), "ada", "Ada Lovelace"
STAY = b"sh -c 'echo started-$((1 + 1)); exec cat'\n"
DATA, RESULTS, HOME = terminal_places()


@dataclass(frozen=True)
class Bench:
    system: System
    appliance: ApplianceId

    @property
    def people(self) -> Path:
        return self.system.work.appliances / f"{self.appliance}-people"

    def open(self, person: str = PERSON, line: str | None = None) -> Terminal:
        return terminals(self.system).open(self.appliance, ACCOUNT, person, SIZE, line)

    def said(self, line: str) -> str:
        """Return what a line writes in a terminal of its own."""
        terminal = self.open(line=line)
        try:
            return _until(terminal, None)
        finally:
            terminal.close()

    def events(self) -> list[tuple[str, str]]:
        links = self.system.ledger.links(f"appliance:{self.appliance}")
        return [(link.event.action, link.event.actor) for link in links if link.event.action.startswith("terminal.")]


def _until(terminal: Terminal, marker: str | None) -> str:
    """Read until a marker comes, or to the end."""
    said = b""
    until = time.monotonic() + LONG_S
    while marker is None or marker.encode() not in said:
        chunk = terminal.read(max(until - time.monotonic(), 0))
        assert chunk is not None, f"nothing came in time after {said!r}"
        if not chunk:
            break
        said += chunk
    assert marker is None or marker.encode() in said, said
    return said.decode().replace("\r\n", "\n")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    work = open_work(tmp_path / "bank", create=True)
    system = System(work, read_settings(work.root, PERSON), SystemClock())
    _add_rows(system)
    volume = system.volumes.begin(APPLICATION, CohortId("words-c1"), PERSON, PERSON)
    (building_folder(volume) / "participants.tsv").write_text("participant_id\nsub-aa\n")
    sealed = system.volumes.seal_volume(volume.id, PERSON)
    environment = Environment("words", ("python-imaging",), 1, 2, 0, 1, 1, "bone-density/1.0.0")
    planned = system.appliances.plan(APPLICATION, environment, volume.id, sealed.digest, "local", PERSON)
    system.appliances.deploy(planned.id, sealed.path, work.results, PERSON)
    for application, run in ((APPLICATION, "words-r1"), (ApplicationId("others"), "others-r1")):
        system.run_records.add(_run(system, application, planned.id, RunId(run)), PERSON)
        (work.results / run).mkdir()
        (work.results / run / "report.txt").write_text("a result\n")
    return Bench(system, planned.id)


def _add_rows(system: System) -> None:
    """Add what a volume and a run stand upon, without the whole way to it."""
    now = SystemClock().now()
    with Session(system._engine) as session:
        for name in (APPLICATION, "others"):
            session.add(
                ApplicationRow(id=name, document="", digest="", state="approved", written_by=PERSON, written_at=now)
            )
        session.flush()
        facts = {"query": "", "index_digest": "", "list_digest": "", "counts": {}, "selected": 1, "not_selected": 0}
        session.add(CohortRow(id="words-c1", application=APPLICATION, frozen_at=now, **facts))
        session.commit()


def _run(system: System, application: ApplicationId, appliance: ApplianceId, name: RunId) -> Run:
    return Run(
        id=name,
        application=application,
        appliance=appliance,
        volume=VolumeId("words-v1"),
        pipeline="bone-density/1.0.0",
        pipeline_digest="0" * 64,
        state=RunState.CREATED,
        results=system.work.results / name,
        created_at=SystemClock().now(),
    )


def test_the_shell_shows_the_volume_the_results_and_a_folder_of_the_persons_own(bench: Bench) -> None:
    assert bench.said("cat $DATA/participants.tsv") == "participant_id\nsub-aa\n"
    assert bench.said("ls $RESULTS; cat $RESULTS/*/report.txt") == "words-r1\na result\n"
    assert bench.said("pwd; echo mine > note; cat ~/note") == f"{HOME}\nmine\n"
    assert (bench.people / ACCOUNT / "note").read_text() == "mine\n"
    assert bench.people.stat().st_mode & 0o777 == (bench.people / ACCOUNT).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "path", [f"{DATA}/x", f"{DATA}/participants.tsv", f"{RESULTS}/words-r1/x", "/x", "/etc/x", "/usr/x", "/dev/x"]
)
def test_only_the_persons_folder_can_be_written_to(bench: Bench, path: str) -> None:
    said = bench.said(f"echo x >> {path}; chmod u+w {path}; echo x >> {path}")
    assert said.count("Read-only file system") + said.count("Permission denied") >= 2
    assert "Read-only file system" in bench.said(f"touch {path}") or path == f"{DATA}/participants.tsv"


def test_the_person_is_a_user_without_privileges_and_no_account_of_this_machine_is_known(bench: Bench) -> None:
    assert bench.said("id -u; id -g; whoami") == "1000\n1000\nada\n"
    assert bench.said("cat /etc/passwd") == f"ada:x:1000:1000::{HOME}:/bin/bash\n"
    assert "CapEff:\t0000000000000000" in bench.said("cat /proc/self/status")
    assert "NoNewPrivs:\t1" in bench.said("cat /proc/self/status")
    assert "uid=0" not in bench.said("su -c id; sudo id; unshare -Ur id; setpriv --reuid=0 id")


def test_little_of_the_machine_is_there(bench: Bench) -> None:
    seen = set(bench.said("ls -A /").split())
    allowed = {"bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "sbin", "tmp", "usr"}
    software = {Path(prefix).parts[1] for prefix in (sys.prefix, sys.base_prefix, Path(__file__).parents[2])}
    assert seen <= allowed | software | {Path(place).parts[1] for place in (DATA, RESULTS, HOME)}
    assert not {"shadow", "hostname", "hosts", "resolv.conf"} & set(bench.said("ls -A /etc").split())
    assert bench.said("hostname || cat /proc/sys/kernel/hostname") == f"{bench.appliance}\n"


def test_no_file_of_voxpops_own_can_be_found(bench: Bench) -> None:
    names = "-name voxpop.db -o -name dbos.db -o -name 'pseudonym.key' -o -name protected -o -name voxpop.log"
    roots = f"/etc /tmp /dev {DATA} {RESULTS} {HOME}"
    assert bench.said(f"find / -xdev {names} 2>/dev/null; find {roots} {names} 2>/dev/null") == ""
    database = bench.system.work.root / "voxpop.db"
    assert database.is_file()
    assert "No such file" in bench.said(f"cat {database}")


def test_the_work_folder_is_not_seen_even_where_it_lies_in_a_folder_of_the_software(bench: Bench) -> None:
    seat_of = Bubblewrap([bench.system.work.root])
    covered = seat_of._covers([bench.system.work.root.parent])
    assert covered == ["--tmpfs", str(bench.system.work.root)]


def test_nothing_of_our_environment_is_handed_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXPOP_SECRET", "hunter2")
    everything = bench.said("env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'")
    assert "VOXPOP_SECRET" not in everything
    assert str(bench.system.work.root) not in everything
    assert "TERM=xterm-256color" in everything


def test_there_is_no_network_and_no_other_process(bench: Bench) -> None:
    processes = int(bench.said("ls /proc | grep -c '^[0-9]'"))
    assert 2 <= processes <= 4  # the shell, and what of the two the list still met
    program = (
        "import socket; print(*[name for _, name in socket.if_nameindex()])\n"
        "try: socket.create_connection(('127.0.0.1', 80), 5)\n"
        "except OSError as refused: print('refused')"
    )
    assert bench.said(f'python -c "{program}"') == "lo\nrefused\n"
    assert bench.said("cat /proc/net/unix | wc -l") == "1\n"


@pytest.mark.parametrize("line", ["mount -t tmpfs x /tmp", "mount -o remount,rw,bind $DATA", "umount $DATA"])
def test_nothing_can_be_mounted(bench: Bench, line: str) -> None:
    assert bench.said(f"{line} 2> /dev/null; echo $?") != "0\n"
    assert "Read-only file system" in bench.said(f"{line} 2> /dev/null; touch $DATA/x")


def test_neither_a_terminal_nor_a_run_can_change_the_kernels_settings(bench: Bench) -> None:
    line = "cat /proc/sys/vm/swappiness > /tmp/value; cat /tmp/value > /proc/sys/vm/swappiness"
    assert "Read-only file system" in bench.said(line)
    run = Bubblewrap().wrap(["sh", "-c", line], Confinement((), (), 1, 1))
    assert "Read-only file system" in process.run(run, timeout_s=LONG_S).stderr


def test_cores_memory_and_sizes_are_held(bench: Bench) -> None:
    assert bench.said("nproc") == "1\n"
    assert bench.said("ulimit -d; ulimit -u; ulimit -c") == f"{2 * 10**9 // 1024}\n256\n0\n"
    assert bench.said("ulimit -f") == f"{10 * 10**9 // 1024}\n"
    assert "No space left" in bench.said("head -c 1100000000 /dev/zero > /tmp/big")


@pytest.mark.skipif(os.geteuid() == 0, reason="setrlimit(2): root's processes are not counted; run as another user")
def test_the_number_of_processes_is_held(bench: Bench) -> None:
    assert "Resource temporarily unavailable" in bench.said("for i in $(seq 300); do read -t 20 <> /dev/ptmx & done")


def test_a_shell_has_job_control_colours_and_the_size_of_its_window(bench: Bench) -> None:
    terminal = bench.open()
    try:
        _until(terminal, f"ada@{bench.appliance}:~$ ")
        terminal.write(STAY)
        _until(terminal, "started-2")
        terminal.write(b"\x1a")
        _until(terminal, "Stopped")
        terminal.write(b"jobs; echo the-$((40 + 2))\n")
        assert "no job control" not in _until(terminal, "the-42")
        terminal.resize(50, 132)
        terminal.write(b"stty size\n")
        _until(terminal, "50 132")
        terminal.write(b"fg\n")
        _until(terminal, "exec cat'")
        terminal.write(b"said\n")
        _until(terminal, "said\r\nsaid\r\n")  # once by the terminal, once by cat: it is in the foreground
        terminal.write(b"\x03")
        _until(terminal, "$ ")
        terminal.write(b"exit 3\n")
        _until(terminal, None)
        assert terminal.wait(LONG_S) == 3
        assert not terminal.alive
    finally:
        terminal.close()


def test_the_history_is_kept_from_one_terminal_to_the_next(bench: Bench) -> None:
    terminal = bench.open()
    _until(terminal, "$ ")
    terminal.write(b"echo first-$((1 + 1))\n")
    _until(terminal, "first-2")
    terminal.write(b"echo second-$((1 + 1))\n")  # done after the prompt that follows the first
    _until(terminal, "second-2")
    terminal.close()
    assert "echo first-" in (bench.people / ACCOUNT / ".bash_history").read_text()


def test_closing_ends_what_the_shell_started_and_leaves_no_zombie(bench: Bench) -> None:
    terminal = bench.open()
    pipe = bench.people / ACCOUNT / "pipe"
    os.mkfifo(pipe)
    terminal.write(b"trap '' HUP; (trap '' HUP; setsid sh -c 'echo ready; exec tail -f /dev/null' > pipe) & disown\n")
    with pipe.open("rb", buffering=0) as reader:
        assert reader.read(6) == b"ready\n"
        terminal.close()
        ended, _, _ = select.select([reader], [], [], LONG_S)
        assert ended
        assert reader.read(1) == b""
    assert not terminal.alive
    assert terminal.read(0) == b""
    assert terminal.write(b"x") == 0
    terminal.close()
    left = [child for child in psutil.Process().children() if child.status() == psutil.STATUS_ZOMBIE]
    assert left == []


def test_the_terminal_dies_with_us(bench: Bench) -> None:
    pipe = bench.system.work.root / "pipe"
    os.mkfifo(pipe)
    starter = (
        "import os, sys; from voxpop.backends import process\n"
        "t = process.open_terminal(['sh', '-c', 'exec > \"$0\"; echo ready; exec tail -f /dev/null', sys.argv[1]],"
        " env=dict(os.environ), size=(24, 80))\nt.read()"
    )
    parent = subprocess.Popen([sys.executable, "-c", starter, str(pipe)])
    try:
        with pipe.open("rb", buffering=0) as reader:
            assert reader.read(6) == b"ready\n"
            parent.kill()
            parent.wait(LONG_S)
            ended, _, _ = select.select([reader], [], [], LONG_S)
            assert ended
            assert reader.read(1) == b""
    finally:
        parent.kill()
        parent.wait(LONG_S)


def test_the_audit_log_says_who_had_a_terminal_and_nothing_of_what_was_typed(bench: Bench) -> None:
    terminal = bench.open()
    assert bench.events() == [("terminal.opened", PERSON)]
    terminal.close()
    terminal.close()
    assert bench.events() == [("terminal.opened", PERSON), ("terminal.closed", PERSON)]


def test_who_may_not_open_the_volume_today_is_given_no_terminal(bench: Bench) -> None:
    with pytest.raises(TerminalNotAllowed, match="which you may not open today"):
        bench.open(person="bob")
    assert bench.events() == []
    assert not bench.people.exists()


@pytest.mark.parametrize("account", ["", ".", "..", "a/b", ".hidden", "A", "a\n"])
def test_an_account_that_is_no_folder_of_ours_is_refused(bench: Bench, account: str) -> None:
    with pytest.raises(AccountNameInvalid):
        terminals(bench.system).open(bench.appliance, account, PERSON, SIZE)


def test_an_appliance_that_is_removed_gives_no_terminal_and_keeps_no_folder_of_a_person(bench: Bench) -> None:
    bench.said("mkdir kept; echo x > kept/y; chmod 0 kept")
    bench.system.appliances.remove(bench.appliance, PERSON)
    assert not bench.people.exists()
    assert (bench.system.work.results / "words-r1" / "report.txt").is_file()
    with pytest.raises(ApplianceNotDeployed):
        bench.open()


def test_file_modes_alone_give_no_terminal(bench: Bench) -> None:
    record = bench.system.work.appliances / bench.appliance / "deployment.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"sandbox": "file modes"}))
    with pytest.raises(TerminalNotGiven, match="gives no terminal: site 'local' holds it by 'file modes' alone"):
        bench.open()
    assert bench.events() == []


def _command(bench: Bench, *words: str) -> list[str]:
    root = str(bench.system.work.root)
    return [sys.executable, "-m", "voxpop", "appliance", "shell", bench.appliance, "--work", root, *words]


def test_the_command_does_one_line_and_answers_in_json(bench: Bench) -> None:
    words = _command(bench, "--as", PERSON, "--json", "--command", "cat $DATA/participants.tsv; exit 7")
    done = subprocess.run(words, capture_output=True, text=True, timeout=LONG_S, check=False)
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["appliance"], answer["exit_code"]) == (bench.appliance, 7)
    assert answer["output"] == "participant_id\r\nsub-aa\r\n"
    [folder] = [path.name for path in bench.people.iterdir() if path.is_dir()]
    assert folder.startswith("ada-lovelace-")


def test_the_command_without_a_terminal_says_so(bench: Bench) -> None:
    done = subprocess.run(
        _command(bench, "--as", PERSON), capture_output=True, text=True, timeout=LONG_S, check=False, input=""
    )
    assert (done.returncode, done.stderr) == (
        1,
        "voxpop: a shell needs a terminal to type into: give one line with --command instead\n",
    )


def test_the_command_passes_on_what_is_typed(bench: Bench) -> None:
    terminal = process.open_terminal(_command(bench, "--as", PERSON, "--json"), env=dict(os.environ), size=(31, 99))
    try:
        _until(terminal, "$ ")
        terminal.write(b"stty size\n")
        _until(terminal, "31 99")
        terminal.write(STAY)
        _until(terminal, "started-2")
        terminal.write(b"\x03")  # is the shell's, and ends nothing of ours
        _until(terminal, "$ ")
        terminal.resize(40, 120)
        terminal.write(b"stty size; exit 130\n")
        _until(terminal, "40 120")
        assert '"exit_code": 130' in _until(terminal, None)
        assert terminal.wait(LONG_S) == 0
    finally:
        terminal.close()


def test_without_an_entry_in_the_audit_log_there_is_no_terminal(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    monkeypatch.setattr(process, "open_terminal", lambda *given, **named: opened.append((given, named)))

    def away(event: Event) -> None:
        raise OSError(event.action)

    monkeypatch.setattr(bench.system.ledger, "record", away)
    with pytest.raises(OSError, match=r"terminal\.opened"):
        bench.open()
    assert opened == []


def test_a_terminal_that_could_not_be_opened_has_its_end_in_the_audit_log(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise process.ToolMissing("bwrap")

    monkeypatch.setattr(process, "open_terminal", broken)
    with pytest.raises(process.ToolMissing):
        bench.open()
    assert bench.events() == [("terminal.opened", PERSON), ("terminal.closed", PERSON)]
    assert bench.system.ledger.links()[-1].event.reason == "it could not be opened"


def test_two_terminals_of_a_person_that_are_opened_at_once_share_no_draft(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts, replace, both = [], Path.replace, threading.Barrier(2, timeout=LONG_S)

    def replaced(draft: Path, target: Path) -> Path:
        if target.name == f".{ACCOUNT}.passwd":
            drafts.append(draft)
            both.wait()
        return replace(draft, target)

    monkeypatch.setattr(Path, "replace", replaced)
    with ThreadPoolExecutor(2) as pool:
        opened = list(pool.map(lambda _: bench.open(line="whoami"), range(2)))
    said = [_until(one, None) for one in opened]
    for one in opened:
        one.close()
    assert said == [f"{ACCOUNT}\n"] * 2
    assert len(set(drafts)) == 2
    assert sorted(one.name for one in bench.people.iterdir()) == [f".{ACCOUNT}.passwd", ACCOUNT]
