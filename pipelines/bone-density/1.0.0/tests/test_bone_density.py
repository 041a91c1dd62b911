# ruff: noqa: D103, S603, FBT001 -- as for all tests: names are sentences, and real tools are started
"""The pipeline on a spine of plain shapes, and its rules and statistics against other means."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

HERE = Path(__file__).resolve().parents[1]
TOOLS = HERE / "tools"
sys.path.insert(0, str(TOOLS))

from compare import main as compare_main  # noqa: E402 -- the tools lie beside, not in a package
from compare import read_participants  # noqa: E402 -- as above
from groups import Participant, adjusted, discrimination, participant_means, welch  # noqa: E402 -- as above
from images import Unusable, read_image  # noqa: E402 -- as above
from numbering import LEVELS, Signs, number_levels  # noqa: E402 -- as above

SPACING = (1.5, 1.5, 3.0)
PITCH_MM = 33.0
DISC_MM = 9.0


def plain_spine(levels: Sequence[tuple[str, float]], *, noise: float = 8.0) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Build a straight spine from below upwards: (kind, trabecular HU); kinds are sacrum, lumbar, thoracic."""
    height = PITCH_MM * len(levels) + 12
    x, y, z = (np.arange(round(size / step)) * step for size, step in zip((260, 200, height), SPACING, strict=True))
    gx, gy, gz = np.meshgrid(x - 130, y - 60, z, indexing="ij", sparse=True)
    hu = np.full((len(x), len(y), len(z)), -1000.0)
    hu[np.broadcast_to((gx / 120) ** 2 + ((gy - 40) / 92) ** 2 < 1, hu.shape)] = -80
    hu[np.broadcast_to((np.abs(gx) < 70) & (gy > -45) & (gy < 40), hu.shape)] = 45
    for at, (kind, trabecular) in enumerate(levels):
        _vertebra(hu, gx, gy, gz - 6 - PITCH_MM * at, kind, trabecular)
    rng = np.random.default_rng(3)
    return np.asarray(np.round(hu + rng.normal(0, noise, hu.shape)), dtype=np.int16)


def _vertebra(hu: Any, gx: Any, gy: Any, gz: Any, kind: str, trabecular: float) -> None:
    def put(where: Any, value: float) -> None:
        hu[np.broadcast_to(where, hu.shape)] = value

    whole = (gz >= 0) & (gz < PITCH_MM)
    bone = (gz >= DISC_MM / 2) & (gz < PITCH_MM - DISC_MM / 2)
    inside = (gz >= DISC_MM / 2 + 3) & (gz < PITCH_MM - DISC_MM / 2 - 3)
    radius = np.hypot(gx / 21, (gy - 24) / 15)
    put((radius < 1) & whole, 85)
    put((radius < 1) & bone, 420)
    put((radius < 0.88) & inside, trabecular)
    arch = (gz > 9) & (gz < 27)
    put((np.abs(gx) > 10) & (np.abs(gx) < 17) & (gy > -14) & (gy < 14) & arch, 350)
    put((np.abs(gx) < 15) & (gy > -15) & (gy < -9) & arch, 350)
    put((np.abs(gx) < 3.5) & (gy > -38) & (gy < -9) & (gz > 12) & (gz < 24), 350)
    if kind == "lumbar":
        put((np.abs(gx) > 15) & (np.abs(gx) < 42) & (np.abs(gy + 6) < 4) & (np.abs(gz - 18) < 5), 350)
    if kind == "thoracic":
        put((np.abs(gx) > 18) & (np.abs(gx) < 84) & (np.abs(gy + 6 + np.abs(gx) / 8) < 4) & (np.abs(gz - 18) < 5), 350)
    if kind == "sacrum":
        put((np.abs(gx) > 15) & (np.abs(gx) < 52) & (gy > -16) & (gy < 16) & whole, 350)


def write_scan(path: Path, hu: Any, slice_mm: float = SPACING[2]) -> Path:
    import nibabel as nib

    nib.save(nib.Nifti1Image(hu, np.diag([*SPACING[:2], slice_mm, 1.0])), path)
    return path


def run_tool(name: str, folder: Path, *arguments: str | Path) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "random", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(TOOLS / f"{name}.py"), *map(str, arguments)]
    subprocess.run(command, cwd=folder, check=True, env=environment, timeout=120)


def measured(folder: Path, scan: Path, *options: str) -> list[dict[str, Any]]:
    stem = scan.name.removesuffix(".nii.gz")
    run_tool("segment", folder, scan)
    run_tool("measure", folder, scan, f"{stem}_labels.nii.gz", f"{stem}_landmarks.json", *options)
    rows: list[dict[str, Any]] = json.loads((folder / f"{stem}_measured.json").read_text())
    return rows


SPINE = [("sacrum", 90.0), *[("lumbar", 100.0 + 10 * n) for n in range(5)], ("thoracic", 160.0), ("thoracic", 170.0)]


def test_each_complete_level_is_found_named_and_measured_right(tmp_path: Path) -> None:
    rows = measured(tmp_path, write_scan(tmp_path / "sub-01_ses-02_ct.nii.gz", plain_spine(SPINE)))
    found = {row["level"]: row["mean_hu"] for row in rows if row["mean_hu"] is not None}
    for level, truth in {"L5": 100, "L4": 110, "L3": 120, "L2": 130, "L1": 140, "T12": 160}.items():
        assert found[level] == pytest.approx(truth, abs=5)
    assert {(row["participant"], row["session"]) for row in rows} == {("sub-01", "ses-02")}


def test_without_sacrum_the_lowest_ribs_name_the_levels(tmp_path: Path) -> None:
    rows = measured(tmp_path, write_scan(tmp_path / "sub-01_ct.nii.gz", plain_spine(SPINE[2:])))
    assert {"L3", "L2", "L1"} <= {row["level"] for row in rows if row["mean_hu"] is not None}


def test_without_ribs_and_sacrum_no_level_has_a_name(tmp_path: Path) -> None:
    rows = measured(tmp_path, write_scan(tmp_path / "sub-01_ct.nii.gz", plain_spine(SPINE[1:6])))
    assert rows
    assert not {row["level"] for row in rows} & set(LEVELS)
    assert all("not labelled" in row["note"] for row in rows)


def test_a_scan_without_a_spine_is_not_measurable_and_says_why(tmp_path: Path) -> None:
    ball = np.full((80, 80, 30), -1000, dtype=np.int16)
    ball[20:60, 20:60] = 40
    rows = measured(tmp_path, write_scan(tmp_path / "sub-01_ct.nii.gz", ball))
    assert [(row["mean_hu"], row["quality"]) for row in rows] == [(None, "not measurable")]
    assert "no spine found" in rows[0]["reason"]


def test_a_file_that_is_no_image_is_not_measurable_and_says_why(tmp_path: Path) -> None:
    scan = tmp_path / "sub-01_ct.nii.gz"
    scan.write_bytes(gzip.compress(b"no image"))
    rows = measured(tmp_path, scan)
    assert rows[0]["reason"] == "the image cannot be read"
    assert rows[0]["mean_hu"] is None


def test_noise_and_wide_slices_and_metal_give_no_number(tmp_path: Path) -> None:
    noisy = measured(tmp_path, write_scan(tmp_path / "sub-1_ct.nii.gz", plain_spine(SPINE, noise=160)))
    assert all(row["mean_hu"] is None for row in noisy)
    hu = plain_spine(SPINE)
    hu[78:96, 52:56, 40:46] = 3000
    rows = measured(tmp_path, write_scan(tmp_path / "sub-2_ct.nii.gz", hu))
    assert any("metal" in row["reason"] for row in rows)


@pytest.mark.parametrize(
    ("slice_mm", "options", "reason"),
    [
        (5.52, (), "slices too far apart: 5.52 mm, at most 5.5 mm is measured"),
        (7.0, (), "slices too far apart: 7.00 mm, at most 5.5 mm is measured"),
        (7.0, ("--most-slice-mm", "6"), "slices too far apart: 7.00 mm, at most 6 mm is measured"),
        (7.0, ("--most-slice-mm", "8"), "slices too far apart: 7.00 mm, at most 6.5 mm can be worked with"),
    ],
)
def test_slices_too_far_apart_are_told_with_the_limit_of_the_run(
    tmp_path: Path, slice_mm: float, options: tuple[str, ...], reason: str
) -> None:
    scan = write_scan(tmp_path / "sub-1_ct.nii.gz", plain_spine(SPINE), slice_mm=slice_mm)
    (row,) = measured(tmp_path, scan, *options)
    assert (row["mean_hu"], row["reason"]) == (None, reason)


def test_a_bridge_of_dense_bone_on_one_side_is_left_out_of_the_value(tmp_path: Path) -> None:
    hu = plain_spine(SPINE)
    bridge = hu[95:102, 46:66, 23:68]  # over L5's, L4's and L3's left side, 10 mm thick
    bridge[bridge > 60] = 600
    rows = measured(tmp_path, write_scan(tmp_path / "sub-1_ct.nii.gz", hu))
    found = {row["level"]: row["mean_hu"] for row in rows}
    assert found["L4"] == pytest.approx(110, abs=5)


def test_a_vessel_full_of_contrast_medium_ahead_of_a_thin_wall_is_not_taken_for_the_wall(tmp_path: Path) -> None:
    hu = plain_spine(SPINE)
    away = np.hypot(np.arange(hu.shape[0])[:, None] - 92, np.arange(hu.shape[1])[None, :] - 74)[:, :, None]
    hu[(hu < 100) & (away < 9)] = -100  # fat, and the vessel in it
    hu[(hu < 100) & (away < 7)] = 800
    rows = measured(tmp_path, write_scan(tmp_path / "sub-1_ct.nii.gz", hu))
    found = {row["level"]: row["mean_hu"] for row in rows}
    assert [found[level] for level in ("L4", "L3", "L2")] == pytest.approx([110, 120, 130], abs=5)


def test_a_vertebra_whose_upper_end_plate_is_not_in_the_scan_is_named_as_not_found(tmp_path: Path) -> None:
    hu = plain_spine(SPINE)
    rows = measured(tmp_path, write_scan(tmp_path / "sub-1_ct.nii.gz", hu[:, :, : -round(12 / SPACING[2])]))
    assert ("T11", None) in [(row["level"], row["mean_hu"]) for row in rows]
    assert "not found complete" in rows[-1]["reason"]


def test_an_image_whose_slices_are_sheared_is_refused(tmp_path: Path) -> None:
    import nibabel as nib

    affine = np.diag([1.0, 1.0, 3.0, 1.0])
    affine[1, 2] = 1.0
    path = tmp_path / "a.nii.gz"
    nib.save(nib.Nifti1Image(np.full((8, 8, 8), -1000, np.int16), affine), path)
    with pytest.raises(Unusable, match="gantry tilt"):
        read_image(path)


def test_axes_in_any_order_give_the_same_values(tmp_path: Path) -> None:
    import nibabel as nib

    scan = write_scan(tmp_path / "sub-1_ct.nii.gz", plain_spine(SPINE))
    image = nib.load(scan)
    flipped = image.as_reoriented(np.array([[1, -1], [0, 1], [2, -1]]))
    nib.save(flipped, tmp_path / "sub-2_ct.nii.gz")
    first, second = measured(tmp_path, scan), measured(tmp_path, tmp_path / "sub-2_ct.nii.gz")
    assert [row["mean_hu"] for row in first] == [row["mean_hu"] for row in second]
    labels = [nib.load(tmp_path / f"sub-{n}_ct_labels.nii.gz") for n in (1, 2)]
    assert np.allclose(labels[1].affine, flipped.affine)
    assert np.array_equal(
        nib.as_closest_canonical(labels[0]).get_fdata(), nib.as_closest_canonical(labels[1]).get_fdata()
    )


@given(st.integers(1, 5), st.integers(1, 4), st.booleans())
def test_ribs_and_sacrum_name_the_same_vertebrae(lumbar: int, thoracic: int, sacrum: bool) -> None:
    free = [Signs(ribs=False)] * (5 if sacrum else lumbar)
    signs = [Signs(None, wings=sacrum, complete=False), *free, *[Signs(ribs=True)] * thoracic]
    names = number_levels(signs).levels
    assert names[len(free)] == "L1"
    assert names[len(free) + 1] == "T12"
    assert names[0] is None or not sacrum


@given(st.integers(1, 9))
def test_another_count_between_ribs_and_sacrum_names_nothing(count: int) -> None:
    signs = [Signs(None, wings=True, complete=False), *[Signs(ribs=False)] * count, Signs(ribs=True)]
    numbered = number_levels(signs)
    assert (set(numbered.levels) == {None}) == (count != 5)
    assert ("uncertain" in numbered.basis) == (count != 5)


@given(st.lists(st.sampled_from([True, None]), min_size=1, max_size=6))
def test_ribs_alone_prove_nothing_without_a_plain_vertebra_below(ribs: list[bool | None]) -> None:
    assert set(number_levels([Signs(rib) for rib in ribs]).levels) == {None}


@given(st.lists(st.tuples(st.sampled_from([True, False, None]), st.booleans()), max_size=12))
def test_names_are_always_a_gapless_run_of_levels(signs: list[tuple[bool | None, bool]]) -> None:
    names = [name for name in number_levels([Signs(*sign) for sign in signs]).levels if name]
    places = [LEVELS.index(name) for name in names]
    assert places == list(range(places[0], places[0] - len(places), -1)) if places else True


def made_people() -> tuple[dict[str, float], dict[str, Participant]]:
    rng = np.random.default_rng(1)
    people = {}
    values = {}
    for number in range(20):
        case = number % 2 == 0
        age = float(rng.integers(50, 89))
        sex = "F" if number % 3 else "M"
        people[f"p{number:02}"] = Participant(f"p{number:02}", "osteoporotic" if case else "control", age, sex)
        values[f"p{number:02}"] = 200 - 60 * case - 0.8 * age + 5 * (sex == "M") + float(rng.normal(0, 8))
    return values, people


def test_welch_agrees_with_scipy() -> None:
    from scipy import stats

    values, people = made_people()
    cases = [values[n] for n in values if people[n].group == "osteoporotic"]
    controls = [values[n] for n in values if people[n].group == "control"]
    test = stats.ttest_ind(cases, controls, equal_var=False)
    interval = test.confidence_interval(0.95)
    effect = welch(values, people)
    assert effect.p_value == pytest.approx(test.pvalue)
    assert (effect.low, effect.high) == pytest.approx((interval.low, interval.high))


def test_the_adjusted_difference_agrees_with_least_squares_by_hand() -> None:
    from scipy import stats

    values, people = made_people()
    names = sorted(values)
    design = np.array(
        [[1, people[n].group == "osteoporotic", people[n].age, people[n].sex == "M"] for n in names], dtype=float
    )
    outcome = np.array([values[n] for n in names])
    solved, residual, *_ = np.linalg.lstsq(design, outcome, rcond=None)
    freedom = len(names) - 4
    error = np.sqrt(residual[0] / freedom * np.linalg.inv(design.T @ design)[1, 1])
    half = stats.t.ppf(0.975, freedom) * error
    effect = adjusted(values, people)
    assert effect.difference == pytest.approx(solved[1])
    assert (effect.low, effect.high) == pytest.approx((solved[1] - half, solved[1] + half))


def test_discrimination_is_the_share_of_pairs_in_order() -> None:
    people = {n: Participant(n, "osteoporotic" if n < "d" else "control", 60.0, "F") for n in "abcdef"}
    assert discrimination(dict(zip("abcdef", (1, 2, 5, 4, 5, 6), strict=True)), people) == pytest.approx(7.5 / 9)


def test_few_or_no_participants_in_a_group_give_a_sentence_and_no_number() -> None:
    values, people = made_people()
    few = {name: value for name, value in values.items() if people[name].group == "control"}
    for effect in (welch(few, people), adjusted(few, people), welch({}, {}), adjusted({}, {})):
        assert effect.difference is None
        assert effect.reason.startswith("not compared")


def test_a_mean_is_over_l1_to_l4_and_over_scans_of_one_level() -> None:
    rows = [{"participant": "a", "level": level, "mean_hu": hu} for level, hu in (("L1", 100), ("L1", 120), ("L2", 90))]
    rows += [{"participant": "a", "level": "L5", "mean_hu": 500}, {"participant": "b", "level": "L1", "mean_hu": None}]
    assert participant_means(rows) == {"a": (100.0, 2)}


def test_an_unknown_age_is_left_out_and_89_plus_is_89(tmp_path: Path) -> None:
    table = tmp_path / "participants.tsv"
    table.write_text("participant_id\tage\tsex\tgroup\na\t89+\tF\tcontrol\nb\tn/a\tn/a\tn/a\n")
    people = read_participants(table)
    assert people["a"].age == 89
    assert (people["b"].age, people["b"].sex, people["b"].group) == (None, "", "n/a")


def test_a_group_that_is_not_compared_keeps_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    people = [("sub-1", "osteoporotic"), ("sub-2", "control"), ("sub-3", "metastases"), ("sub-4", "n/a")]
    lines = [f"{name}\t60\tF\t{group}\n" for name, group in people]
    Path("participants.tsv").write_text("participant_id\tage\tsex\tgroup\n" + "".join(lines))
    row = {"level": "L1", "mean_hu": 150.0, "sd_hu": 1.0, "volume_mm3": 9000.0, "quality": "good"}
    Path("all_measured.json").write_text(json.dumps([{**row, "participant": name} for name, _ in people]))
    assert compare_main(["--participants", "participants.tsv", "--measured", "all_measured.json"]) == 0
    population, each = json.loads(Path("report.json").read_text())["sections"][:2]
    groups = ["osteoporotic", "control", "metastases", "n/a"]
    assert [cells[0] for cells in population["tables"][0]["rows"]] == groups
    assert [cells[1] for cells in each["tables"][0]["rows"]] == groups


def test_a_volume_without_any_measurement_still_gives_a_whole_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("participants.tsv").write_text("participant_id\tage\tsex\tgroup\nsub-01\t60\tF\tcontrol\n")
    assert compare_main(["--participants", "participants.tsv"]) == 0
    content = json.loads(Path("report.json").read_text())
    assert content["exclusions"] == [{"participant": "sub-01", "reason": "no scan in the volume"}]
    assert len(content["sections"]) == 5
    assert json.loads(Path("measurements.json").read_text()) == []


def workflow(folder: Path, scans: list[Path], participants: Path) -> dict[str, str]:
    job = folder / "job.json"
    files = [{"class": "File", "path": str(scan)} for scan in scans]
    job.write_text(json.dumps({"images": files, "participants": {"class": "File", "path": str(participants)}}))
    out = folder / "out"
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "cwltool", "--no-container", "--quiet", "--outdir", str(out)]
    subprocess.run(
        [*command, str(HERE / "bone-density.cwl"), str(job)],
        check=True,
        env=environment,
        timeout=300,
        stdout=subprocess.DEVNULL,
    )
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.iterdir())}


@pytest.mark.slow
def test_the_workflow_gives_the_same_bytes_twice_and_all_its_figures(tmp_path: Path) -> None:
    scans = [write_scan(tmp_path / f"sub-{n}_ses-1_ct.nii.gz", plain_spine(SPINE[: 8 - n])) for n in (0, 1)]
    table = tmp_path / "participants.tsv"
    table.write_text("participant_id\tage\tsex\tgroup\nsub-0\t60\tF\tcontrol\nsub-1\t70\tM\tosteoporotic\n")
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    first, second = (workflow(folder, scans, table) for folder in folders)
    assert first == second
    content = json.loads((folders[0] / "out" / "report.json").read_text())
    for section in content["sections"]:
        assert all(figure["path"] in first for figure in section["figures"])
        for table_content in section["tables"]:
            assert all(len(row) == len(table_content["columns"]) for row in table_content["rows"])


def test_cwltool_finds_the_workflow_valid() -> None:
    command = [sys.executable, "-m", "cwltool", "--validate", "--quiet", str(HERE / "bone-density.cwl")]
    subprocess.run(command, check=True, timeout=120)
