"""The one module that starts processes."""

import ctypes
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from voxpop.kernel.errors import Absent, Unavailable

_PR_SET_PDEATHSIG = 1  # prctl(2)
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
    with (stdout or Path(os.devnull)).open("ab") as sink:
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
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
