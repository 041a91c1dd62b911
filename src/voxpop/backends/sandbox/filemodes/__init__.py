"""No sandbox but the rights of files: for machines where bubblewrap is not installed, or not allowed to work."""

import os
import shutil
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from voxpop.backends import process
from voxpop.backends.sandbox import assignments, child_environment, limits
from voxpop.kernel.errors import VoxpopError
from voxpop.run.ports import Confinement

NAME = "file modes"
_END_TOGETHER = ("setpriv", "--pdeathsig=KILL")
_NO_PRIVILEGE = (*_END_TOGETHER, "--bounding-set=-all", "--inh-caps=-all")
_PATIENCE_S = 10.0


class FileModes:
    """Runs a child with a small environment; the volume's files, which nobody has the right to write, protect it.

    Notes
    -----
    capabilities(7): root passes over the rights of files by ``CAP_DAC_OVERRIDE``; setpriv(1) starts the child without
    it and all others. It protects from mistakes: who owns a file can give himself the right to write it back.
    """

    network = True
    python = sys.executable

    @property
    def name(self) -> str:
        """``file modes``; stands in the run's record."""
        return NAME

    @property
    def guarantees(self) -> tuple[str, ...]:
        """What it keeps, in words for the run's record; root with his capabilities is kept from nothing."""
        if os.geteuid() == 0 and not _can_drop():
            return ()
        return ("the volume's files have no right to write",)

    def wrap(self, command: Sequence[str], confinement: Confinement) -> Sequence[str]:
        """Return the command line that starts ``command`` with a small environment and without privileges."""
        home = confinement.read_write[0] if confinement.read_write else Path("/tmp")  # noqa: S108 -- no folder was given
        environment = assignments(child_environment(home))
        # a place without files of ours to start in: `python -m` looks for modules there first
        return [*limits(confinement), *_without_privilege(), "env", "-i", "--chdir=/", *environment, *command]


def available() -> bool:
    """Say whether it works here: env(1) is all it needs."""
    return shutil.which("env") is not None


def _without_privilege() -> Sequence[str]:
    if os.geteuid() == 0:
        return _NO_PRIVILEGE if _can_drop() else ()
    # only who has capabilities can be without them; for all others the words that take them would be refused
    return _END_TOGETHER if shutil.which("setpriv") else ()


@cache
def _can_drop() -> bool:
    """Say whether capabilities can be given up here, by trying it: a container may forbid even that."""
    try:
        return process.run([*_NO_PRIVILEGE, "true"], timeout_s=_PATIENCE_S).exit_code == 0
    except VoxpopError:
        return False
