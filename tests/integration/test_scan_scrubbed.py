"""Real series, scrubbed, converted and laid out, raise no false alarm; what is put back is found."""

import json
from pathlib import Path

import pydicom
import pytest

from voxpop.backends.converter.dcm2niix import gzip_nifti, open_converter
from voxpop.staging import layout
from voxpop.staging.deid import PatientKey, SeriesScrub, load_profile, scrub_series
from voxpop.staging.scan import scan_files

pytestmark = pytest.mark.shared_data
SERIES = [
    "ct-thorax-ge-jpegls",
    "ct-head-ge-tilt",
    "ct-head-philips/S2010",
    "mr-ge-siemens/In/20180918GE/mr_0004",
    "mr-ge-siemens/In/20180918Si/mr_0003",
]


def _scrubbed(shared_data: Path, series: str, into: Path) -> tuple[SeriesScrub, PatientKey]:
    files = sorted(file for file in (shared_data / series).rglob("*") if file.is_file() and file.suffix != ".txt")
    patient = PatientKey(b"k" * 32, "test", "anyone")
    return scrub_series(files, into / "scrubbed", load_profile(), patient, checks_patient=False), patient


def _written(scrub: SeriesScrub, into: Path) -> list[Path]:
    files = [*scrub.files]
    for image in open_converter().convert(into / "scrubbed", into / "converted").files:
        sidecar = into / f"{image.nifti.stem}-safe.json"
        layout.write_sidecar(image.sidecar, sidecar)
        gzip_nifti(image.nifti, into / f"{image.nifti.name}.gz")
        files += [image.nifti, sidecar, into / f"{image.nifti.name}.gz"]
    return files


@pytest.mark.parametrize("series", SERIES)
def test_a_scrubbed_series_raises_no_false_alarm(tmp_path: Path, shared_data: Path, series: str) -> None:
    scrub, patient = _scrubbed(shared_data, series, tmp_path)
    files = _written(scrub, tmp_path)
    report = scan_files(files, scrub.identity, shift_days=patient.days)
    assert report.findings == ()
    assert report.values_sought > 10
    assert report.bytes_read >= sum(file.stat().st_size for file in files if file.suffix != ".gz")


@pytest.mark.parametrize("series", SERIES)
def test_an_original_value_put_back_is_found(tmp_path: Path, shared_data: Path, series: str) -> None:
    scrub, patient = _scrubbed(shared_data, series, tmp_path)
    ds = pydicom.dcmread(scrub.files[0])
    uid = next(value.text for value in scrub.identity.values if value.kind == "uid" and len(value.text) > 30)
    ds.FrameOfReferenceUID = uid
    ds.save_as(tmp_path / "leak.dcm")
    (tmp_path / "leak.json").write_text(json.dumps({"SoftwareVersions": uid}))
    for leak, place in (("leak.dcm", "(0020,0052)"), ("leak.json", "JSON sidecar")):
        report = scan_files([*scrub.files, tmp_path / leak], scrub.identity, shift_days=patient.days)
        # A UID may hold a date, which is found beside it.
        assert {found.place for found in report.findings} == {place}
        assert uid not in report.reason
