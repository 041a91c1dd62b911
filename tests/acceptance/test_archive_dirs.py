"""`voxpop demo --archive-dir` over folders of real DICOM: every study is accounted for, and every file."""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest
from pydicom.errors import InvalidDicomError

from tests.acceptance.conftest import Told, tell

pytestmark = [pytest.mark.slow, pytest.mark.shared_data]
FOLDERS = ("ct-head-ge-tilt", "ct-head-philips", "ct-thorax-ge-jpegls", "mr-ge-siemens", "edge-cases")
PHANTOMS = 24
HEADS_AND_THORAX = 3
NO_UID = "its Study Instance UID is no UID, so the archive cannot be asked for it"
UID = re.compile(r"[0-9.]{1,64}")
NO_DICOM = "a note that lies beside the images\n"


@dataclass(frozen=True)
class Whole:
    """A demo over all folders, and what an independent look into their files says."""

    told: Told
    seen: "Seen"

    @property
    def rows(self) -> list[dict[str, str]]:
        with (self.told.volume / "staging-report.tsv").open(encoding="utf-8") as stream:
            return list(csv.DictReader(stream, delimiter="\t"))


@dataclass(frozen=True)
class Seen:
    """Modalities by study, files that are no complete instance, and how many files repeat another's instance."""

    studies: dict[str, set[str]]
    not_instances: set[Path]
    repeated: int


@pytest.fixture(scope="module")
def whole(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    stray = tmp_path_factory.mktemp("stray")
    (stray / "note.txt").write_text(NO_DICOM, encoding="utf-8")
    (stray / "cut.dcm").write_bytes((shared_data / "edge-cases" / "SC_rgb.dcm").read_bytes()[:200])
    folders = [*(shared_data / name for name in FOLDERS), stray]
    options = [part for folder in folders for part in ("--archive-dir", str(folder))]
    return Whole(tell(tmp_path_factory.mktemp("dirs") / "work", *options), look_into(folders))


def look_into(folders: Sequence[Path]) -> Seen:
    """Read all files by pydicom alone."""
    studies: dict[str, set[str]] = defaultdict(set)
    others, instances, repeated = set(), set(), 0
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        try:
            head = pydicom.dcmread(path, stop_before_pixels=True)
            study, instance = str(head.StudyInstanceUID), str(head.SOPInstanceUID)
            assert head.file_meta.TransferSyntaxUID
        except (InvalidDicomError, AttributeError, EOFError):
            others.add(path)
            continue
        repeated += instance in instances
        instances.add(instance)
        studies[study].add(str(head.get("Modality", "")))
    return Seen(dict(studies), others, repeated)


def test_every_study_of_every_folder_is_in_the_staging_report(whole: Whole) -> None:
    rows = whole.rows
    assert len(rows) == PHANTOMS + len(whole.seen.studies)
    assert [row["study"] for row in rows] == [str(number) for number in range(1, len(rows) + 1)]
    assert {row["fate"] for row in rows} == {"staged", "refused", "not selected"}
    assert all(row["reason"] != "n/a" for row in rows if row["fate"] != "staged")


def test_a_study_that_has_no_valid_uid_cannot_be_asked_for_and_is_told(whole: Whole) -> None:
    nameless = [study for study in whole.seen.studies if not UID.fullmatch(study)]
    assert len(nameless) == 1
    assert re.search(r"odd answers: .*1 study whose UID is none", whole.told.stderr)
    assert [row["fate"] for row in whole.rows if row["reason"] == NO_UID] == ["not selected"]


def test_what_is_no_ct_is_not_selected_and_says_so(whole: Whole) -> None:
    left = [row["reason"] for row in whole.rows if row["fate"] == "not selected"]
    others = [uid for uid, modalities in whole.seen.studies.items() if "CT" not in modalities or not UID.fullmatch(uid)]
    assert len(left) == len(others)
    assert all(reason.startswith("modality ") and reason.endswith(", asked: CT") for reason in left if reason != NO_UID)


def test_real_ct_images_are_staged_without_a_group(whole: Whole) -> None:
    rows = [row for row in whole.rows if row["fate"] != "not selected"]
    staged = [row for row in rows if row["fate"] == "staged"]
    real = [row for row in staged if row["group"] == "n/a"]
    assert len(staged) - len(real) == PHANTOMS
    assert len(real) >= HEADS_AND_THORAX
    with (whole.told.volume / "participants.tsv").open(encoding="utf-8") as stream:
        groups = {row["participant_id"]: row["group"] for row in csv.DictReader(stream, delimiter="\t")}
    assert all(groups[row["participant_id"]] == "n/a" for row in real)


def test_a_real_study_is_refused_for_its_kind_and_never_for_identity_that_was_left(whole: Whole) -> None:
    refused = [row["series_reasons"] for row in whole.rows if row["fate"] == "refused"]
    assert all("residual" not in reasons and "identity" not in reasons for reasons in refused), refused


def test_files_that_are_no_dicom_instances_are_listed_in_the_protected_folder(whole: Whole) -> None:
    listed = json.loads((whole.told.work / "protected" / "demo-archive-left-out.json").read_text(encoding="utf-8"))
    twice = [one for one in listed if one["reason"] == "another file has the same SOP instance UID"]
    assert {Path(one["file"]) for one in listed if one not in twice} == whole.seen.not_instances
    assert len(twice) == whole.seen.repeated
    assert all(one["reason"] for one in listed)


def test_every_measured_scan_is_a_number_or_says_why_not(whole: Whole) -> None:
    answer = whole.told.answer
    assert answer["run"]["state"] == "done"
    assert answer["repeat"] == {"identical": True}
    assert answer["volume"]["subjects"] == len({one["participant"] for one in answer["measurements"]})
