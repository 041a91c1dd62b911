"""Which sandbox keeps runs in their place on this machine."""

from functools import cache
from pathlib import Path

from voxpop.backends.sandbox.bubblewrap import NAME as BUBBLEWRAP
from voxpop.backends.sandbox.bubblewrap import Bubblewrap
from voxpop.backends.sandbox.bubblewrap import available as bubblewrap_works
from voxpop.backends.sandbox.filemodes import FileModes
from voxpop.run.ports import Sandbox


@cache
def best_sandbox(protected: Path) -> Sandbox:
    """Return bubblewrap where it works, else file modes.

    Parameters
    ----------
    protected : Path
        What no run may see.
    """
    return Bubblewrap([protected]) if bubblewrap_works() else FileModes()


def sandbox_named(name: str, protected: Path, account: int | None = None) -> Sandbox:
    """Return a sandbox by the name that a deployment gives it; ``account`` is who its children are, if not we."""
    return Bubblewrap([protected], account) if name == BUBBLEWRAP else FileModes()


def leaves_network(sandbox: Sandbox) -> bool:
    """Say whether runs in a sandbox can use the network."""
    return sandbox.name != BUBBLEWRAP
