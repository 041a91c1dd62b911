"""A few small DICOM studies, written as files: what the archive tests put into an archive and know the answers to."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, RLELossless

from voxpop.dicom.landing import uid_order
from voxpop.kernel.ids import SeriesUID, StudyUID
from voxpop.kernel.imaging import Series, Study

ROOT = "1.2.826.0.1.3680043.8.498.77"
SIDE = 32  # pixels
SLICES = 12
GERMAN = "Bauch nativ größer"
RUSSIAN = "КТ живота"  # noqa: RUF001 -- Cyrillic is the point


@dataclass(frozen=True)
class Planted:
    """What was written: the compressed CT series by name, and the counts of all."""

    folder: Path
    files: tuple[Path, ...]
    counts: dict[str, dict[str, int]]
    study: str
    series: str
    instances: dict[str, bytes]
    listed: Study


def instance(study: int, series: int, number: int, **values: object) -> Dataset:
    """Return one image; its pixels and UIDs depend on its three numbers alone."""
    image = Dataset()
    image.SOPClassUID = CTImageStorage if values.get("Modality", "CT") == "CT" else MRImageStorage
    image.StudyInstanceUID = f"{ROOT}.{study}"
    image.SeriesInstanceUID = f"{ROOT}.{study}.{series}"
    image.SOPInstanceUID = f"{ROOT}.{study}.{series}.{number}"
    image.InstanceNumber = number
    image.SeriesNumber = series
    image.Modality = "CT"
    image.PatientID = f"PID-{study}-SECRET"
    image.PatientName = f"Secret^Name{study}"
    image.StudyDate = f"2020{study:02d}15"
    image.StudyID = str(study)
    image.AccessionNumber = f"ACC-{study}-SECRET"
    image.PatientSex = "F"
    image.PatientBirthDate = "19500102"
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows = image.Columns = SIDE
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation = 15, 0
    pixels = np.random.default_rng(study * 1000 + number).integers(0, 4096, (SIDE, SIDE), dtype=np.uint16)
    image.PixelData = pixels.tobytes()
    for keyword, value in values.items():
        setattr(image, keyword, value)
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return image


def planted_population(folder: Path) -> Planted:
    """Write three studies: German with a compressed CT and an MR, Russian without counts of much, and a bare one."""
    german = {
        "SpecificCharacterSet": "ISO_IR 100",
        "StudyDescription": GERMAN,
        "BodyPartExamined": "ABDOMEN",
        "Manufacturer": "ACME",
        "SeriesDescription": "axial",
    }
    russian = {"SpecificCharacterSet": "ISO_IR 192", "StudyDescription": RUSSIAN}
    compressed = [instance(1, 1, number, **german) for number in range(1, SLICES + 1)]
    for image in compressed:
        image.compress(RLELossless, generate_instance_uid=False)
    others = [instance(1, 2, number, **german | {"Modality": "MR", "BodyPartExamined": ""}) for number in (1, 2)]
    others += [instance(2, 1, number, **russian) for number in (1, 2, 3)]
    others += [instance(3, 1, 1, PatientBirthDate="", PatientSex="", AccessionNumber="")]
    files = []
    for number, image in enumerate([*compressed, *others]):
        path = folder / f"{number % 2}" / f"IM{number}"
        path.parent.mkdir(exist_ok=True)
        image.save_as(path, enforce_file_format=True)
        files.append(path)
    ct, mr = SeriesUID(f"{ROOT}.1.1"), SeriesUID(f"{ROOT}.1.2")
    listed = Study(
        archive="pacs",
        uid=StudyUID(f"{ROOT}.1"),
        patient_id="PID-1-SECRET",
        day=date(2020, 1, 15),
        description=GERMAN,
        accession="ACC-1-SECRET",
        patient_sex="F",
        patient_birth=date(1950, 1, 2),
        series=(
            Series(ct, "CT", 1, "axial", "ABDOMEN", "ACME", SLICES),
            Series(mr, "MR", 2, "axial", "", "ACME", 2),
        ),
    )
    pixels = {str(image.SOPInstanceUID): bytes(image.PixelData) for image in compressed}
    return Planted(
        folder=folder,
        files=tuple(files),
        counts={
            f"{ROOT}.1": {f"{ROOT}.1.1": SLICES, f"{ROOT}.1.2": 2},
            f"{ROOT}.2": {f"{ROOT}.2.1": 3},
            f"{ROOT}.3": {f"{ROOT}.3.1": 1},
        },
        study=f"{ROOT}.1",
        series=f"{ROOT}.1.1",
        instances={uid: pixels[uid] for uid in sorted(pixels, key=uid_order)},
        listed=listed,
    )
