"""DICOM objects of a volume as DICOMweb tells them: every kind of pixels, and none that the seal does not name."""

import hashlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from voxpop.kernel.ids import ApplicationId, CohortId, VolumeId
from voxpop.staging.deid import without_times
from voxpop.volume import objects
from voxpop.volume.model import Volume
from voxpop.volume.objects import ObjectAbsent, ObjectNotShown
from voxpop.volume.states import VolumeState

PIXELS = np.arange(2 * 3 * 4, dtype="<u2").reshape(2, 3, 4)
NATIVE = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"


def _object(path: Path, syntax: str = ExplicitVRLittleEndian, frames: int = 1, number: int = 1) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, f"1.2.3.{number}"
    meta.TransferSyntaxUID = syntax
    little = syntax != ExplicitVRBigEndian
    made = FileDataset(path, {}, preamble=b"\0" * 128, file_meta=meta, is_implicit_VR=False, is_little_endian=little)
    made.SOPClassUID, made.SOPInstanceUID, made.Modality = CTImageStorage, f"1.2.3.{number}", "CT"
    made.StudyInstanceUID, made.SeriesInstanceUID = "1.2.1", "1.2.2"
    made.StudyTime, made.ContentTime, made.AcquisitionDateTime = "101431.5", ["1014", "1015"], "20111012101431"
    inner = Dataset()
    inner.ScheduledProcedureStepStartTime = "0900"
    made.RequestAttributesSequence = [inner]
    made.SeriesTime = ""
    made.Rows, made.Columns, made.SamplesPerPixel, made.BitsAllocated = 3, 4, 1, 16
    made.NumberOfFrames = frames
    made.PhotometricInterpretation, made.BitsStored, made.HighBit, made.PixelRepresentation = "MONOCHROME2", 16, 15, 0
    native = PIXELS[:frames].tobytes()
    if syntax in (JPEGLSLossless, RLELossless):
        made.PixelData = encapsulate([f"frame {frame} ".encode() for frame in range(frames)])
        made["PixelData"].is_undefined_length = True
    else:
        made.PixelData = native
    made["PixelData"].VR = "OW"
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(path, enforce_file_format=True)


def _volume(root: Path, *files: str) -> Volume:
    lines = [f"{hashlib.sha256((root / name).read_bytes()).hexdigest()}  {name}\n" for name in files]
    (root / "manifest-sha256.txt").write_text("".join(lines))
    seal = hashlib.sha256("".join(lines).encode()).hexdigest()
    return Volume(VolumeId("a-v1"), ApplicationId("a"), CohortId("a-c1"), root, VolumeState.SEALED, "Ada", seal)


@pytest.mark.parametrize(
    ("syntax", "media_type"),
    [
        (ExplicitVRLittleEndian, NATIVE),
        (ImplicitVRLittleEndian, NATIVE),
        (DeflatedExplicitVRLittleEndian, NATIVE),
        (JPEGLSLossless, "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80"),
        (RLELossless, "image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5"),
    ],
)
def test_each_frame_is_given_as_it_lies_in_the_file(tmp_path: Path, syntax: str, media_type: str) -> None:
    name = "sourcedata/sub-a/ses-b/run-1/00001.dcm"
    _object(tmp_path / name, syntax, frames=2)
    (one,) = objects.instances_of(_volume(tmp_path, name), "sub-a")
    for number in (1, 2):
        frame = objects.frame_of(one, number)
        assert frame.media_type == media_type
        assert frame.pixels.rstrip(b"\0 ") == (
            PIXELS[number - 1].tobytes() if media_type == NATIVE else f"frame {number - 1}".encode()
        ).rstrip(b"\0 ")
    for number in (0, 3):
        with pytest.raises(ObjectAbsent):
            objects.frame_of(one, number)


def test_pixels_that_cannot_be_given_are_refused(tmp_path: Path) -> None:
    name = "sourcedata/sub-a/ses-b/run-1/00001.dcm"
    _object(tmp_path / name, ExplicitVRBigEndian)
    (one,) = objects.instances_of(_volume(tmp_path, name), "sub-a")
    with pytest.raises(ObjectNotShown):
        objects.frame_of(one, 1)


def test_only_what_the_seal_names_of_that_participant_is_told(tmp_path: Path) -> None:
    names = [f"sourcedata/sub-{who}/ses-b/run-1/0000{number}.dcm" for who in ("a", "ab") for number in (1, 2)]
    for number, name in enumerate(names, 1):
        _object(tmp_path / name, number=number)
    volume = _volume(tmp_path, *names[:1], *names[2:])
    (one,) = objects.instances_of(volume, "sub-a")
    assert one.uids == ("1.2.1", "1.2.2", "1.2.3.1")
    assert objects.has_objects(volume, "sub-a")
    assert not objects.has_objects(volume, "sub-b")
    assert objects.instances_of(volume, "sub-b") == ()
    with pytest.raises(ObjectAbsent):
        objects.under([one], "1.2.1", "1.2.9")


def test_objects_lose_the_times_of_the_day_and_nothing_else(tmp_path: Path) -> None:
    _object(tmp_path / "with.dcm")
    without_times(tmp_path / "with.dcm", tmp_path / "without.dcm")
    before, after = pydicom.dcmread(tmp_path / "with.dcm"), pydicom.dcmread(tmp_path / "without.dcm")
    assert (after.StudyTime, [*after.ContentTime], after.SeriesTime) == ("000000", ["000000", "000000"], "")
    assert after.AcquisitionDateTime == "20111012"
    assert after.RequestAttributesSequence[0].ScheduledProcedureStepStartTime == "000000"
    assert after.PixelData == before.PixelData
    changed = {"StudyTime", "ContentTime", "AcquisitionDateTime", "RequestAttributesSequence"}
    assert {one.keyword for one in before if after[one.tag] != one} == changed
