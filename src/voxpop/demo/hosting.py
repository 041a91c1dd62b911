"""The demo's archive, kept open while `voxpop serve` runs on the demo's work folder, so that more can be staged."""

from collections.abc import Iterator
from contextlib import contextmanager

from voxpop.demo.archive import TestArchive
from voxpop.demo.population import MARKER
from voxpop.wiring.system import System

ARCHIVE = "demo"


@contextmanager
def demo_archive(system: System) -> Iterator[bool]:
    """Serve the demo's population where the work folder holds one; says whether it does."""
    population = system.work.protected / "demo-population"
    known = any(one.name == ARCHIVE for one in system.archive_records.every())
    if not known or not (population / MARKER).is_file():
        yield False
        return
    with TestArchive([population / "dicom"], workdir=system.work.protected / "demo-archive") as archive:
        system.connect_archive(ARCHIVE, "dicomweb", {"url": archive.dicomweb_url}, "voxpop demo")
        yield True
