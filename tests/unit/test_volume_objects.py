"""DICOM objects of a volume as DICOMweb tells them: every kind of pixels, and none that the seal does not name."""

from pathlib import Path

import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)
from tests.volume_objects import PIXELS, sealed_volume, write_object

from voxpop.staging.deid import without_times
from voxpop.volume import objects
from voxpop.volume.frames import ObjectNotShown, frame_of
from voxpop.volume.objects import ObjectAbsent

NATIVE = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"


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
    write_object(tmp_path / name, syntax, frames=2)
    (one,) = objects.instances_of(sealed_volume(tmp_path, name), "sub-a")
    for number in (1, 2):
        frame = frame_of(one, number)
        assert frame.media_type == media_type
        assert frame.pixels.rstrip(b"\0 ") == (
            PIXELS[number - 1].tobytes() if media_type == NATIVE else f"frame {number - 1}".encode()
        ).rstrip(b"\0 ")
    for number in (0, 3):
        with pytest.raises(ObjectAbsent):
            frame_of(one, number)


def test_pixels_that_cannot_be_given_are_refused(tmp_path: Path) -> None:
    name = "sourcedata/sub-a/ses-b/run-1/00001.dcm"
    write_object(tmp_path / name, ExplicitVRBigEndian)
    (one,) = objects.instances_of(sealed_volume(tmp_path, name), "sub-a")
    with pytest.raises(ObjectNotShown):
        frame_of(one, 1)


def test_only_what_the_seal_names_of_that_participant_is_told(tmp_path: Path) -> None:
    names = [f"sourcedata/sub-{who}/ses-b/run-1/0000{number}.dcm" for who in ("a", "ab") for number in (1, 2)]
    for number, name in enumerate(names, 1):
        write_object(tmp_path / name, number=number)
    volume = sealed_volume(tmp_path, *names[:1], *names[2:])
    (one,) = objects.instances_of(volume, "sub-a")
    assert one.uids == ("1.2.1", "1.2.2", "1.2.3.1")
    assert objects.has_objects(volume, "sub-a")
    assert not objects.has_objects(volume, "sub-b")
    assert objects.instances_of(volume, "sub-b") == ()
    with pytest.raises(ObjectAbsent):
        objects.under([one], "1.2.1", "1.2.9")


def test_objects_lose_the_times_of_the_day_and_nothing_else(tmp_path: Path) -> None:
    write_object(tmp_path / "with.dcm")
    without_times(tmp_path / "with.dcm", tmp_path / "without.dcm")
    before, after = pydicom.dcmread(tmp_path / "with.dcm"), pydicom.dcmread(tmp_path / "without.dcm")
    assert (after.StudyTime, [*after.ContentTime], after.SeriesTime) == ("000000", ["000000", "000000"], "")
    assert after.AcquisitionDateTime == "20111012"
    assert after.RequestAttributesSequence[0].ScheduledProcedureStepStartTime == "000000"
    assert after.PixelData == before.PixelData
    changed = {"StudyTime", "ContentTime", "AcquisitionDateTime", "RequestAttributesSequence"}
    assert {one.keyword for one in before if after[one.tag] != one} == changed
