"""The one module that starts processes."""

import ctypes
import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ptyprocess import PtyProcess

from voxpop.kernel.errors import Absent, Unavailable
from voxpop.kernel.plainfiles import append_plain

_PR_SET_PDEATHSIG = 1  # prctl(2)
_LIBC = ctypes.CDLL(None)  # found before a fork: between fork and exec there is little that is safe to do
_READ_BYTES = 65536
_WRITE_PATIENCE_S = 5.0
_HANGUP_PATIENCE_S = 0.5
_KILL_PATIENCE_S = 10.0
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "HOME", "SSL_CERT_FILE")


class ToolMissing(Absent):
    """A program that is needed is not installed."""

    code = "tool-missing"

    def __init__(self, tool: str) -> None:
        super().__init__(f"the program '{tool}' is not installed here: install it and try again")
        self.tool = tool


class ToolTimedOut(Unavailable):
    """A program did not end in its time."""

    code = "tool-timed-out"

    def __init__(self, tool: str, timeout_s: float) -> None:
        super().__init__(f"the program '{tool}' did not end within {timeout_s:g} s and was stopped")
        self.tool = tool


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has ended."""

    exit_code: int
    stdout: str
    stderr: str


class Child:
    """A program that runs beside us and dies with us."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._process.poll()

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for the end and return the exit code; negative for a signal."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired as late:
            raise ToolTimedOut(_tool_name(self._process.args), timeout_s or 0) from late

    def terminate(self) -> None:
        """Ask the program to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End the program at once."""
        self._process.kill()


class Terminal:
    """A program on a pseudo-terminal of its own; it dies with us, and with ``close``.

    Read from one thread at a time; ``write``, ``resize`` and ``close`` may come from any.
    """

    def __init__(self, process: PtyProcess) -> None:
        self._process = process
        self._end = os.pidfd_open(process.pid)  # readable once the program has ended
        self._exit_code: int | None = None
        self._closed = False
        self._reading, self._typing, self._reaping, self._closing = (threading.Lock() for _ in range(4))
        os.set_blocking(process.fd, False)

    def fileno(self) -> int:
        """Return the descriptor that is readable when there is something to read, or the end."""
        return int(self._process.fd)

    @property
    def alive(self) -> bool:
        """Whether the program runs."""
        return self.wait(0) is None

    def read(self, timeout_s: float | None = None) -> bytes | None:
        """Return what the program wrote; ``b""`` at its end.

        Parameters
        ----------
        timeout_s : float, optional
            How long to wait; None waits for ever, 0 is for an event loop that watches ``fileno()``.

        Returns
        -------
        bytes or None
            None if nothing came in time.
        """
        with self._reading:
            if self._closed:
                return b""
            if not select.select([self._process.fd], [], [], timeout_s)[0]:
                return None
            try:
                return os.read(self._process.fd, _READ_BYTES)
            except OSError as end:  # EIO: pty(7), nobody has the other side open any more
                return None if isinstance(end, BlockingIOError) else b""

    def write(self, keys: bytes) -> int:
        """Type ``keys``; returns how many bytes were taken: what the program does not take within 5 s is dropped."""
        sent = 0
        until = time.monotonic() + _WRITE_PATIENCE_S
        with self._typing, suppress(OSError):  # an end is told by `read`
            while not self._closed and sent < len(keys):
                left = max(until - time.monotonic(), 0)
                _, taking, _ = select.select([self._end], [self._process.fd], [], left)
                if not taking:
                    break
                sent += os.write(self._process.fd, keys[sent:])
        return sent

    def resize(self, rows: int, cols: int) -> None:
        """Tell the program how large the window is."""
        with self._typing, suppress(OSError):  # it has ended
            if not self._closed:
                self._process.setwinsize(*_within_winsize(rows, cols))

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for the end; returns the exit code, negative for a signal, or None if it still runs."""
        ended = self._closed or bool(select.select([self._end], [], [], timeout_s)[0])
        with self._reaping:
            if ended and self._exit_code is None and not self._closed:
                _, status = os.waitpid(self._process.pid, 0)
                self._exit_code = os.waitstatus_to_exitcode(status)
            return self._exit_code

    def close(self) -> None:
        """End the program and its process group: hang up, wait half a second, kill. Twice is silent."""
        with self._closing:
            if self._closed:
                return
            self._hang_up()
            if self.wait(_HANGUP_PATIENCE_S) is None:
                os.killpg(self._process.pid, signal.SIGKILL)
                self.wait(_KILL_PATIENCE_S)
            # whoever reads or types sees the end first: a closed descriptor's number may be another file's at once
            with self._reading, self._typing, self._reaping:
                self._closed = True
                os.close(self._end)
                self._process.closed = True  # else ptyprocess would end the process of that number once more
                with suppress(OSError):
                    self._process.fileobj.close()

    def _hang_up(self) -> None:
        """Tell the program in the foreground: a shell saves its history and tells its jobs."""
        with suppress(OSError):  # it has ended
            group = os.tcgetpgrp(self._process.fd)
            if group > 1:  # 0 would be ourselves
                os.killpg(group, signal.SIGHUP)


def open_terminal(argv: Sequence[str], *, env: Mapping[str, str], size: tuple[int, int]) -> Terminal:
    """Start a program on a pseudo-terminal of its own, in a session of its own.

    Parameters
    ----------
    env : mapping
        The whole environment.
    size : (rows, columns)

    Raises
    ------
    ToolMissing
        If the program is not there.

    Notes
    -----
    prctl(2): ``PR_SET_PDEATHSIG`` comes when the *thread* ends that forked. A web server's threads end when they are
    idle, so one thread that stays starts all terminals.
    """
    command = _found(argv)
    started = _starter().submit(
        PtyProcess.spawn,
        command,
        env=dict(env),
        preexec_fn=_die_with_parent_on_terminal,
        dimensions=_within_winsize(*size),
    )
    return Terminal(started.result())


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    stdin: str | None = None,
) -> Finished:
    """Run a program to its end.

    Parameters
    ----------
    env : mapping, optional
        The whole environment; by default only what a tool needs to find itself.

    Raises
    ------
    ToolMissing
        If the program is not there.
    ToolTimedOut
        If it did not end within ``timeout_s`` seconds; it is stopped first.
    """
    try:
        done = subprocess.run(
            _found(argv),
            cwd=cwd,
            env=_environment(env),
            timeout=timeout_s,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            preexec_fn=_die_with_parent,
        )
    except FileNotFoundError as missing:
        raise ToolMissing(argv[0]) from missing
    except subprocess.TimeoutExpired as late:
        raise ToolTimedOut(argv[0], timeout_s or 0) from late
    return Finished(done.returncode, done.stdout, done.stderr)


def start(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdout: Path | None = None,
) -> Child:
    """Start a program and go on; its output is appended to ``stdout``, or thrown away.

    Raises
    ------
    ToolMissing
        If the program is not there.
    """
    command = _found(argv)
    with append_plain(stdout.parent, stdout.name) if stdout else Path(os.devnull).open("ab") as sink:
        return Child(
            subprocess.Popen(
                command,
                cwd=cwd,
                env=_environment(env),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,
            )
        )


def _found(argv: Sequence[str]) -> list[str]:
    program = shutil.which(argv[0])
    if program is None:
        raise ToolMissing(argv[0])
    return [program, *argv[1:]]


def _environment(env: Mapping[str, str] | None) -> dict[str, str]:
    if env is not None:
        return dict(env)
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


def _tool_name(args: object) -> str:
    return Path(str(args[0])).name if isinstance(args, list) else "program"


def _die_with_parent() -> None:
    # Ctrl-C reaches every process of a terminal; it is for the parent, and a tool that it ended would look broken.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _die_with_parent_on_terminal() -> None:
    # Ctrl-C of this terminal is the program's own; Python ignores the other two, and what is ignored is inherited.
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@cache
def _starter() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="terminals")


def _within_winsize(rows: int, cols: int) -> tuple[int, int]:
    """Keep a size to what a terminal can have: ioctl_tty(2) takes 16 bits, and nobody has a screen of 1000 lines."""
    return min(max(rows, 1), 1000), min(max(cols, 1), 1000)
