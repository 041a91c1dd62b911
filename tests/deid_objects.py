"""Objects to de-identify, made by pydicom, and the shortest way through de-identification and back."""

from pathlib import Path

from pydicom import dcmread
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from voxpop.staging.deid import PatientKey, Profile, ScrubContext, load_profile, scrub_file
from voxpop.staging.identity import Identity

SECRET = bytes(range(32))
TEXT_VRS = frozenset({"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})


def ct(**values: object) -> Dataset:
    """Return a small CT image that a hospital might have made."""
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, "1.2.3.1.1.1"
    image.StudyInstanceUID, image.SeriesInstanceUID = "1.2.3.1", "1.2.3.1.1"
    image.FrameOfReferenceUID = "1.2.3.9"
    image.ImageType, image.Modality, image.Manufacturer = ["ORIGINAL", "PRIMARY", "AXIAL"], "CT", "VENDOR"
    image.PatientName, image.PatientID = "Doe^Jane", "PID-4711"
    image.PatientBirthDate, image.PatientSex = "19480229", "F"
    image.PatientAge, image.PatientWeight, image.PatientSize = "071Y", "70.5", "1.62"
    image.StudyDate, image.StudyTime, image.StudyID, image.AccessionNumber = "20190715", "101500", "S77", "ACC-1"
    image.ReferringPhysicianName = "Refer^Ralf"
    image.SeriesNumber, image.InstanceNumber = 2, 1
    image.ImagePositionPatient, image.ImageOrientationPatient = [0, 0, 10], [1, 0, 0, 0, 1, 0]
    image.PixelSpacing, image.SliceThickness, image.KVP = [0.7, 0.7], "3", "120"
    image.RescaleIntercept, image.RescaleSlope = "-1024", "1"
    image.Rows = image.Columns = 4
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 1
    image.PixelData = bytes(range(32))
    for keyword, value in values.items():
        setattr(image, keyword, value)
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return image


def key_of(image: Dataset) -> PatientKey:
    return PatientKey(SECRET, "tests", str(image.get("PatientID", "")))


def saved(image: Dataset, path: Path) -> Path:
    image.save_as(path, enforce_file_format=True)
    return path


def scrubbed(image: Dataset, folder: Path, profile: Profile | None = None) -> Dataset:
    """Write an image, de-identify it, and read what came of it."""
    return scrubbed_with_identity(image, folder, profile)[0]


def scrubbed_with_identity(image: Dataset, folder: Path, profile: Profile | None = None) -> tuple[Dataset, Identity]:
    context = ScrubContext(profile or load_profile(), key_of(image))
    scrub_file(saved(image, folder / "original.dcm"), folder / "scrubbed.dcm", context)
    return dcmread(folder / "scrubbed.dcm"), context.identity()


def text_tags() -> tuple[int, ...]:
    """Return every standard tag of free text."""
    return tuple(
        tag
        for tag, (vr, *_) in sorted(DicomDictionary.items())
        if vr in TEXT_VRS and tag >> 16 > 2 and not tag >> 16 & 1
    )
