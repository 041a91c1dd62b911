"""Small DICOM objects, and a sealed volume of them."""

import hashlib
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, ExplicitVRBigEndian, ExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from voxpop.kernel.ids import ApplicationId, CohortId, VolumeId
from voxpop.volume.model import Volume
from voxpop.volume.states import VolumeState

PIXELS = np.arange(2 * 3 * 4, dtype="<u2").reshape(2, 3, 4)


def write_object(path: Path, syntax: str = ExplicitVRLittleEndian, frames: int = 1, number: int = 1) -> None:
    """Write one small object; every frame of it has other pixels."""
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


def sealed_volume(root: Path, *files: str) -> Volume:
    """Return a volume whose seal names some files of a folder."""
    lines = [f"{hashlib.sha256((root / name).read_bytes()).hexdigest()}  {name}\n" for name in files]
    (root / "manifest-sha256.txt").write_text("".join(lines))
    seal = hashlib.sha256("".join(lines).encode()).hexdigest()
    return Volume(VolumeId("a-v1"), ApplicationId("a"), CohortId("a-c1"), root, VolumeState.SEALED, "Ada", seal)
