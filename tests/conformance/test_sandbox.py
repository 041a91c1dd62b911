"""One suite over every sandbox: what `run.ports.Sandbox` promises, and what only bubblewrap can."""

import os
import pwd
import select
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.docker_engine import HOST, docker

from voxpop.backends import process
from voxpop.backends.sandbox import bubblewrap, filemodes
from voxpop.backends.site.docker.sandbox import DockerSandbox, Owner
from voxpop.backends.site.docker.setup import Setup
from voxpop.run.ports import Confinement, Sandbox
from voxpop.volume.seal import seal

LONG_S = 60.0
ACCOUNT = 2_000_000_101
SANDBOXES: dict[str, Callable[[], Sandbox]] = {
    "bubblewrap": bubblewrap.Bubblewrap,
    "another account": lambda: bubblewrap.Bubblewrap([], ACCOUNT),
    "file modes": filemodes.FileModes,
}
BY_BUBBLEWRAP = pytest.param("bubblewrap", marks=pytest.mark.needs("bubblewrap"))
AS_ACCOUNT = pytest.param(
    "another account",
    marks=[pytest.mark.needs("bubblewrap"), pytest.mark.skipif(os.geteuid() != 0, reason="needs root")],
)
BY_DOCKER = pytest.param("docker", marks=pytest.mark.needs("docker", "mmdebstrap"))
isolating = pytest.mark.parametrize("place", [BY_BUBBLEWRAP, AS_ACCOUNT, BY_DOCKER], indirect=True)
only_docker = pytest.mark.parametrize("place", [BY_DOCKER], indirect=True)
only_bubblewrap = pytest.mark.parametrize("place", [BY_BUBBLEWRAP], indirect=True)
only_file_modes = pytest.mark.parametrize("place", ["file modes"], indirect=True)


@dataclass(frozen=True)
class Place:
    sandbox: Sandbox
    volume: Path
    run: Path
    protected: Path

    @property
    def confinement(self) -> Confinement:
        return Confinement((self.volume,), (self.run,), cores=1, memory_gb=2)

    def python(self, program: str, *arguments: object) -> process.Finished:
        command = [self.sandbox.python, "-c", program, *map(str, arguments)]
        return process.run(self.sandbox.wrap(command, self.confinement), timeout_s=LONG_S)


@pytest.fixture(params=[BY_BUBBLEWRAP, AS_ACCOUNT, "file modes", BY_DOCKER])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    folders = [tmp_path / name for name in ("volume", "run", "protected")]
    for folder in folders:
        folder.mkdir()
    (folders[0] / "README").write_text("images\n")
    (folders[2] / "pseudonym.key").write_text("secret")
    seal(folders[0])
    if request.param == "docker":
        image = request.getfixturevalue("image")
        return Place(DockerSandbox(Setup(HOST), image, Owner("a1", "bank"), tmp_path / "leases", print), *folders)
    return Place(SANDBOXES[request.param](), *folders)


WRITE = "import sys; open(sys.argv[1], 'w').write('x')"
READ = "import sys; print(open(sys.argv[1]).read())"


def test_it_is_available_here_and_says_its_name(place: Place) -> None:
    modules = {"bubblewrap": bubblewrap, "file modes": filemodes}
    assert place.sandbox.name == "docker" or modules[place.sandbox.name].available()


def test_the_volume_can_be_read(place: Place) -> None:
    assert place.python(READ, place.volume / "README").stdout == "images\n\n"


@pytest.mark.parametrize("name", ["README", "new"])
def test_a_write_to_the_volume_fails_for_root_too(place: Place, name: str) -> None:
    done = place.python(WRITE, place.volume / name)
    assert done.exit_code != 0
    assert "Read-only file system" in done.stderr or "Permission denied" in done.stderr
    assert (place.volume / "README").read_text() == "images\n"
    assert not (place.volume / "new").exists()


def test_a_write_to_the_run_folder_works(place: Place) -> None:
    assert place.python(WRITE, place.run / "out").exit_code == 0
    assert (place.run / "out").read_text() == "x"


@isolating
def test_no_setting_of_the_kernel_can_be_changed(place: Place) -> None:
    setting = Path("/proc/sys/vm/swappiness")
    before = setting.read_text()
    done = place.python("import sys; value = open(sys.argv[1]).read(); open(sys.argv[1], 'w').write(value)", setting)
    assert done.exit_code != 0
    assert setting.read_text() == before


def test_the_environment_is_small_and_nothing_of_ours_is_in_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXPOP_SECRET", "secret")
    done = place.python("import os; print(*sorted(os.environ))")
    assert "VOXPOP_SECRET" not in done.stdout
    assert {"HOME", "LANG", "PATH", "OMP_NUM_THREADS"} <= set(done.stdout.split())


def test_the_exit_code_and_the_output_come_through(place: Place) -> None:
    done = place.python("import sys; print('out'); sys.exit(7)")
    assert (done.exit_code, done.stdout) == (7, "out\n")


def test_python_finds_voxpop_and_what_runs_need(place: Place) -> None:
    program = (
        "import cwltool.main, nibabel, numpy, scipy, voxpop.run.model, sys\n"
        "import matplotlib.pyplot as plt\n"
        "plt.plot([1, 2]); plt.savefig(sys.argv[1])\n"
        "print(numpy.linalg.inv(numpy.eye(200)).sum())"
    )
    done = place.python(program, place.run / "figure.png")
    assert (done.exit_code, done.stdout) == (0, "200.0\n"), done.stderr
    assert (place.run / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_a_module_of_voxpop_starts_by_name(place: Place) -> None:
    command = place.sandbox.wrap([place.sandbox.python, "-m", "voxpop.kernel.errors"], place.confinement)
    assert process.run(command, timeout_s=LONG_S).exit_code == 0


def test_jobs_are_held_to_their_memory(place: Place) -> None:
    program = "try:\n    bytearray(3 * 10**9)\nexcept MemoryError:\n    print('no memory')"
    assert place.python(program).stdout == "no memory\n"


@pytest.mark.parametrize("place", [BY_BUBBLEWRAP, "file modes"], indirect=True)
def test_jobs_are_held_to_their_cores(place: Place) -> None:
    assert place.python("import os; print(len(os.sched_getaffinity(0)))").stdout == "1\n"


@only_docker
def test_a_container_is_held_to_its_share_of_the_cores(place: Place) -> None:
    program = (
        "import pathlib\n"
        "new, old = pathlib.Path('/sys/fs/cgroup/cpu.max'), pathlib.Path('/sys/fs/cgroup/cpu')\n"
        "quota = new.read_text().split() if new.is_file() else"
        " [(old / f'cpu.cfs_{name}_us').read_text().strip() for name in ('quota', 'period')]\n"
        "print(int(quota[0]) / int(quota[1]))"
    )
    assert place.python(program).stdout == "1.0\n"


@only_docker
def test_nothing_is_left_of_a_container_that_ended(place: Place) -> None:
    assert place.python("print('done')").exit_code == 0
    assert docker("ps", "--all", "--quiet", "--filter", "label=voxpop.appliance=a1") == ""


@only_docker
def test_a_container_belongs_to_nobody_of_this_machine(place: Place) -> None:
    assert place.python(WRITE, place.run / "out").exit_code == 0
    owner = (place.run / "out").stat().st_uid
    assert int(place.python("import os; print(os.getuid())").stdout) == owner
    with pytest.raises(KeyError):
        pwd.getpwuid(owner)


@pytest.mark.parametrize("place", [AS_ACCOUNT], indirect=True)
def test_a_process_is_another_account_for_good(place: Place) -> None:
    assert place.python(WRITE, place.run / "out").exit_code == 0
    assert (place.run / "out").stat().st_uid == (place.run / "out").stat().st_gid == ACCOUNT
    told = place.python("import os; print(os.getresuid(), os.getresgid(), os.getgroups())").stdout
    assert told == f"({ACCOUNT}, {ACCOUNT}, {ACCOUNT}) " * 2 + "[]\n"
    again = place.python("import os\ntry: os.setuid(0)\nexcept PermissionError: print('refused')")
    assert again.stdout == "refused\n"


def test_a_process_has_no_privileges(place: Place) -> None:
    done = place.python("print(open('/proc/self/status').read())")
    capabilities = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if line.startswith("Cap"))
    assert int(capabilities["CapEff"], 16) == int(capabilities["CapPrm"], 16) == 0


STAY = "import signal; signal.alarm(600); signal.pause()"
"""Stays until a signal comes; the alarm is for a sandbox that lets it live."""


def test_the_process_dies_with_its_parent(place: Place) -> None:
    assert _outlives(place, f"import sys; f = open(sys.argv[1], 'w'); f.write('ready'); f.flush(); {STAY}") is False


@isolating
def test_what_a_process_started_dies_with_the_parent_too(place: Place) -> None:
    program = (
        "import subprocess, sys; f = open(sys.argv[1], 'w')\n"
        f"subprocess.Popen([sys.executable, '-c', {STAY!r}], stdout=f, start_new_session=True)\n"
        f"f.write('ready'); f.flush(); {STAY}"
    )
    assert _outlives(place, program) is False


@isolating
def test_what_is_protected_is_not_there(place: Place) -> None:
    done = place.python(READ, place.protected / "pseudonym.key")
    assert "No such file" in done.stderr


@only_bubblewrap
def test_little_of_this_machine_is_there(place: Place) -> None:
    seen = place.python("import os; print(*os.listdir('/'), *os.listdir('/etc'))").stdout.split()
    assert not {"home", "mnt", "srv", "boot", "shadow", "passwd", "hostname"} & set(seen)


@only_bubblewrap
def test_what_is_protected_is_covered_even_where_a_folder_above_it_is_shown(place: Place) -> None:
    work = place.protected.parent
    for shown in (Confinement((work,), (), 1, 2), Confinement((), (work,), 1, 2)):
        command = [sys.executable, "-c", READ, str(place.protected / "pseudonym.key")]
        covered = bubblewrap.Bubblewrap(hidden=[place.protected]).wrap(command, shown)
        assert "No such file" in process.run(covered, timeout_s=LONG_S).stderr
        assert process.run(bubblewrap.Bubblewrap().wrap(command, shown), timeout_s=LONG_S).stdout == "secret\n"


CONNECT = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5); print('connected')"


@isolating
def test_there_is_no_network_not_even_to_this_machine(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = place.python(CONNECT, server.getsockname()[1])
    assert done.exit_code != 0
    assert "connected" not in done.stdout
    interfaces = place.python("import socket; print(*[name for _, name in socket.if_nameindex()])")
    assert interfaces.stdout.split() == ["lo"]
    assert bubblewrap.Bubblewrap.network is False


@isolating
def test_other_processes_cannot_be_seen(place: Place) -> None:
    done = place.python("import os; print(*[name for name in os.listdir('/proc') if name.isdigit()])")
    assert str(os.getpid()) not in done.stdout.split()
    assert len(done.stdout.split()) <= 3


@isolating
def test_the_volume_cannot_be_mounted_again_with_the_right_to_write(place: Place) -> None:
    done = process.run(
        place.sandbox.wrap(["mount", "-o", "remount,rw,bind", str(place.volume)], place.confinement),
        timeout_s=LONG_S,
    )
    assert done.exit_code != 0


@only_file_modes
def test_file_modes_say_that_the_network_is_open_and_it_is(place: Place) -> None:
    assert filemodes.FileModes.network is True
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert place.python(CONNECT, server.getsockname()[1]).stdout == "connected\n"


@only_file_modes
def test_file_modes_promise_nothing_to_root_who_cannot_give_up_his_privileges(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert filemodes.FileModes().guarantees
    monkeypatch.setattr("voxpop.backends.sandbox.filemodes.os.geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    filemodes._can_drop.cache_clear()
    try:
        assert filemodes.FileModes().guarantees == ()
        assert "setpriv" not in place.sandbox.wrap(["true"], place.confinement)
    finally:
        filemodes._can_drop.cache_clear()


def test_without_the_program_bubblewrap_is_not_available(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    bubblewrap.available.cache_clear()
    try:
        assert bubblewrap.available() is False
        with pytest.raises(process.ToolMissing):
            bubblewrap.Bubblewrap().wrap(["true"], Confinement((), (), 1, 1))
    finally:
        bubblewrap.available.cache_clear()


def _outlives(place: Place, program: str) -> bool:
    """Say whether anything still holds the pipe open after the process that started the sandbox was killed."""
    pipe = place.run / "pipe"
    os.mkfifo(pipe)
    command = list(place.sandbox.wrap([place.sandbox.python, "-c", program, str(pipe)], place.confinement))
    starter = f"from voxpop.backends import process; process.start({command!r}).wait()"
    parent = subprocess.Popen([sys.executable, "-c", starter])
    try:
        with pipe.open("rb", buffering=0) as reader:
            assert reader.read(5) == b"ready"
            parent.kill()
            parent.wait(LONG_S)
            ended, _, _ = select.select([reader], [], [], LONG_S)
            return not (ended and reader.read(1) == b"")
    finally:
        parent.kill()
        parent.wait(LONG_S)
