"""Listens at the gates of appliances, each a socket in a folder that its front end sees."""

import asyncio
import contextlib
import os
import socket
import stat
import threading
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType

import uvicorn
from starlette.types import ASGIApp

from voxpop.kernel.ids import ApplianceId

SOCKET = "gate.sock"
_ENDS_IN_S = 2
_PRIVATE = 0o600


class Gates:
    """The gates that are open; a context in which they may be."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._open: dict[ApplianceId, tuple[uvicorn.Server, Future[None]]] = {}

    def __enter__(self) -> "Gates":
        """Begin to listen."""
        threading.Thread(target=self._loop.run_forever, name="gates", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close all gates."""
        for appliance in list(self._open):
            self.close(appliance)
        self._loop.call_soon_threadsafe(self._loop.stop)

    def open(self, appliance: ApplianceId, folder: Path, app: ASGIApp) -> None:
        """Open an appliance's gate.

        Raises
        ------
        OSError
            If there is no such folder, or nothing can listen in it.
        """
        listener = listening(folder)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_keep_alive=5,
            limit_concurrency=64,
            timeout_graceful_shutdown=_ENDS_IN_S,
            h11_max_incomplete_event_size=16 * 1024,
        )
        server = uvicorn.Server(config)
        ended = asyncio.run_coroutine_threadsafe(server.serve(sockets=[listener]), self._loop)
        self._open[appliance] = server, ended

    def close(self, appliance: ApplianceId) -> None:
        """Close an appliance's gate; twice is silent."""
        if appliance in self._open:
            server, ended = self._open.pop(appliance)
            server.should_exit = True
            with contextlib.suppress(Exception):  # it is closed in any case
                ended.result(_ENDS_IN_S + 1)

    def opened(self, appliance: ApplianceId) -> bool:
        """Say whether an appliance's gate is open."""
        return appliance in self._open and not self._open[appliance][1].done()


def listening(folder: Path) -> socket.socket:
    """Return a socket that listens in a folder, in the place of one that was left there.

    Notes
    -----
    unix(7): a path may have 107 bytes, which a work folder's may exceed; the folder itself, opened, has a short one.
    """
    opened = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISDIR(os.stat(SOCKET, dir_fd=opened, follow_symlinks=False).st_mode):
                raise IsADirectoryError(SOCKET)
            os.unlink(SOCKET, dir_fd=opened)
        listener = socket.socket(socket.AF_UNIX)
        os.fchmod(listener.fileno(), _PRIVATE)  # before it has a name: what bind makes is like it
        listener.bind(f"/proc/self/fd/{opened}/{SOCKET}")
        listener.listen(64)
        return listener
    finally:
        os.close(opened)
