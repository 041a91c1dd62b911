"""A cluster that others keep, as a bank sees it: a real queue on the tests' engine behind a real ssh, on 127.0.0.1."""

import asyncio
import shlex
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from tests.docker_engine import HOST
from tests.integration.test_cluster_docker import Bench, stood
from tests.waiting import PATIENCE_S
from voxpop.appliance.model import Ground
from voxpop.backends.site.cluster import ClusterSite, open_site

ACCOUNT = "project"
_PATH = "/opt/voxpop/bin:/usr/local/bin:/usr/bin:/bin"


@dataclass
class OthersCluster:
    """The cluster, and how a site is connected to it.

    Parameters
    ----------
    bench : Bench
        Its machines; they see ``bench.bench`` under that name.
    """

    bench: Bench
    port: int
    key: Path
    known_hosts: Path

    def settings(self, **changed: str) -> dict[str, str]:
        """Return how a site is connected to it."""
        return {
            "queue": self.bench.queue,
            "host": f"{ACCOUNT}@127.0.0.1:{self.port}",
            "key_file": str(self.key),
            "known_hosts_file": str(self.known_hosts),
            "folder": str(self.bench.bench),
            "workers": "2",
            "cores": "1",
            "memory_gb": "1",
            "path": _PATH,
            **changed,
        }

    def site(self, folder: Path, **changed: str) -> ClusterSite:
        """Open it as a site of a bank whose working areas are in a folder."""
        ground = Ground(folder, "bubblewrap", network=False, pipelines=self.bench.repo / "pipelines")
        return open_site("institute", self.settings(**changed), ground)


@contextmanager
def others_cluster(
    root: Path,
    repo: Path,
    engine: str,
    queue: str,
    volume: Path | None = None,
    tools: Sequence[str] = ("python-imaging",),
) -> Iterator[OthersCluster]:
    """Put up a cluster with one worker and an ssh server in front of it, and take them away; see `Bench`."""
    bench = Bench(root, repo, engine, queue, volume, tools)
    with stood(bench, "w1"), _ssh_server(bench.machine("front"), root / "client-key") as (port, host_key):
        known = root / "known-hosts"
        known.write_text(f"[127.0.0.1]:{port} {host_key}\n")
        yield OthersCluster(bench, port, root / "client-key", known)


@contextmanager
def _ssh_server(container: str, client_key: Path) -> Iterator[tuple[int, str]]:
    """Serve ssh whose commands are done in a container, by the account that one logs in as."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(str(client_key))
    client_key.chmod(0o600)
    host_key = asyncssh.generate_private_key("ssh-ed25519")

    async def serve_one(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        user = process.get_extra_info("username")
        words = ["--host", HOST, "exec", "--interactive", "--user", user, container, "/bin/sh", "-c"]
        done = await asyncio.create_subprocess_exec(
            "docker", *words, process.command or "false", stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await done.communicate(await process.stdin.read())
        process.stdout.write(out)
        process.stderr.write(err)
        process.exit(done.returncode or 0)

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[host_key], process_factory=serve_one, encoding=None,
            authorized_client_keys=asyncssh.import_authorized_keys(key.export_public_key().decode()),
        )  # fmt: skip

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(listen(), loop).result(PATIENCE_S)
    try:
        yield listening.get_port(), shlex.join(host_key.export_public_key().decode().split()[:2])
    finally:
        loop.call_soon_threadsafe(listening.close)
        asyncio.run_coroutine_threadsafe(listening.wait_closed(), loop).result(PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
