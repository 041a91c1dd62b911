"""From archive to sealed volume, per slice, beside dcm2niix alone on the same files.

    python benchmarks/staging_speed.py [--patients N]

Makes the demo's population, serves it from the test archive, stages it by the product's own durable work, then
converts the same CT series with the bare dcm2niix. Goal: at most 12 ms a slice and 10 s beyond dcm2niix's own time.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dcm2niix

from voxpop.application.document import read_document, template
from voxpop.demo.archive import TestArchive
from voxpop.demo.population import make_population
from voxpop.demo.service import COMMITTEE, RESEARCHER
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.ids import ApplicationId
from voxpop.wiring.settings import read_settings
from voxpop.wiring.system import System
from voxpop.wiring.work import open_work
from voxpop.worker.runtime import running

MS_A_SLICE = 12
BEYOND_S = 10


def main() -> int:
    """Measure, print a table and a JSON line; exit 1 if the goal is missed."""
    options = argparse.ArgumentParser()
    options.add_argument("--patients", type=int, default=24)
    patients = options.parse_args().patients
    with tempfile.TemporaryDirectory(prefix="voxpop-bench-") as folder:
        system = System(open_work(Path(folder) / "work", create=True), read_settings(Path(folder)), SystemClock())
        population = make_population(system.work.protected / "demo-population", patients=patients)
        staged_s = staging_seconds(system, population.dicom, population.clinical, patients)
        bare_s = dcm2niix_seconds(population.dicom, Path(folder) / "bare")
    allowed_s = bare_s + population.slices * MS_A_SLICE / 1000 + BEYOND_S
    figures = {
        "slices": population.slices,
        "staged_s": round(staged_s, 2),
        "dcm2niix_s": round(bare_s, 2),
        "allowed_s": round(allowed_s, 2),
        "ms_a_slice_beyond_dcm2niix": round((staged_s - bare_s) * 1000 / population.slices, 2),
    }
    for name, value in figures.items():
        print(f"{name:<28} {value}")
    print(json.dumps(figures))
    return 0 if staged_s <= allowed_s else 1


def staging_seconds(system: System, dicom: Path, clinical: Path, patients: int) -> float:
    """Return the seconds from the first retrieval to the sealed volume."""
    text = template().replace("number: 12", f"number: {patients // 2}")
    application = read_document(text, "application.yaml")
    with TestArchive([dicom], workdir=system.work.protected / "archive") as archive:
        system.connect_archive("bench", "dicomweb", {"url": archive.dicomweb_url})
        system.harvest("bench")
        system.load_clinical(clinical)
        system.applications.draft(application, RESEARCHER)
        system.applications.submit(application.id, RESEARCHER)
        system.applications.take_up(application.id, COMMITTEE)
        system.applications.approve(application.id, COMMITTEE, "benchmark")
        with running(system, "benchmark") as runtime:
            begun = time.perf_counter()
            runtime.stage(ApplicationId(application.id))
            return time.perf_counter() - begun


def dcm2niix_seconds(dicom: Path, into: Path) -> float:
    """Return the seconds that dcm2niix takes for the same files, uncompressed."""
    into.mkdir()
    begun = time.perf_counter()
    subprocess.run([dcm2niix.bin, "-b", "y", "-z", "n", "-o", str(into), str(dicom)], capture_output=True, check=False)
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
