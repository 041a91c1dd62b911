"""How near the bone density pipeline comes to the truth, on phantom populations that it was never tuned on.

    python benchmarks/pipeline_truth.py [--seeds 1 2 3] [--keep FOLDER] [--json]

For each seed: how many measurable levels got a number, the largest and the mean distance from the truth in HU, and
each level that is off by more than 5 HU, was not found, or got a number although it cannot be measured.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import dcm2niix

from voxpop.demo.population import make_population

TOOLS = Path(__file__).resolve().parents[1] / "pipelines" / "bone-density" / "1.0.0" / "tools"
TOLERANCE_HU = 5.0
SEEDS = (1, 2, 3)


@dataclass(slots=True)
class Tally:
    """What came out of one population."""

    seed: int
    measurable: int = 0
    measured: int = 0
    off_hu: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """Return the figures."""
        return {
            "seed": self.seed,
            "measurable": self.measurable,
            "measured": self.measured,
            "largest_hu": round(max(self.off_hu, default=0.0), 1),
            "mean_hu": round(fmean(self.off_hu), 2) if self.off_hu else None,
            "wrong": self.wrong,
        }


def main() -> int:
    """Measure each population and print a table; exit 1 where a number is more than 5 HU off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--keep", type=Path, help="keep populations and images here, and use those that are there")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="voxpop-bench-") as folder:
        tallies = [_tally(seed, (options.keep or Path(folder)) / str(seed)) for seed in options.seeds]
    rows = [tally.row() for tally in tallies]
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        _print_table(rows)
    return int(any(row["largest_hu"] > TOLERANCE_HU for row in rows))


def _print_table(rows: Sequence[dict[str, Any]]) -> None:
    print(f"{'seed':>5} {'measurable':>11} {'measured':>9} {'largest HU':>11} {'mean HU':>8}")
    for row in rows:
        print(
            f"{row['seed']:>5} {row['measurable']:>11} {row['measured']:>9} {row['largest_hu']:>11} {row['mean_hu']:>8}"
        )
        for line in row["wrong"]:
            print(f"      {line}")


def _tally(seed: int, folder: Path) -> Tally:
    folder.mkdir(parents=True, exist_ok=True)
    population = make_population(folder / "population", seed=seed)
    truths = json.loads(population.truth.read_text(encoding="utf-8"))["patients"]
    tally = Tally(seed)
    with ProcessPoolExecutor(2) as pool:
        folders = [folder / "measured" / truth["patient"] for truth in truths]
        series = [population.dicom / truth["patient"] / "ST1" / "SE2" for truth in truths]
        for truth, rows in zip(truths, pool.map(_measured, series, folders), strict=True):
            _compare(tally, truth, rows)
    return tally


def _measured(series: Path, folder: Path) -> list[dict[str, Any]]:
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / "scan.nii"
    if not image.is_file():
        program = str(Path(dcm2niix.__file__).parent / "dcm2niix")
        command = [program, "-b", "n", "-f", "scan", "-o", str(folder), str(series)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    _run("segment", folder, "scan.nii")
    _run("measure", folder, "scan.nii", "scan_labels.nii.gz", "scan_landmarks.json")
    rows: list[dict[str, Any]] = json.loads((folder / "scan_measured.json").read_text(encoding="utf-8"))
    return rows


def _run(tool: str, folder: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, str(TOOLS / f"{tool}.py"), *arguments], cwd=folder, check=True)


def _compare(tally: Tally, truth: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    found = {row["level"]: row for row in rows}
    for name, level in truth["levels"].items():
        row = found.get(name)
        hu = row and row["mean_hu"]
        tally.measurable += level["measurable"]
        place = f"{truth['patient']} {name}"
        if hu is None:
            if level["measurable"]:
                tally.wrong.append(f"{place}: {row['reason'] if row else 'no row'}")
        elif not level["measurable"]:
            tally.wrong.append(f"{place}: {hu} HU, but {level['why_not']}")
        else:
            tally.measured += 1
            off = abs(hu - level["trabecular_hu"])
            tally.off_hu.append(off)
            if off > TOLERANCE_HU:
                tally.wrong.append(f"{place}: {hu} HU instead of {level['trabecular_hu']}")
    tally.wrong += [
        f"{truth['patient']} {name}: no such level"
        for name in found
        if found[name]["mean_hu"] is not None and name not in truth["levels"]
    ]


if __name__ == "__main__":
    sys.exit(main())
