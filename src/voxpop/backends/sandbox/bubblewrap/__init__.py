"""A sandbox by bubblewrap: own name spaces, no network, and only what the child needs is there at all."""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import voxpop
from voxpop.backends import process
from voxpop.backends.sandbox import child_environment, hand_over, limits, terminal_environment
from voxpop.kernel.errors import VoxpopError
from voxpop.run.ports import Confinement, Seat

NAME = "bubblewrap"
_HOME = Path("/tmp/home")  # noqa: S108 -- inside the sandbox, where /tmp is its own
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
# the linker's cache, links to the chosen BLAS, fonts for figures
_CONFIGURATION = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts")
_PATIENCE_S = 10.0
_PERSON = "1000"
_PLACES = ("/data", "/results", "/work")
_PLACES_ELSEWHERE = "/project"
_SHOWN_TO_PERSONS = (*_CONFIGURATION, "/etc/bash.bashrc", "/etc/inputrc", "/etc/terminfo", "/etc/localtime")
_PROCESSES = 256
_FILE_BYTES = 10 * 10**9
_MEMORY_FILES_BYTES = str(10**9)


class Bubblewrap:
    """Confines a child by bwrap(1).

    Parameters
    ----------
    hidden : sequence of Path
        Folders that must not be seen even where a folder above them is: the protected folder.
    account : int, optional
        Number of the account that the child is, where we are root and it hands jobs of that account on.
    """

    network = False
    python = sys.executable
    people: Path | None = None
    guarantees = (
        "the volume is mounted read-only",
        "there is no network",
        "nothing but the volume, the pipeline, the run's folder and the installed software can be seen",
        "all processes of a run end with it",
    )

    def __init__(self, hidden: Sequence[Path] = (), account: int | None = None) -> None:
        self._hidden = tuple(path.resolve() for path in hidden)
        self._account = account if os.geteuid() == 0 else None

    @property
    def name(self) -> str:
        """``bubblewrap``; stands in the run's record."""
        return NAME

    def home(self, folder: Path) -> str:
        """Return where a person's folder is shown."""
        del folder
        return terminal_places()[2]

    def person(self, account: str) -> int:
        """Return the number of a person's account inside."""
        del account
        return int(_PERSON)

    def wrap(self, command: Sequence[str], confinement: Confinement) -> Sequence[str]:
        """Return the command line that starts ``command`` confined: paths keep their names inside.

        Raises
        ------
        ToolMissing
            If bubblewrap is not installed.
        """
        program = shutil.which("bwrap")
        if program is None:
            raise process.ToolMissing("bwrap")
        shown = [*_python_folders(), *confinement.read_only, *confinement.read_write]
        words = [*limits(confinement), program, *_name_spaces(self._account)]
        words += [] if self._account is None else _ways(shown)
        words += [*_system(), *_python()]
        for path in confinement.read_only:
            words += ["--ro-bind", str(path), str(path)]
        for path in confinement.read_write:
            words += ["--bind", str(path), str(path)]
            if self._account is not None:
                hand_over(path, self._account)
        words += self._covers(shown)
        for name, value in child_environment(_HOME).items():
            words += ["--setenv", name, value]
        # an empty place to start in: `python -m` looks for modules there first
        return [*words, "--chdir", str(_HOME), "--", *_turned(self._account), *command]

    def wrap_terminal(self, seat: Seat, line: str | None = None) -> Sequence[str]:
        """Return the command line of a shell in its place; with ``line``, of one that does that line and ends.

        Raises
        ------
        ToolMissing
            If bubblewrap is not installed.

        Notes
        -----
        Without ``--new-session``, which would take job control away: CVE-2017-5226 is typing into the terminal of
        whoever started the sandbox, and this terminal is the person's own. The shell is process 1, so that all others
        end with it, and so that no other's command line names folders of this machine.

        The limits on processes and on a file's size are set inside: setrlimit(2) counts processes of a user within
        a user name space, but never those of root.
        """
        program = shutil.which("bwrap")
        if program is None:
            raise process.ToolMissing("bwrap")
        data, results, home = terminal_places()
        words = [*limits(Confinement((), (), seat.cores, seat.memory_gb)), program]
        words += [*_terminal_name_spaces(seat.host), *_system(_SHOWN_TO_PERSONS), *_python()]
        words += self._covers([Path("/usr"), *_python_folders()])
        words += ["--ro-bind", str(seat.accounts), "/etc/passwd", "--ro-bind", str(seat.volume), data]
        words += ["--dir", results]
        for folder in seat.results:
            words += ["--ro-bind", str(folder), f"{results}/{folder.name}"]
        words += ["--bind", str(seat.home), home]
        # what is left to write are the person's folder and two file systems in memory, each with an end
        words += ["--size", _MEMORY_FILES_BYTES, "--tmpfs", "/dev/shm", "--remount-ro", "/dev", "--remount-ro", "/"]  # noqa: S108
        environment = terminal_environment(seat.account, Path(data), Path(results), Path(home))
        for name, value in environment.items():
            words += ["--setenv", name, value]
        return [*words, "--chdir", home, "--", *_shell_limits(), "/bin/bash", *(["-c", line] if line else ["-i"])]

    def _covers(self, shown: Sequence[Path]) -> list[str]:
        """Lay an empty folder over each hidden one that would be seen."""
        words: list[str] = []
        for path in self._hidden:
            if path.is_dir() and any(path.is_relative_to(folder.resolve()) for folder in shown):
                words += ["--tmpfs", str(path)]
        return words


@cache
def available() -> bool:
    """Say whether bubblewrap works here, by trying it: a container or a kernel may forbid name spaces."""
    if shutil.which("bwrap") is None:
        return False
    confinement = Confinement((), (), cores=1, memory_gb=1)
    try:
        tried = process.run(Bubblewrap().wrap(["true"], confinement), timeout_s=_PATIENCE_S)
    except VoxpopError:
        return False
    return tried.exit_code == 0


def terminal_places() -> tuple[str, str, str]:
    """Return where a terminal shows the volume, the results and the person's folder.

    They are ``/data``, ``/results`` and ``/work``; on a machine where the software itself is installed below a folder
    of such a name, all three are below ``/project``.
    """
    taken = any(folder.is_relative_to(place) for folder in _python_folders() for place in _PLACES)
    data, results, home = (f"{_PLACES_ELSEWHERE if taken else ''}{place}" for place in _PLACES)
    return data, results, home


def _shell_limits() -> list[str]:
    if shutil.which("prlimit") is None:
        return []
    return ["prlimit", f"--nproc={_PROCESSES}", f"--fsize={_FILE_BYTES}", "--"]


def _terminal_name_spaces(host: str) -> list[str]:
    return [
        *_apart(host),
        "--as-pid-1",
        "--unshare-user",
        "--disable-userns",  # who has no name space of his own has no capability in one either
        "--uid",
        _PERSON,
        "--gid",
        _PERSON,
        "--size",
        _MEMORY_FILES_BYTES,
        "--tmpfs",
        "/tmp",  # noqa: S108 -- the sandbox's own
    ]


def _name_spaces(account: int | None) -> list[str]:
    """Set the child apart; where it becomes another account, without a user name space, in which there is none."""
    other = account is not None
    return [
        *_apart("sandbox", () if other else ("--unshare-user-try",)),
        *(("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID") if other else ()),
        "--new-session",  # CVE-2017-5226: no way to type into our terminal
        "--tmpfs",
        "/tmp",  # noqa: S108 -- the sandbox's own
        "--dir",
        str(_HOME),
        *(("--chmod", "1777", str(_HOME)) if other else ()),
        "--dir",
        "/var/tmp",  # noqa: S108 -- the sandbox's own
    ]


def _ways(shown: Sequence[Path]) -> list[str]:
    """Make the folders above what is shown: bwrap(1) makes them root's alone."""
    words: list[str] = []
    for folder in sorted({above for path in shown for above in path.parents[:-1]}):
        words += ["--perms", "0755", "--dir", str(folder)]
    return words


def _turned(account: int | None) -> list[str]:
    """Become an account for good: setpriv(1)."""
    if account is None:
        return []
    return ["setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups", "--no-new-privs", "--"]


def _apart(host: str, users: Sequence[str] = ("--unshare-user-try",)) -> list[str]:
    return [
        *users,
        "--unshare-ipc",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--die-with-parent",
        "--cap-drop",
        "ALL",
        "--hostname",
        host,
        "--clearenv",
        "--proc",
        "/proc",
        "--remount-ro",  # /proc/sys is root's to write by its files' modes, whatever capabilities he has left
        "/proc",
        "--dev",
        "/dev",
    ]


def _system(configuration: Sequence[str] = _CONFIGURATION) -> list[str]:
    words = ["--ro-bind", "/usr", "/usr"]
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), name]  # noqa: PTH115 -- as it is written, not as a Path
        elif path.is_dir():
            words += ["--ro-bind", name, name]
    for name in configuration:
        words += ["--ro-bind-try", name, name]
    return words


def _python() -> list[str]:
    words: list[str] = []
    for folder in _python_folders():
        words += ["--ro-bind", str(folder), str(folder)]
    return words


@cache
def _python_folders() -> tuple[Path, ...]:
    """Return the folders of this Python, its virtual environment and our package, those under /usr left out."""
    found: list[Path] = []
    for path in _python_parts():
        if path.exists() and not any(path.is_relative_to(known) for known in [Path("/usr"), *found]):
            found.append(path)
    return tuple(found)


def _python_parts() -> Iterator[Path]:
    for prefix in (sys.prefix, sys.base_prefix):
        yield Path(prefix)
        yield Path(prefix).resolve()
    link = Path(sys.executable)
    while link.is_symlink():  # each link of the chain must be there for the next one to be found
        link = link.parent / os.readlink(link)  # noqa: PTH115 -- one link at a time
        yield Path(os.path.normpath(link.parent.parent))
    yield Path(voxpop.__file__).resolve().parent
