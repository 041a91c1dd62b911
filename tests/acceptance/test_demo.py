"""The demo, as a stranger sees it: what it promises is what it made."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import Told, outside_protected, tell
from tests.acceptance.project import voxpop

HERE = Path(__file__).parent
TOLERANCE_HU = 5


def test_the_answer_keeps_its_contract(demo: Told) -> None:
    answer = demo.answer
    assert set(answer) == {
        "application", "volume", "appliance", "run", "report", "crate", "repeat", "measurements", "seconds",
    }  # fmt: skip
    assert answer["volume"]["subjects"] == 24
    assert answer["volume"]["series"] == 24
    assert answer["run"]["state"] == "done"
    assert answer["repeat"] == {"identical": True}
    assert Path(answer["report"]).read_bytes().startswith(b"%PDF-")
    assert (Path(answer["crate"]) / "ro-crate-metadata.json").is_file()


def test_every_stage_left_one_line(demo: Told) -> None:
    for stage in ("population", "archive", "application", "volume", "appliance", "run", "report", "repeat"):
        assert any(line.startswith(stage) for line in demo.stderr.splitlines()), stage


def test_a_second_demo_keeps_what_is_there_and_says_so(demo: Told) -> None:
    again = tell(demo.work)
    assert {**again.answer, "seconds": None} == {**demo.answer, "seconds": None}
    assert again.stderr.count("kept: ") >= 5
    assert sum(again.answer["seconds"].values()) < 20


def test_no_planted_value_is_outside_the_protected_folder(demo: Told) -> None:
    key = next(demo.work.glob("protected/demo-population/**/planted.json"))
    folders = [str(path) for path in demo.work.iterdir() if path.name != "protected"]
    scan = subprocess.run(
        [sys.executable, str(HERE / "independent_scan.py"), "--key", str(key), *folders],
        capture_output=True,
        text=True,
        check=False,
    )
    assert scan.returncode == 0, scan.stdout[-3000:] + scan.stderr[-1000:]


def test_the_protected_folder_is_for_its_owner_alone(demo: Told) -> None:
    assert (demo.work / "protected").stat().st_mode & 0o777 == 0o700


def test_every_study_of_the_archive_is_accounted_for(demo: Told) -> None:
    with (demo.volume / "staging-report.tsv").open() as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert len({row["study"] for row in rows}) == 24
    assert all(row["fate"] in ("staged", "refused", "not selected") for row in rows)


def test_every_measurable_level_is_found_and_within_five_hounsfield_units_of_the_truth(demo: Told) -> None:
    measured = _measured(demo)
    wrong = {}
    for (label, level), truth in _truths(demo).items():
        found = measured.get((label, level))
        if truth["measurable"] and (found is None or abs(found - truth["trabecular_hu"]) > TOLERANCE_HU):
            wrong[label, level] = (found, truth["trabecular_hu"])
    assert wrong == {}
    assert sum(truth["measurable"] for truth in _truths(demo).values()) > 100


def test_what_cannot_be_measured_gets_no_number(demo: Told) -> None:
    truths = _truths(demo)
    numbers = {place for place, found in _measured(demo).items() if found is not None}
    assert not [place for place in numbers if place not in truths or not truths[place]["measurable"]]
    assert [place for place, truth in truths.items() if not truth["measurable"]]


def _measured(demo: Told) -> dict[tuple[str, str], float | None]:
    return {(one["participant"], one["level"]): one["mean_hu"] for one in demo.answer["measurements"]}


def _truths(demo: Told) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what is true of each vertebral body in each scan, by participant and level."""
    from voxpop.staging.deid import PatientKey, load_secret

    secret = load_secret(demo.work / "protected" / "pseudonym.key")
    population = demo.work / "protected" / "demo-population"
    with (population / "clinical.csv").open(encoding="utf-8") as stream:
        issuers = {row["patient_id"]: row["issuer"] for row in csv.DictReader(stream)}
    truths = {}
    for patient in json.loads((population / "truth.json").read_text(encoding="utf-8"))["patients"]:
        key = PatientKey(secret, demo.answer["application"], patient["patient_id"], issuers[patient["patient_id"]])
        truths |= {(f"sub-{key.label}", level): truth for level, truth in patient["levels"].items()}
    return truths


def test_the_audit_log_is_whole(demo: Told) -> None:
    done = voxpop("audit", "verify", "--json", work=demo.work)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["whole"] is True


def test_the_volume_is_as_sealed_also_for_sha256sum(demo: Told) -> None:
    done = voxpop("volume", "verify", demo.answer["volume"]["id"], work=demo.work)
    assert done.returncode == 0, done.stderr
    check = subprocess.run(
        ["sha256sum", "--check", "--quiet", "manifest-sha256.txt"],
        cwd=demo.volume, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert check.returncode == 0, check.stdout


def test_trace_walks_from_the_report_to_the_query(demo: Told) -> None:
    done = voxpop("trace", demo.answer["report"], "--json", work=demo.work)
    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout)
    kinds = [step["kind"] for step in steps]
    for kind in ("result", "run", "appliance", "volume", "staging", "cohort", "application"):
        assert kind in kinds
    assert all(step["checked"] for step in steps)


def test_the_volume_passes_the_bids_validator(demo: Told) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "bids-validator-deno"), str(demo.volume), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []


@pytest.mark.needs("poppler")
def test_the_report_has_pages_text_and_digests(demo: Told, tmp_path: Path) -> None:
    report = demo.answer["report"]
    text = subprocess.run(["pdftotext", "-layout", report, "-"], capture_output=True, text=True, check=True).stdout
    assert demo.answer["run"]["id"] in text
    assert text.count("\f") >= 4
    manifest = voxpop("volume", "show", demo.answer["volume"]["id"], "--json", work=demo.work)
    assert json.loads(manifest.stdout)["manifest_sha256"][:16] in text.replace("\n", "")
    subprocess.run(["pdftoppm", "-r", "40", "-png", report, str(tmp_path / "page")], check=True)
    assert len(list(tmp_path.glob("page*.png"))) >= 4


@pytest.mark.needs("roc-validator")
def test_the_research_object_is_a_provenance_run_crate(demo: Told, repo: Path, tmp_path: Path) -> None:
    python = repo / ".venv-roc" / "bin" / "python"
    validator = repo / ".venv-roc" / "bin" / "rocrate-validator"
    seed = repo / "tests" / "data" / "jsonld" / "seed_roc_cache.py"
    subprocess.run([str(python), str(seed), str(tmp_path / "cache")], check=True, capture_output=True)
    done = subprocess.run(
        [str(validator), "-y", "validate", "--offline", "--cache-path", str(tmp_path / "cache"),
         "-p", "provenance-run-crate-0.5", "--no-paging", demo.answer["crate"]],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]


def test_no_path_of_this_machine_is_in_the_crate_or_the_volume(demo: Told) -> None:
    crate = Path(demo.answer["crate"])
    for folder in (crate, demo.volume):
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix in (".json", ".tsv", ".cwl", ".yaml", ".txt"):
                assert str(demo.work) not in path.read_text(errors="replace"), path.name


def test_two_demos_in_one_folder_are_refused_with_one_sentence(demo: Told) -> None:
    from filelock import FileLock

    with FileLock(demo.work / "runtime.lock"):
        done = voxpop("demo", work=demo.work)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("voxpop: another voxpop (")


def test_nothing_outside_the_protected_folder_is_a_dicom_with_identity(demo: Told) -> None:
    assert not [path for path in outside_protected(demo.work) if path.suffix == ".dcm"]


def test_a_copied_work_folder_is_not_run_on_the_originals_data(demo: Told, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(demo.work, copy, symlinks=True, ignore=shutil.ignore_patterns("demo-population", "demo-archive"))
    done = voxpop("run", "repeat", demo.answer["run"]["id"], work=copy)
    assert done.returncode == 1
    assert "was deployed for another place" in done.stderr
    assert voxpop("appliance", "deploy", demo.answer["volume"]["id"], work=copy).returncode == 0
    deployed = json.loads((copy / "appliances" / demo.answer["appliance"] / "deployment.json").read_text())
    assert deployed["volume"] == str(copy / "volumes" / demo.answer["volume"]["id"])
