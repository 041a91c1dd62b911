"""A Docker engine of the tests' own: started by the first who asks, stopped by the last, on a socket of its own.

Images that were built stay in a cache between test sessions, as packages do; what they are made of is in their names.
"""

import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S, until
from voxpop.appliance.model import Ground
from voxpop.appliance.recipes import find_recipes
from voxpop.backends.site.docker import DockerSite, open_site

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "voxpop-tests" / "docker"
SOCKET, PID, USERS = CACHE / "engine.sock", CACHE / "engine.pid", CACHE / "users"
HOST = f"unix://{SOCKET}"
RECIPES = ("python-imaging",)


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """Return the address of a running engine; test sessions beside each other share it."""
    if os.geteuid() != 0:
        pytest.skip("needs root, as whom a Docker engine runs")
    with borrowed_engine() as host:
        yield host


@contextmanager
def borrowed_engine() -> Iterator[str]:
    """Give the engine that everybody shares: started by the first, stopped by the last."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with _turn():
        if not _alive():
            USERS.unlink(missing_ok=True)
            _start()
        _count(1)
    try:
        yield HOST
    finally:
        with _turn():
            if _count(-1) == 0:
                _stop()


@pytest.fixture(scope="session")
def image(engine: str, repo: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the id of an image that can carry out pipelines."""
    with _turn():  # who comes second finds it built
        return docker_site(tmp_path_factory.mktemp("built"), repo, engine).build(RECIPES, print).id


@pytest.fixture(scope="session")
def slurm_image(engine: str, repo: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the id of an image that can carry out pipelines, and be the machines of a Slurm cluster."""
    with _turn():
        return docker_site(tmp_path_factory.mktemp("built"), repo, engine).build((*RECIPES, "slurm"), print).id


@pytest.fixture(scope="session")
def htcondor_image(engine: str, repo: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the id of an image that can carry out pipelines, and be the machines of an HTCondor pool."""
    with _turn():
        return docker_site(tmp_path_factory.mktemp("built"), repo, engine).build((*RECIPES, "htcondor"), print).id


def docker_site(
    folder: Path, repo: Path, engine: str, idle_s: int = 60, boot_s: int = 60, **settings: str
) -> DockerSite:
    """Open the engine as a site whose areas are in a folder."""
    ground = Ground(
        folder,
        "bubblewrap",
        network=False,
        recipes=find_recipes(repo / "recipes"),
        pipelines=repo / "pipelines",
        idle_s=idle_s,
        boot_s=boot_s,
    )
    return open_site("engine", {"host": engine, **settings}, ground)


def docker(*words: str) -> str:
    """Ask the engine by docker(1), which the tests look at it with."""
    return subprocess.run(
        ["docker", "--host", HOST, *words], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    ).stdout


def _start() -> None:
    data = ["--data-root", str(CACHE / "data"), "--exec-root", str(CACHE / "exec"), "--pidfile", str(PID)]
    SOCKET.unlink(missing_ok=True)
    PID.unlink(missing_ok=True)
    with (CACHE / "engine.log").open("w") as log:
        subprocess.Popen(
            ["dockerd", *data, "--host", HOST, "--userland-proxy=false"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    asked = ["docker", "--host", HOST, "info"]
    until(
        lambda: subprocess.run(asked, capture_output=True, check=False).returncode == 0,
        otherwise=lambda: (CACHE / "engine.log").read_text()[-2000:],
    )
    for left in docker("ps", "--all", "--quiet").split():
        docker("rm", "--force", left)


def _stop() -> None:
    process = int(PID.read_text())
    os.kill(process, signal.SIGTERM)
    until(lambda: not _alive())


def _alive() -> bool:
    try:
        process = int(PID.read_text())
        return b"dockerd" in Path(f"/proc/{process}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False


def _count(change: int) -> int:
    number = (int(USERS.read_text()) if USERS.is_file() else 0) + change
    USERS.write_text(str(number))
    return number


@contextmanager
def _turn() -> Iterator[None]:
    with (CACHE / "turn").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
