"""Files a second of de-identification, side by side with dicognito in one run.

Usage::

    python benchmarks/deid_speed.py [--data FOLDER] [--limit FILES] [--json]

Copies the CT files to a RAM disk first and writes there, so that no disk stands in the way. Both read every file,
change it and write it; neither decodes pixels. voxpop's residual scan is not part of it.
"""

import argparse
import json
import shutil
import tempfile
import time
import warnings
from pathlib import Path

from voxpop.staging.deid import deid_folder, load_profile

SETS = ("ct-thorax-ge-jpegls", "ct-head-ge-tilt", "ct-head-philips")
SMALLEST_BYTES = 100_000  # directories and notes are no images
REPEATS = 3
SECRET = bytes(range(32))


def copied(data: Path, ram: Path, limit: int) -> list[Path]:
    """Copy the CT files to the RAM disk."""
    source = ram / "in"
    source.mkdir()
    found = (path for name in SETS for path in sorted((data / name).rglob("*")))
    files = [path for path in found if path.is_file() and path.stat().st_size > SMALLEST_BYTES][:limit]
    for number, path in enumerate(files):
        shutil.copyfile(path, source / f"{number:05d}.dcm")
    return sorted(source.iterdir())


def by_voxpop(ram: Path) -> int:
    """De-identify the folder and return how many files were written."""
    return deid_folder(ram / "in", ram / "voxpop", load_profile(), SECRET, "benchmark").written


def by_dicognito(ram: Path, files: list[Path]) -> int:
    """De-identify the files with dicognito's defaults and return how many were written."""
    import pydicom
    from dicognito.anonymizer import Anonymizer

    target = ram / "dicognito"
    target.mkdir()
    anonymizer = Anonymizer()
    for path in files:
        image = pydicom.dcmread(path)
        anonymizer.anonymize(image)
        image.save_as(target / path.name)
    return len(files)


def measured(data: Path, limit: int) -> dict[str, float]:
    """Return the best rate of each of several runs, and their ratio."""
    rates = {"voxpop": 0.0, "dicognito": 0.0}
    ram_disk = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=ram_disk if ram_disk.is_dir() else None) as folder:
        ram = Path(folder)
        files = copied(data, ram, limit)
        runs = {"voxpop": lambda: by_voxpop(ram), "dicognito": lambda: by_dicognito(ram, files)}
        for _ in range(REPEATS):
            for name, run in runs.items():
                shutil.rmtree(ram / name, ignore_errors=True)
                began = time.perf_counter()
                written = run()
                rates[name] = max(rates[name], written / (time.perf_counter() - began))
    return {"files": len(files), **rates, "ratio": rates["voxpop"] / rates["dicognito"]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    figures = measured(asked.data, asked.limit)
    if asked.json:
        print(json.dumps(figures))
        return
    print(f"{'tool':<12}{'files/s':>10}")
    for name in ("voxpop", "dicognito"):
        print(f"{name:<12}{figures[name]:>10.0f}")
    print(f"ratio {figures['ratio']:.1f} over {figures['files']:.0f} CT files (goal: at least 5)")


if __name__ == "__main__":
    main()
