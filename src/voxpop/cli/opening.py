"""How a command opens the system that it works on."""

from pathlib import Path
from typing import TYPE_CHECKING

from voxpop.kernel.clock import SystemClock
from voxpop.wiring.work import open_work

if TYPE_CHECKING:
    from voxpop.wiring.system import System


def opened(work: Path, person: str | None = None, *, create: bool = False) -> "System":
    """Open the system of a work folder; ``create`` makes the folder where there is none."""
    # A second of imports that `--help`, `--version` and completion do without.
    from voxpop.wiring.settings import read_settings
    from voxpop.wiring.system import System

    folder = open_work(work, create=create)
    return System(folder, read_settings(folder.root, person), SystemClock())
