"""What keeps a child process in its place; and what every kind of it gives the child: environment and limits."""

import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from voxpop.run.ports import Confinement

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_BYTES_PER_GB = 10**9


def child_environment(home: Path) -> dict[str, str]:
    """Return the whole environment of a confined child; nothing of ours is handed on.

    Parameters
    ----------
    home : Path
        A folder that the child may write to: its home, its temporary folder and its caches.
    """
    programs = [str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]
    return {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(home / ".matplotlib"),
        "PATH": os.pathsep.join(dict.fromkeys(programs)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        "TMPDIR": str(home),
        "TZ": "UTC",
        "USER": "voxpop",
        "XDG_CACHE_HOME": str(home / ".cache"),
        **dict.fromkeys(_THREADS, "1"),  # one job, one core: jobs run side by side instead
    }


def terminal_environment(account: str, data: Path, results: Path, home: Path) -> dict[str, str]:
    """Return the whole environment of a person's terminal.

    Its history is kept line by line: a terminal that is killed, or that is open beside another, loses none.
    """
    return child_environment(home) | {
        "DATA": str(data),
        "HISTFILE": str(home / ".bash_history"),
        "LOGNAME": account,
        "PROMPT_COMMAND": "history -a",
        "PS1": "\\u@\\h:\\w\\$ ",
        "RESULTS": str(results),
        "SHELL": "/bin/bash",
        "TERM": "xterm-256color",
        "TMPDIR": "/tmp",  # noqa: S108 -- the sandbox's own
        "USER": account,
    }


def limits(confinement: Confinement) -> list[str]:
    """Return the words before a command that hold it to its cores and its memory.

    Notes
    -----
    setrlimit(2): ``RLIMIT_DATA`` counts private writable pages of each process; ``RLIMIT_AS`` would also count files
    that are only mapped, which NumPy and Hyperscan do generously. taskset(1) and prlimit(1) are util-linux; where they
    are not installed, the limit is not set.
    """
    words: list[str] = []
    cores = sorted(os.sched_getaffinity(0))[: max(confinement.cores, 1)]
    if shutil.which("taskset"):
        words += ["taskset", "--cpu-list", ",".join(map(str, cores))]
    if shutil.which("prlimit"):
        words += ["prlimit", f"--data={max(confinement.memory_gb, 1) * _BYTES_PER_GB}", "--core=0"]
    return words


def assignments(environment: dict[str, str]) -> Sequence[str]:
    """Write an environment as env(1) takes it."""
    return [f"{name}={value}" for name, value in environment.items()]


def hand_over(folder: Path, person: int) -> None:
    """Give a folder to who works in it; only root can, and whoever else we are works there himself.

    A job that a queue still has may be at work there: each folder is held open, so that none is exchanged for a link.
    """
    if os.geteuid() != 0:
        return
    for _, folders, files, held in os.fwalk(folder):
        os.fchown(held, person, person)
        for name in (*folders, *files):
            with suppress(FileNotFoundError):
                os.chown(name, person, person, dir_fd=held, follow_symlinks=False)
