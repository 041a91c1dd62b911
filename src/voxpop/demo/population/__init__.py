"""The demonstration's population: seeded patients, their CT studies, their clinical rows, the truth and the answers."""

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from voxpop.demo.lifeline import die_with_parent
from voxpop.demo.population.patients import AGES, Made, make_patient
from voxpop.kernel.errors import Invalid

MOST_PATIENTS = len(AGES)
FORMAT = 2
MARKER = "population.json"
CLINICAL_COLUMNS = ("patient_id", "issuer", "birth_date", "sex", "weight_kg", "height_cm", "icd10", "recorded")


@dataclass(frozen=True, slots=True)
class Population:
    """A finished population on disk; everything in it but ``truth`` is planted identity.

    Parameters
    ----------
    patients, slices, files, planted : int
        Counts: patients (one study each), axial CT slices, all DICOM files, and planted values by place.
    dicom : Path
        The folder tree of DICOM files.
    clinical : Path
        ``clinical.csv``: one row a patient; ``icd10`` holds up to three codes with ``;`` between; dates are ISO 8601.
    truth : Path
        ``truth.json``: for each patient and vertebral level, density, place (LPS and RAS, mm) and whether it can
        be measured.
    answer_key : Path
        ``planted.json``: every planted value, with its element, its encoding and the kinds of object it is in.
    kept : bool
        Whether it was there already.
    """

    folder: Path
    dicom: Path
    clinical: Path
    truth: Path
    answer_key: Path
    patients: int
    slices: int
    files: int
    planted: int
    kept: bool


def make_population(
    folder: Path, *, seed: int = 24, patients: int = 24, workers: int = 2, tick: Callable[[], None] | None = None
) -> Population:
    """Make the population, or keep the one that is there.

    Parameters
    ----------
    folder : Path
        Gets the files; a half-made population in it is made again.
    patients : int
        1 to 24; even ones (from 0) are osteoporotic.
    workers : int
        Processes; 1 makes everything in this one.
    tick : callable, optional
        Called once for each patient, in the caller's thread.

    Raises
    ------
    Invalid
        If the number of patients is out of range, or the folder holds something else.
    """
    if not 1 <= patients <= MOST_PATIENTS:
        raise Invalid(f"a population has 1 to {MOST_PATIENTS} patients, not {patients}")
    order = {"format": FORMAT, "seed": seed, "patients": patients}
    marker = folder / MARKER
    found = _finished(marker, order)
    if found is None:
        _clear(folder)
        made = _make_all(folder / "dicom", order, workers, tick)
        found = order | {"slices": sum(m.slices for m in made), "files": sum(m.files for m in made)}
        found["planted"] = sum(len(m.answers["planted"]) for m in made)
        _write_tables(folder, made)
        _write(marker, _json(found))
        kept = False
    else:
        kept = True
        for _ in range(patients if tick else 0):
            tick()  # type: ignore[misc]  # not None where the range is not empty
    return Population(
        folder, folder / "dicom", folder / "clinical.csv", folder / "truth.json", folder / "planted.json",
        patients, found["slices"], found["files"], found["planted"], kept,
    )  # fmt: skip


def _finished(marker: Path, order: dict[str, int]) -> dict[str, int] | None:
    try:
        found = json.loads(marker.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if isinstance(found, dict) and order.items() <= found.items():
        return found
    return None


def _clear(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    ours = {"dicom", "clinical.csv", "truth.json", "planted.json", MARKER}
    if any(path.name.removesuffix(".tmp") not in ours for path in folder.iterdir()):
        raise Invalid("the folder for the demonstration's population holds other files: give an empty one")
    (folder / MARKER).unlink(missing_ok=True)
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _make_all(dicom: Path, order: dict[str, int], workers: int, tick: Callable[[], None] | None) -> list[Made]:
    made = dict(_each(dicom, order, workers, tick))
    return [made[index] for index in sorted(made)]


def _each(
    dicom: Path, order: dict[str, int], workers: int, tick: Callable[[], None] | None
) -> Iterator[tuple[int, Made]]:
    indices = range(order["patients"])
    if workers <= 1 or len(indices) == 1:
        for index in indices:
            yield index, make_patient(index, order["seed"], dicom)
            if tick:
                tick()
        return
    # A spawned worker shares no thread, lock or database connection with us, whoever calls.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=die_with_parent)
    try:
        jobs = {pool.submit(make_patient, index, order["seed"], dicom): index for index in indices}
        for job in as_completed(jobs):
            yield jobs[job], job.result()
            if tick:
                tick()
    finally:
        pool.shutdown(cancel_futures=True)


def _write_tables(folder: Path, made: list[Made]) -> None:
    rows = io.StringIO()
    table = csv.DictWriter(rows, CLINICAL_COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(m.clinical for m in made)
    _write(folder / "clinical.csv", rows.getvalue())
    axes = "LPS millimetres of the scanner: x to the patient's left, y to the back, z to the head; RAS beside it"
    _write(folder / "truth.json", _json({"space": axes, "patients": [m.truth for m in made]}))
    _write(folder / "planted.json", _json({"patients": [m.answers for m in made]}))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _write(path: Path, text: str) -> None:
    unfinished = path.with_name(path.name + ".tmp")
    unfinished.write_text(text, "utf-8")
    unfinished.replace(path)
