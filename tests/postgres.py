"""A real PostgreSQL in a temporary folder, on loopback, for as long as a test module runs."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

_DEBIAN = Path("/usr/lib/postgresql")  # Debian keeps the server's programs off the PATH, a folder a version
USER, PASSWORD = "voxpop", "pa%ss word"  # what a URL has to quote


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    port: int
    folder: Path

    def database(self, name: str) -> str:
        """Make an empty database; returns its URL."""
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"postgresql://{USER}:pa%25ss%20word@127.0.0.1:{self.port}/{name}"

    def cut_connections(self, name: str) -> None:
        """End every connection to a database, as a restart of the server does."""
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            connection.execute(query, [name])

    def _dsn(self, name: str) -> str:
        return psycopg.conninfo.make_conninfo(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname=name
        )


def program(name: str) -> str | None:
    """Return where a program of the server lies; the newest version's."""
    versions = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parent.parent.name))
    return str(versions[-1]) if versions else shutil.which(name)


@contextmanager
def running() -> Iterator[Server]:
    """Make a server's files in a folder of its own and run it; stop it and remove them at the end."""
    # not below pytest's folders: root's are closed to the user that the server has to run as
    with tempfile.TemporaryDirectory(prefix="voxpop-postgres-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        files, secret = folder / "data", folder / "password"
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:  # the server refuses to run as root
            for path in (folder, secret):
                shutil.chown(path, "postgres", "postgres")
        _do("initdb", "-D", files, "-U", USER, "--pwfile", secret, "-A", "scram-sha-256", "-E", "UTF8", "--no-sync")
        port = _free_port()
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        _do("pg_ctl", "-D", files, "-w", "-l", folder / "log", "-o", f"{options} -c max_connections=200", "start")
        try:
            yield Server(port, folder)
        finally:
            _do("pg_ctl", "-D", files, "-w", "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    """Return a server for a module's tests, which mark themselves as needing it."""
    with running() as server:
        yield server


def _do(name: str, *arguments: str | Path) -> None:
    found = program(name)
    assert found is not None
    user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    argv = [found, *map(str, arguments)]
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    done = subprocess.run(
        argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/", **user
    )
    assert done.returncode == 0, done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
