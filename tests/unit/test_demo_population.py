"""The population: the same for the same seed, true to its own truth, and with every planted value in its files."""

import csv
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest

from voxpop.demo.population import Population, make_population
from voxpop.kernel.errors import Invalid

FOLDERS = {
    "ct": "SE2",
    "localizer": "SE1",
    "secondary capture": "SE9",
    "dose report": "SE8",
    "presentation state": "SE7",
}
PYTHON_OF = {
    "ISO_IR 6": ("ascii",), "ISO_IR 100": ("latin-1",), "ISO_IR 144": ("iso8859_5",), "ISO_IR 192": ("utf-8",),
    "bytes, UTF-8": ("utf-8",), "\\ISO 2022 IR 87": ("iso2022_jp",),
    "\\ISO 2022 IR 87\\ISO 2022 IR 159": ("iso2022_jp_2", "iso2022_jp"),
}  # fmt: skip


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Population:
    return make_population(tmp_path_factory.mktemp("population"), patients=5, workers=1)


def digest(folder: Path) -> str:
    content = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content.update(str(path.relative_to(folder)).encode() + hashlib.sha256(path.read_bytes()).digest())
    return content.hexdigest()


def volume(population: Population, truth: dict) -> np.ndarray:
    files = (population.dicom / truth["patient"] / "ST1" / "SE2").iterdir()
    slices = sorted(map(pydicom.dcmread, files), key=lambda ds: float(ds.ImagePositionPatient[2]))
    return np.stack([ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept) for ds in slices])


def test_the_same_seed_gives_the_same_bytes_in_one_process_or_two(tmp_path: Path) -> None:
    one = make_population(tmp_path / "one", patients=2, workers=1)
    two = make_population(tmp_path / "two", patients=2, workers=2)
    other = make_population(tmp_path / "other", patients=2, workers=1, seed=25)
    assert digest(one.folder) == digest(two.folder) != digest(other.folder)


def test_a_finished_population_is_kept_and_a_half_made_one_is_made_again(tmp_path: Path) -> None:
    ticks: list[int] = []
    first = make_population(tmp_path, patients=1, workers=1, tick=lambda: ticks.append(1))
    before = digest(tmp_path)
    again = make_population(tmp_path, patients=1, workers=1, tick=lambda: ticks.append(1))
    (tmp_path / "population.json").unlink()
    next(first.dicom.rglob("IM0003")).unlink()
    third = make_population(tmp_path, patients=1, workers=1)
    assert (first.kept, again.kept, third.kept, len(ticks)) == (False, True, False, 2)
    assert digest(tmp_path) == before


def test_a_folder_with_other_files_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(Invalid, match="give an empty one"):
        make_population(tmp_path, patients=1, workers=1)
    assert (tmp_path / "thesis.doc").read_text() == "mine"


@pytest.mark.parametrize("patients", [0, 25])
def test_a_number_of_patients_out_of_range_is_refused(tmp_path: Path, patients: int) -> None:
    with pytest.raises(Invalid, match="1 to 24"):
        make_population(tmp_path, patients=patients)


def test_the_density_at_the_middle_of_each_vertebra_is_the_truth(population: Population) -> None:
    for truth in json.loads(population.truth.read_text())["patients"]:
        hu, scan = volume(population, truth), truth["scan"]
        for level in (v for v in truth["levels"].values() if v["measurable"]):
            steps = (scan["pixel_mm"], scan["pixel_mm"], scan["step_mm"])
            pairs = zip(level["centre_lps_mm"], scan["corner_mm"], steps, strict=True)
            x, y, z = (round((c - o) / s) for c, o, s in pairs)
            around = hu[z, y - 5 : y + 6, x - 5 : x + 6]
            error = 3 * around.std() / 4 + 1  # noise of a scanner is smooth: fewer than 121 independent values
            assert abs(around.mean() - level["trabecular_hu"]) < error


def test_every_scan_holds_t12_to_l5_and_the_truth_says_what_cannot_be_measured(population: Population) -> None:
    for truth in json.loads(population.truth.read_text())["patients"]:
        whole = [name for name, level in truth["levels"].items() if level["complete"]]
        assert set(whole) >= {"T12", "L1", "L2", "L3", "L4", "L5"}
        assert all((level["why_not"] is None) == level["measurable"] for level in truth["levels"].values())


def test_each_ct_series_has_even_spacing_and_one_position_per_slice(population: Population) -> None:
    for folder in sorted(population.dicom.glob("*/ST1/SE2")):
        heights = sorted(
            float(pydicom.dcmread(f, stop_before_pixels=True).ImagePositionPatient[2]) for f in folder.iterdir()
        )
        assert np.allclose(np.diff(heights), heights[1] - heights[0], atol=1e-3)


def test_the_clinical_table_has_a_row_for_each_patient(population: Population) -> None:
    rows = list(csv.DictReader(population.clinical.open(encoding="utf-8")))
    ids = {str(pydicom.dcmread(f).PatientID) for f in population.dicom.glob("*/ST1/SE1/IM0001")}
    assert {row["patient_id"] for row in rows} == ids
    assert all(1 <= len(row["icd10"].split(";")) <= 3 for row in rows)
    assert [row["icd10"][:2] == "M8" for row in rows] == [True, False, True, False, True]


def planted(population: Population) -> Iterator[tuple[str, dict]]:
    for patient in json.loads(population.answer_key.read_text("utf-8"))["patients"]:
        for row in patient["planted"]:
            yield patient["patient"], row


def test_every_planted_value_is_in_the_files_as_the_key_says(population: Population) -> None:
    content = {
        (patient.name, kind): b"".join(f.read_bytes() for f in sorted((patient / "ST1" / folder).glob("*")))
        for patient in population.dicom.iterdir()
        for kind, folder in FOLDERS.items()
    }
    sought = 0
    for patient, row in planted(population):
        if row["encoding"] == "pixels":
            continue
        forms = {part.strip() for part in row["value"].split("=")} if " PN" in row["place"] else {row["value"]}
        pieces = [re.split(r"[\^]", form) for form in forms]
        for piece in (p for parts in pieces for p in parts if p):
            written = [piece.encode(codec) for codec in PYTHON_OF[row["encoding"]] if _can(piece, codec)]
            for kind in row["objects"]:
                assert any(form in content[patient, kind] for form in written), (patient, row, kind)
        sought += 1
    assert sought > 800


def _can(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def test_names_read_back_whole_in_every_character_set(population: Population) -> None:
    for patient, row in planted(population):
        if row["place"] == "(0010,0010) PN":
            ds = pydicom.dcmread(population.dicom / patient / "ST1" / "SE1" / "IM0001")
            assert str(ds.PatientName) == row["value"]


def test_identity_is_planted_in_every_kind_of_place(population: Population) -> None:
    rows = [row for _, row in planted(population)]
    kinds = {row["kind"] for row in rows}
    assert kinds >= {
        "person name",
        "id",
        "date",
        "text",
        "contact",
        "staff",
        "place",
        "device",
        "uid",
        "private",
        "burned in",
    }
    places = " ".join(row["place"] for row in rows)
    for place in (
        "(0010,0010)", "(0010,1002)>", "(0400,0561)>(0400,0550)>", "(0040,0275)>", "(0002,0102)", "(FFFC,FFFC)",
        "(6000,4000)",
        "(6000,3000)", "(0011,1010)>(0008,1120)>", "(0070,0001)>(0070,0008)>", "(0040,A730)>", "preamble",
        "(0010,0033)", "(5000,0022)",
    ):  # fmt: skip
        assert place in places, place


def spoken(command: list[str]) -> str:
    said = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return said.stdout + said.stderr


@pytest.mark.needs("dicom3tools")
def test_dciodvfy_finds_no_error_in_the_objects(population: Population) -> None:
    for path in [*sorted(population.dicom.glob("P01/ST1/SE*/IM0001")), population.dicom / "P01/ST1/SE2/IM0007"]:
        errors = [line for line in spoken(["dciodvfy", "-new", str(path)]).splitlines() if line.startswith("Error")]
        assert not errors, (path.parent.name, errors)


def test_dcm2niix_makes_one_even_volume_of_each_series(population: Population, tmp_path: Path) -> None:
    tool = shutil.which("dcm2niix", path=str(Path(sys.executable).parent))
    assert tool
    for series in sorted(population.dicom.glob("*/ST1/SE2")):
        out = tmp_path / series.parent.parent.name
        out.mkdir()
        assert "arning" not in spoken([tool, "-z", "n", "-f", "ct", "-o", str(out), str(series)])
        assert [p.name for p in out.glob("*.nii") if "ROI" not in p.name] == ["ct.nii"]  # overlays become regions
