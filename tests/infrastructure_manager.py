"""The real Infrastructure Manager, on this machine alone: its REST service, whose cloud is the tests' engine.

The service is GPL-3 and lives in a virtual environment of its own, which `make .venv-im/installed` makes. Its connector
speaks TCP only and always pulls from a registry on port 80, so both are there, on 127.0.0.1.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.docker_engine import SOCKET, docker
from tests.waiting import until
from voxpop.backends.site.docker.engine import DockerEngine
from voxpop.backends.site.docker.images import base_image
from voxpop.backends.site.docker.setup import MIRROR, read_setup
from voxpop.kernel.digests import sha256_file, sha256_json

CACHE = SOCKET.parent.parent / "im"
_REGISTRY = "127.0.0.1"  # the connector splits an image's name at its first colon, so the port is the usual one, 80
_CONFIGURED_S = 400  # 50 s on a machine that does nothing else
_CONFIGURATION = """\
[im]
REST_ADDRESS = 127.0.0.1
REST_PORT = {port}
DATA_DB = sqlite://{folder}/infrastructures.db
USER_DB = {folder}/users.json
LOG_FILE = {folder}/im.log
LOG_LEVEL = INFO
CHECK_CTXT_PROCESS_INTERVAL = 1
CONFMAMAGER_CHECK_STATE_INTERVAL = 1
UPDATE_CTXT_LOG_INTERVAL = 2
VM_INFO_UPDATE_FREQUENCY = 2
MAX_SIMULTANEOUS_LAUNCHES = 1
"""


@dataclass(frozen=True, slots=True)
class Manager:
    """A running service.

    Parameters
    ----------
    users : Path
        Its file of users.
    cloud_auth : Path
        The line that names its cloud.
    log : Path
        What it writes.
    """

    url: str
    image: str
    users: Path
    cloud_auth: Path
    log: Path

    def settings(self) -> dict[str, str]:
        """Return how a site is connected to it."""
        return {
            "url": self.url,
            "image": self.image,
            "user_db": str(self.users),
            "cloud_auth_file": str(self.cloud_auth),
            "patience_s": str(_CONFIGURED_S),
        }


@pytest.fixture(scope="session")
def manager(engine: str, repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    """Return a running service whose cloud is the tests' engine."""
    with infrastructure_manager(repo, engine, tmp_path_factory.mktemp("im")) as running:
        yield running


@contextmanager
def infrastructure_manager(repo: Path, engine: str, folder: Path) -> Iterator[Manager]:
    """Start a registry with the machines' image, a way to the engine by TCP, and the service; stop them in the end."""
    service = repo / ".venv-im" / "bin" / "im_service"
    assert service.is_file(), "make .venv-im/installed"
    with ExitStack() as stack:
        stack.enter_context(_registry())
        image = _image(repo, engine)
        engine_port = stack.enter_context(_by_tcp(SOCKET))
        port = _free_port()
        _configure(repo, folder, port)
        stack.enter_context(_running([str(service)], folder, f"http://127.0.0.1:{port}/version"))
        users, cloud = folder / "users.json", folder / "cloud-auth"
        cloud.write_text(f"id = engine; type = Docker; host = http://127.0.0.1:{engine_port}\n")
        cloud.chmod(0o600)
        yield Manager(f"http://127.0.0.1:{port}", f"docker://{image}", users, cloud, folder / "im.log")


def _configure(repo: Path, folder: Path, port: int) -> None:
    """Write the settings, which the service looks for beside its package; a run has them for itself."""
    (folder / "users.json").write_text('{"users": []}')
    (folder / "im.cfg").write_text(_CONFIGURATION.format(port=port, folder=folder))
    packages = next((repo / ".venv-im" / "lib").glob("python3*")) / "site-packages"
    (packages / "im.cfg").unlink(missing_ok=True)
    (packages / "im.cfg").symlink_to(folder / "im.cfg")


def _image(repo: Path, engine: str) -> str:
    """Return the name of the machines' image in the registry; it is built and pushed where it is not there."""
    sources = [repo / "tests" / "data" / "im", repo / "recipes" / "cluster-node" / "files"]
    files = sorted(path for one in sources for path in one.rglob("*") if path.is_file() and ".mypy" not in str(path))
    with tempfile.TemporaryDirectory() as folder:
        base = base_image(DockerEngine("engine", read_setup("engine", {"host": engine}), Path(folder)), MIRROR, print)
        digest = sha256_json([base, *(f"{path.name} {sha256_file(path)}" for path in files)])[:16]
        name = f"{_REGISTRY}/voxpop-im-node:{digest}"
        if not docker("images", "--quiet", name):
            for one in sources:
                shutil.copytree(one, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            words = ["--build-arg", f"BASE={base}", "--build-arg", f"MIRROR={MIRROR}", "--network", "host"]
            _docker_slowly("build", "--quiet", *words, "--tag", name, folder)
    if httpx.get(f"http://{_REGISTRY}/v2/voxpop-im-node/manifests/{digest}", headers=_MANIFEST).is_error:
        _docker_slowly("push", "--quiet", name)
    return name


_MANIFEST = {"accept": "application/vnd.docker.distribution.manifest.v2+json"}


def _docker_slowly(*words: str) -> None:
    environment = {**os.environ, "DOCKER_BUILDKIT": "0", "DOCKER_HOST": f"unix://{SOCKET}"}
    done = subprocess.run(["docker", *words], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@contextmanager
def _registry() -> Iterator[None]:
    folder = CACHE / "registry"
    folder.mkdir(parents=True, exist_ok=True)
    settings = CACHE / "registry.yml"
    settings.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}}}}}\nhttp: {{addr: '{_REGISTRY}:80'}}\n"
    )
    with _running(["docker-registry", "serve", str(settings)], CACHE, f"http://{_REGISTRY}/v2/"):
        yield


@contextmanager
def _running(command: list[str], folder: Path, url: str) -> Iterator[None]:
    """Run a server until the end of the context; it keeps what it leaves behind in a folder."""
    log = folder / f"{Path(command[0]).name}.log"
    home = {"HOME": str(folder), "TMPDIR": str(folder), "ANSIBLE_LOCAL_TEMP": str(folder)}
    path = {"PATH": f"{Path(command[0]).parent}:{os.environ['PATH']}", "ANSIBLE_HOST_KEY_CHECKING": "False"}
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **home, **path}, stdin=subprocess.DEVNULL, stdout=stream,
            stderr=stream, start_new_session=True,
        )  # fmt: skip
    try:
        until(lambda: _answers(url) and process.poll() is None, otherwise=lambda: log.read_text()[-2000:])
        yield
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.HTTPError:
        return False


@contextmanager
def _by_tcp(path: Path) -> Iterator[int]:
    """Pass what comes to a port of 127.0.0.1 on to a unix socket; returns the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server, path), daemon=True).start()
        yield int(server.getsockname()[1])


def _serve(server: socket.socket, path: Path) -> None:
    with suppress(OSError):  # closed in the end
        while True:
            here, _ = server.accept()
            there = socket.socket(socket.AF_UNIX)
            there.connect(str(path))
            for source, target in ((here, there), (there, here)):
                threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
