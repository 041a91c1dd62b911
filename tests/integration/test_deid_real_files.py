"""De-identification of real objects from many devices, and a validator's verdict on what comes out."""

import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import config, dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian
from tests.deid_objects import SECRET, key_of

from voxpop.staging.deid import (
    FolderUnusable,
    ObjectRefused,
    PatientKey,
    RefusalReason,
    ScrubContext,
    deid_folder,
    load_profile,
    scrub_file,
)
from voxpop.staging.identity import Identity

FOLDERS = ("ct-head-ge-tilt", "ct-head-philips", "ct-thorax-ge-jpegls", "mr-ge-siemens", "edge-cases")
pytestmark = [pytest.mark.shared_data, pytest.mark.filterwarnings("ignore")]


def _files(folder: Path, *, every: int = 1) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()][::every]


def _read(path: Path) -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dcmread(path, force=True)


def _scrub(path: Path, target: Path, image: Dataset) -> Dataset:
    scrub_file(path, target, ScrubContext(load_profile(), key_of(image)))
    return _read(target)


def _scrubbed(shared_data: Path, folder: Path) -> Iterator[tuple[Path, Dataset, Path]]:
    """Give a few originals of each folder with what came of them."""
    for name in FOLDERS:
        for path in _files(shared_data / name, every=1 if name == "edge-cases" else 20):
            target = folder / "scrubbed.dcm"
            try:
                image = _read(path)
                scrub_file(path, target, ScrubContext(load_profile(), key_of(image)))
            except ObjectRefused:
                continue
            yield path, image, target


@pytest.mark.parametrize("name", FOLDERS)
def test_every_file_is_de_identified_or_refused_with_a_reason(shared_data: Path, tmp_path: Path, name: str) -> None:
    report = deid_folder(shared_data / name, tmp_path / "out", load_profile(), SECRET, "tests")
    assert len(report.fates) == len(_files(shared_data / name))
    assert all(bool(fate.target) != bool(fate.reason) for fate in report.fates)
    assert report.written == len(_files(tmp_path / "out"))
    assert set(report.refused) <= {reason.value for reason in RefusalReason}
    assert all(path.stat().st_mode & 0o077 == 0 for path in _files(tmp_path / "out"))


def test_what_real_folders_hold_is_refused_for_the_right_reason(shared_data: Path, tmp_path: Path) -> None:
    philips = deid_folder(shared_data / "ct-head-philips", tmp_path / "philips", load_profile(), SECRET, "tests")
    assert philips.written == 54
    assert philips.refused == {RefusalReason.DIRECTORY.value: 2, RefusalReason.SECONDARY_CAPTURE.value: 5}
    thorax = deid_folder(shared_data / "ct-thorax-ge-jpegls", tmp_path / "thorax", load_profile(), SECRET, "tests")
    assert (thorax.written, thorax.refused) == (135, {})


def test_pixels_and_geometry_of_real_objects_stay_to_the_byte(shared_data: Path, tmp_path: Path) -> None:
    count = 0
    for path, image, target in _scrubbed(shared_data, tmp_path):
        done = _read(target)
        if image.file_meta.TransferSyntaxUID != ExplicitVRBigEndian:
            assert done.PixelData == image.PixelData, path.name
        for word in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "Rows"):
            assert done.get(word) == image.get(word), (path.name, word)
        count += 1
    assert count > 50


def test_a_real_object_comes_out_the_same_from_every_encoding(shared_data: Path, tmp_path: Path) -> None:
    count = 0
    for path, image, target in _scrubbed(shared_data, tmp_path):
        if image.file_meta.TransferSyntaxUID.is_compressed or image.file_meta.TransferSyntaxUID.is_implicit_VR:
            continue
        plain = _read(target)
        image.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        again = tmp_path / "implicit.dcm"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                image.save_as(again, implicit_vr=True, little_endian=image.original_encoding[1], force_encoding=True)
        except (ValueError, TypeError):
            continue
        if not image.original_encoding[1]:
            continue
        other = _scrub(again, tmp_path / "other.dcm", image)
        assert other == plain, path.name
        count += 1
    assert count > 40


@pytest.mark.needs("dicom3tools")
def test_the_validator_finds_no_error_that_the_input_did_not_have(shared_data: Path, tmp_path: Path) -> None:
    for path, _, target in _scrubbed(shared_data, tmp_path):
        new = _errors(target) - _errors(path)
        assert not new, (path.name, new)


def _errors(path: Path) -> set[str]:
    told = subprocess.run(
        ["dciodvfy", "-new", str(path)], capture_output=True, text=True, errors="replace", check=False
    )
    return {line for line in (told.stdout + told.stderr).splitlines() if line.startswith("Error")}


def test_uids_and_days_agree_over_the_series_of_a_study(shared_data: Path, tmp_path: Path) -> None:
    deid_folder(shared_data / "mr-ge-siemens" / "In" / "20180918GE", tmp_path / "out", load_profile(), SECRET, "tests")
    heads = [_read(path) for path in _files(tmp_path / "out", every=50)]
    assert len({head.SeriesInstanceUID for head in heads}) > 1
    for word in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "StudyID", "StudyDate"):
        assert len({str(head[word].value) for head in heads}) == 1, word


def test_a_series_held_back_by_the_last_look_is_not_in_the_target(shared_data: Path, tmp_path: Path) -> None:
    looked: list[Identity] = []

    def hold_back(folder: Path, identity: Identity, days: int) -> None:
        assert len(_files(folder)) == 28
        looked.append(identity)
        raise ObjectRefused(RefusalReason.BURNED_IN)

    report = deid_folder(
        shared_data / "ct-head-ge-tilt", tmp_path / "out", load_profile(), SECRET, "tests", check=hold_back
    )
    assert len(looked) == 1
    assert report.written == 0
    assert report.refused == {RefusalReason.BURNED_IN.value: 28}
    assert not _files(tmp_path)


def test_a_folder_that_is_in_use_or_inside_the_source_is_not_written_to(shared_data: Path, tmp_path: Path) -> None:
    source = tmp_path / "in"
    shutil.copytree(shared_data / "ct-head-ge-tilt", source)
    for source_given, target, words in (
        (source, source / "out", "lie in each other"),
        (source, tmp_path, "not empty"),
        (tmp_path / "absent", tmp_path / "out", "not there"),
    ):
        with pytest.raises(FolderUnusable, match=words):
            deid_folder(source_given, target, load_profile(), SECRET, "tests")


def test_a_person_without_an_id_is_known_by_the_study(shared_data: Path, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for number in (1, 2):
        image = _read(shared_data / "ct-head-ge-tilt" / "01.dcm")
        image.PatientID, image.StudyInstanceUID = "", f"1.2.{number}"
        image.SOPInstanceUID = f"1.2.{number}.3"
        image.save_as(source / f"{number}.dcm")
    report = deid_folder(source, tmp_path / "out", load_profile(), SECRET, "tests")
    assert (report.written, report.patients, report.studies) == (2, 2, 2)
    assert PatientKey(SECRET, "tests", "").label not in {path.name for path in (tmp_path / "out").iterdir()}


def test_pydicom_reads_what_is_written_without_a_warning(shared_data: Path, tmp_path: Path) -> None:
    original = shared_data / "ct-thorax-ge-jpegls"
    first = _files(original)[0]
    done = tmp_path / "done.dcm"
    scrub_file(first, done, ScrubContext(load_profile(), key_of(_read(first))))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before, config.settings.reading_validation_mode = config.settings.reading_validation_mode, config.RAISE
        try:
            for each in dcmread(done).iterall():
                assert each.value is not None or each.is_empty
        finally:
            config.settings.reading_validation_mode = before
