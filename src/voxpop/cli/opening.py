"""How a command opens the system that it works on."""

from pathlib import Path

from voxpop.kernel.clock import SystemClock
from voxpop.wiring.settings import read_settings
from voxpop.wiring.system import System
from voxpop.wiring.work import open_work


def opened(work: Path, person: str | None = None, *, create: bool = False) -> System:
    """Open the system of a work folder; ``create`` makes the folder where there is none."""
    folder = open_work(work, create=create)
    return System(folder, read_settings(folder.root, person), SystemClock())
