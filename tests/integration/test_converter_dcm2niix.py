"""The converter gives what dcm2niix's authors say it must give, and says why when it cannot."""

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from voxpop.backends.converter.dcm2niix import ConversionRefused, Dcm2niix, gzip_nifti, open_converter
from voxpop.backends.converter.dcm2niix.messages import refusal_of, warnings_of
from voxpop.backends.process import Finished

GE, SIEMENS = "In/20180918GE/mr_000", "In/20180918Si/mr_000"
REFERENCES = [
    *((f"{GE}{n}", f"DCM2NIIX_regression_test_{n}") for n in (4, 5, 6, 7)),
    *((f"{SIEMENS}{n}", f"EPI_PE={axis}_{n}") for n, axis in ((3, "AP"), (4, "PA"), (5, "RL"), (6, "LR"))),
]


@pytest.fixture(scope="module")
def converter() -> Dcm2niix:
    return open_converter()


@pytest.mark.shared_data
@pytest.mark.parametrize(("series", "reference"), REFERENCES)
def test_voxels_and_affine_are_those_of_the_reference(
    tmp_path: Path, shared_data: Path, converter: Dcm2niix, series: str, reference: str
) -> None:
    conversion = converter.convert(shared_data / "mr-ge-siemens" / series, tmp_path)
    assert len(conversion.files) == 1
    ours = nib.load(conversion.files[0].nifti)
    theirs = nib.load(shared_data / "mr-ge-siemens" / "Ref" / f"{reference}.nii")
    np.testing.assert_array_equal(np.asanyarray(ours.dataobj), np.asanyarray(theirs.dataobj))
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-4)
    assert conversion.files[0].slices == ours.shape[2]


@pytest.mark.shared_data
def test_a_tilted_gantry_gives_the_corrected_image_first(
    tmp_path: Path, shared_data: Path, converter: Dcm2niix
) -> None:
    conversion = converter.convert(shared_data / "ct-head-ge-tilt", tmp_path)
    assert [file.suffix for file in conversion.files] == ["Tilt_Eq_1", ""]
    assert all(json.loads(file.sidecar.read_text())["Modality"] == "CT" for file in conversion.files)
    assert any("gantry tilt of 18.5 degrees" in warning for warning in conversion.warnings)
    assert not any("/" in warning for warning in conversion.warnings)


@pytest.mark.shared_data
def test_converting_twice_gives_the_same_files(tmp_path: Path, shared_data: Path, converter: Dcm2niix) -> None:
    def digests() -> dict[str, str]:
        converter.convert(shared_data / "ct-head-ge-tilt", tmp_path)
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in tmp_path.iterdir()}

    assert digests() == digests()


def test_a_folder_without_images_is_refused_with_the_reason(tmp_path: Path, converter: Dcm2niix) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0001.dcm").write_bytes(b"nothing")
    with pytest.raises(ConversionRefused, match="no image was found"):
        converter.convert(tmp_path / "in", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.shared_data
def test_a_truncated_object_is_refused_and_never_half_converted(
    tmp_path: Path, shared_data: Path, converter: Dcm2niix
) -> None:
    shutil.copytree(shared_data / "ct-head-ge-tilt", tmp_path / "in")
    victim = sorted((tmp_path / "in").iterdir())[3]
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes()[:200_000])
    with pytest.raises(ConversionRefused):
        converter.convert(tmp_path / "in", tmp_path / "out")


def test_the_version_is_the_tools_own(converter: Dcm2niix) -> None:
    assert converter.version().startswith("dcm2niix v1.")


def test_a_message_holds_no_file_name_and_no_long_number() -> None:
    said = Finished(
        8, "Warning: Unable to open '/a/b/Smith.dcm' of 20180918.123\nError: bad file /x/Jones_1.dcm: skip\n", ""
    )
    text = " ".join(warnings_of(said))
    assert not any(word in text for word in ("Smith", "Jones", "2018", "/"))
    assert refusal_of(said).startswith("some images could not be converted")
    assert "signal 9" in refusal_of(Finished(-9, "", ""))


def test_gzip_is_the_same_again_and_carries_no_name_or_time(tmp_path: Path) -> None:
    content = np.random.default_rng(1).integers(0, 99, 5_000_000, dtype=np.int16).tobytes()
    for name in ("a.nii", "b.nii"):
        (tmp_path / name).write_bytes(content)
    first = gzip_nifti(tmp_path / "a.nii", tmp_path / "a.nii.gz")
    second = gzip_nifti(tmp_path / "b.nii", tmp_path / "b.nii.gz")
    packed = (tmp_path / "a.nii.gz").read_bytes()
    assert first == second
    assert (first.sha256, first.bytes) == (hashlib.sha256(packed).hexdigest(), len(packed))
    assert gzip.decompress(packed) == content
    assert packed[3:8] == b"\0" * 5
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.nii", "a.nii.gz", "b.nii", "b.nii.gz"]
