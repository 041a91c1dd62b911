"""The daemons of a machine: started in order, and ended together when one ends or the machine is told to."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PATIENCE_S = 5.0
_PAUSE_S = 0.1


def _at_once() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Daemon:
    """A program that stays.

    Parameters
    ----------
    user : str
        Who it runs as.
    ready : callable
        Says whether what comes after it may be started.
    farewell : int
        The signal that ends it and what it has started.
    again_s : float
        For so long it is started again when it ends: one that has to find another machine may be too early.
    logs : tuple of Path
        What it writes beside its standard error; the last lines are told when it ends by itself.
    """

    command: tuple[str, ...]
    user: str = "root"
    ready: Callable[[], bool] = _at_once
    farewell: signal.Signals = signal.SIGTERM
    again_s: float = 0.0
    logs: tuple[Path, ...] = ()


class Stopped(Exception):
    """The machine was told to end."""


def stay(daemons: Sequence[Daemon], patience_s: float) -> int:
    """Start daemons one after the other and stay until one ends, or until SIGTERM; then end them all.

    Returns
    -------
    int
        0 where the machine was told to end, else 1.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Stopped

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    running: list[tuple[Daemon, subprocess.Popen[bytes]]] = []
    try:
        for daemon in daemons:
            running.append((daemon, _start(daemon)))
            _await(daemon, running[-1][1], patience_s)
        return _watch(running)
    except Stopped:
        return 0
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end(running)


def _start(daemon: Daemon) -> "subprocess.Popen[bytes]":
    environment = {"PATH": PATH, "LANG": "C.UTF-8"}
    return subprocess.Popen(daemon.command, user=daemon.user, group=daemon.user, env=environment)


def _await(daemon: Daemon, process: "subprocess.Popen[bytes]", patience_s: float) -> None:
    end = time.monotonic() + patience_s
    while not daemon.ready() and process.poll() is None and time.monotonic() < end:
        time.sleep(_PAUSE_S)


def _watch(running: list[tuple[Daemon, "subprocess.Popen[bytes]"]]) -> int:
    begun = time.monotonic()
    while True:
        for place, (daemon, process) in enumerate(running):
            code = process.poll()
            if code is None:
                continue
            if time.monotonic() - begun < daemon.again_s:
                time.sleep(1)
                running[place] = (daemon, _start(daemon))
                continue
            _tell(daemon, code)
            return 1
        time.sleep(_PAUSE_S)


def _tell(daemon: Daemon, code: int) -> None:
    for log in daemon.logs:
        if log.is_file():
            sys.stderr.write("".join(log.read_text(errors="replace").splitlines(keepends=True)[-20:]))
    sys.stderr.write(f"voxpop-node: {Path(daemon.command[0]).name} ended with {code}\n")


def _end(running: list[tuple[Daemon, "subprocess.Popen[bytes]"]]) -> None:
    """End the last first, which needs those before it."""
    for daemon, process in reversed(running):
        if process.poll() is None:
            process.send_signal(daemon.farewell)
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
