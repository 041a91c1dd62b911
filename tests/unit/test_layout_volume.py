"""Files of a volume lie where BIDS and MIDS want them, and say nothing of a person."""

import json
import subprocess
from datetime import datetime
from pathlib import Path, PurePosixPath

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxpop.kernel.ids import ParticipantLabel
from voxpop.kernel.imaging import ClinicalFacts
from voxpop.staging import layout
from voxpop.staging.model import Fate, Placed, SeriesOutcome, StudyOutcome

ANN, BOB = ParticipantLabel("k3v9ann"), ParticipantLabel("z7bob")
OUTCOMES = (
    StudyOutcome(2, Fate.REFUSED, "the residual scan found a date", group="control"),
    StudyOutcome(
        1,
        Fate.STAGED,
        "",
        ANN,
        "q1",
        "osteoporotic",
        (
            SeriesOutcome(2, Fate.NOT_SELECTED, "not a CT", "SR", 1),
            SeriesOutcome(
                1,
                Fate.STAGED,
                "",
                "CT",
                50,
                (Placed(PurePosixPath("sub-k3v9ann/ses-q1/ct/a.nii.gz"), "0" * 64, 7),),
                {"values sought": 3},
                {"convert": 1.5},
            ),
        ),
    ),
)


def test_an_abdomen_lies_in_mim_rx_and_a_head_in_ct() -> None:
    abdomen = layout.ImageName(ANN, "q1", 2, "Lower ABDOMEN ", "sag")
    assert (
        str(abdomen.image) == "sub-k3v9ann/ses-q1/mim-rx/ct/sub-k3v9ann_ses-q1_run-2_bp-lowerabdomen_vp-sag_ct.nii.gz"
    )
    head = layout.ImageName(ANN, "q1", body_part="HEAD")
    assert str(head.sidecar) == "sub-k3v9ann/ses-q1/ct/sub-k3v9ann_ses-q1_run-1_ct.json"
    assert layout.ImageName(ANN, "q1").part == "unspecified"


@given(st.text(max_size=20))
def test_no_label_leaves_its_folder(label: str) -> None:
    try:
        name = layout.ImageName(ParticipantLabel(label), "q1", body_part=label)
    except layout.NameNotAllowed:
        return
    assert ".." not in name.image.parts
    assert len(name.image.parts) in (4, 5)


@pytest.mark.parametrize(
    ("orientation", "view"),
    [((1, 0, 0, 0, 1, 0), "ax"), ((0, 1, 0, 0, 0, -1), "sag"), ((1, 0, 0, 0, 0, -1), "cor"), ((), "ax")],
)
def test_the_view_point_comes_from_the_images_normal(orientation: tuple[float, ...], view: str) -> None:
    assert layout.view_point(orientation) == view


def test_a_sidecar_keeps_only_what_is_on_the_list(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text(
        json.dumps(
            {
                "Manufacturer": "GE",
                "StudyDescription": "LUNG",
                "SliceThickness": 2.5,
                "SliceTiming": [0, 1.5],
                "EchoTime": "Smith",
                "AcquisitionTime": "09:58:14",
                "ImageType": ["ORIGINAL", "AXIAL"],
                "PatientWeight": 80,
                "NewField": "surprise",
            }
        )
    )
    dropped = layout.write_sidecar(tmp_path / "in.json", tmp_path / "out.json", {"ViewPoint": "ax"})
    assert json.loads((tmp_path / "out.json").read_text()) == {
        "ImageType": ["ORIGINAL", "AXIAL"],
        "Manufacturer": "GE",
        "SliceThickness": 2.5,
        "SliceTiming": [0, 1.5],
        "ViewPoint": "ax",
    }
    assert dropped == ("AcquisitionTime", "EchoTime", "NewField", "PatientWeight", "StudyDescription")


def test_a_sidecar_that_is_no_object_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text("[]")
    with pytest.raises(layout.SidecarUnreadable):
        layout.write_sidecar(tmp_path / "in.json", tmp_path / "out.json")


def test_participants_have_one_row_each_with_old_ages_capped(tmp_path: Path) -> None:
    people = [
        layout.Participant(BOB, "control", ClinicalFacts(91, "M", 80.55, 171.0, ("M80.08", "I10", "E11.9", "Z00"))),
        layout.Participant(ANN, "osteoporotic", ClinicalFacts()),
        layout.Participant(ANN, "osteoporotic", ClinicalFacts()),
    ]
    layout.write_participants(tmp_path, people)
    assert (tmp_path / "participants.tsv").read_text().splitlines() == [
        "participant_id\tgroup\tage\tsex\tweight\theight\ticd10_1\ticd10_2\ticd10_3",
        "sub-k3v9ann\tosteoporotic" + "\tn/a" * 7,
        "sub-z7bob\tcontrol\t89+\tM\t80.55\t171\tM80.08\tI10\tE11.9",
    ]
    described = json.loads((tmp_path / "participants.json").read_text())
    assert described["weight"]["Units"] == "kg"
    assert set(described["group"]["Levels"]) == {"control", "osteoporotic"}


def test_the_report_lists_every_study_and_is_the_same_again(tmp_path: Path) -> None:
    layout.write_staging_report(tmp_path, OUTCOMES)
    rows = (tmp_path / "staging-report.tsv").read_text().splitlines()
    assert rows[1:] == [
        "1\tstaged\tn/a\tsub-k3v9ann\tq1\tosteoporotic\t1\t0\t1\t2: not a CT",
        "2\trefused\tthe residual scan found a date\tn/a\tn/a\tcontrol\t0\t0\t0\tn/a",
    ]
    before = (tmp_path / "staging-report.json").read_bytes()
    report = json.loads(before)
    assert report["counts"]["studies"] == {"total": 2, "staged": 1, "refused": 1, "not selected": 0}
    assert report["counts"]["images"] == 1
    assert report["studies"][0]["series"][0]["facts"] == {"values sought": 3}
    layout.write_staging_report(tmp_path, OUTCOMES[::-1])
    assert (tmp_path / "staging-report.json").read_bytes() == before


def test_scans_name_files_from_the_session_on(tmp_path: Path) -> None:
    name = layout.ImageName(ANN, "q1", body_part="ABDOMEN")
    path = layout.write_scans(tmp_path, ANN, "q1", [layout.Scan(name.image, datetime(2011, 2, 3, 4, 5, 6))])  # noqa: DTZ001 -- the scanner's clock
    assert (tmp_path / path).read_text().splitlines()[1] == (
        "mim-rx/ct/sub-k3v9ann_ses-q1_run-1_bp-abdomen_vp-ax_ct.nii.gz\t2011-02-03T04:05:06"
    )


def test_the_real_bids_validator_finds_no_error(tmp_path: Path, repo: Path) -> None:
    people = [
        layout.Participant(ANN, "osteoporotic", ClinicalFacts(91, "F", 60.5, 160.0, ("M80.08",))),
        layout.Participant(BOB, "control", ClinicalFacts(45, "M")),
    ]
    layout.write_dataset_description(tmp_path, "bone-density-v1", {"dcm2niix": "v1.0.20260724"})
    layout.write_readme(tmp_path, "bone-density-v1", "Bone density from abdominal CT")
    layout.write_bidsignore(tmp_path)
    layout.write_participants(tmp_path, people)
    layout.write_staging_report(tmp_path, OUTCOMES)
    (tmp_path / "manifest-sha256.txt").write_text("")
    for person, part in ((ANN, "ABDOMEN"), (BOB, "HEAD")):
        name = layout.ImageName(person, "q1", body_part=part)
        (tmp_path / name.image).parent.mkdir(parents=True)
        nib.save(nib.Nifti1Image(np.zeros((4, 4, 3), np.int16), np.eye(4)), tmp_path / name.image)
        (tmp_path / name.sidecar).write_text('{"Modality": "CT"}')
        layout.write_scans(tmp_path, person, "q1", [layout.Scan(name.image)])
    command = [str(repo / ".venv" / "bin" / "bids-validator-deno"), "--json", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    assert done.returncode == 0
