"""The images of a study: the CT series, its localizer, and the console's screenshot with the name burned in."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from voxpop.demo.phantom import Geometry
from voxpop.demo.population import planting
from voxpop.demo.population.answer_key import AnswerKey, Planter
from voxpop.demo.population.people import LATIN, Person
from voxpop.demo.population.private import plant_private
from voxpop.demo.population.scanners import Scanner
from voxpop.demo.population.uids import Uids

CT_IMAGE = UID("1.2.840.10008.5.1.4.1.1.2")
SECONDARY_CAPTURE = UID("1.2.840.10008.5.1.4.1.1.7")
PADDING = -2000
TRAILING = (0xFFFC, 0xFFFC)


@dataclass(frozen=True, slots=True)
class Study:
    """All that the objects of one study share.

    Parameters
    ----------
    folder : Path
        Where the study's files go.
    weighed : bool
        Whether the weight is in the headers.
    """

    person: Person
    scanner: Scanner
    uids: Uids
    key: AnswerKey
    folder: Path
    weighed: bool
    contrast: bool


def start_object(study: Study, sop_class: UID, where: str) -> tuple[FileDataset, Planter]:
    """Begin an object of a study: file meta, patient, study and equipment, with all that is planted there."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ImplicitVRLittleEndian if study.scanner.implicit_vr else ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = sop_class
    planting.plant_file_meta(Planter(meta, study.key, where), study.person)
    ds = FileDataset("", {}, file_meta=meta, preamble=_preamble(study, where))
    planter = Planter(ds, study.key, where)
    ds.SOPClassUID = sop_class
    planting.plant_patient(planter, study.person)
    planting.plant_patient_study(planter, study.person, weighed=study.weighed)
    planting.plant_study(planter, study.person, study.uids)
    planting.plant_series(planter, study.person)
    ds.Manufacturer = study.scanner.maker
    ds.ManufacturerModelName = study.scanner.model
    ds.SoftwareVersions = study.scanner.software
    plant_private(planter, study.person, study.scanner.maker)
    return ds, planter


def write_object(ds: FileDataset, planter: Planter, path: Path, uid: UID) -> None:
    """Give an object its UID and write it."""
    planter.put("SOPInstanceUID", uid, planting.UID_KIND)
    ds.file_meta.MediaStorageSOPInstanceUID = uid
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, ds, enforce_file_format=True)


def write_ct(study: Study, hu: NDArray[np.int16], geometry: Geometry) -> list[UID]:
    """Write the axial series, ``hu`` with the lowest slice first; returns the UIDs in the order of instances."""
    ds, planter = start_object(study, CT_IMAGE, "ct")
    planting.plant_image(planter, study.person, study.uids)
    _axial_header(study, ds, planter, geometry)
    padding = f"{study.person.roman} {study.person.patient_id}".encode()
    planter.put_tag(TRAILING, "OB", padding + b"\0" * (64 - len(padding) % 2 - len(padding)), planting.TEXT)
    stored = _stored(study.scanner, ds, hu)
    order = range(len(stored))[::-1] if study.scanner.head_first_down else range(len(stored))
    uids = []
    x, y, z = geometry.corner_mm
    for number, k in enumerate(order, start=1):
        place = z + k * geometry.step_mm
        ds.InstanceNumber = number
        ds.ImagePositionPatient = [f"{x:.4f}", f"{y:.4f}", f"{place:.4f}"]
        ds.SliceLocation = f"{place:.4f}"
        ds.PixelData = stored[k].tobytes()
        if number == 1:
            _plant_overlay(planter, study.person, hu.shape[1])
        uid = study.uids.make("ct", number)
        write_object(ds, planter, study.folder / "SE2" / f"IM{number:04d}", uid)
        uids.append(uid)
        if number == 1:
            _remove_overlay(ds)
    return uids


def write_localizer(study: Study, hu: NDArray[np.int16], geometry: Geometry) -> None:
    """Write the coronal localizer as its own series: the mean along the rays, the head at the top."""
    ds, planter = start_object(study, CT_IMAGE, "localizer")
    ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    rays = hu.mean(axis=1)[::-1]
    step = geometry.pixel_mm * 2
    rows = np.clip(
        (np.arange(int(geometry.slices * geometry.step_mm / step)) * step / geometry.step_mm), 0, len(rays) - 1
    )
    scout = rays[rows.astype(int)][:, ::2].astype(np.int16)
    _series(study, ds, planter, ("localizer", 1, "TOPOGRAMA"))
    _frame(study, ds, planter)
    ds.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    x, y, z = geometry.corner_mm
    top = z + (geometry.slices - 1) * geometry.step_mm
    ds.ImagePositionPatient = [f"{x:.4f}", f"{y + geometry.matrix * geometry.pixel_mm / 2:.4f}", f"{top:.4f}"]
    ds.PixelSpacing = [f"{step:.6f}", f"{step:.6f}"]
    ds.SliceThickness = f"{geometry.matrix * geometry.pixel_mm:.1f}"
    _tube(study, ds)
    ds.InstanceNumber, ds.AcquisitionNumber = 1, 1
    _pixels(ds, scout.shape)
    ds.PixelData = _stored(study.scanner, ds, scout).tobytes()
    write_object(ds, planter, study.folder / "SE1" / "IM0001", study.uids.make("localizer"))


def write_screenshot(study: Study) -> None:
    """Write the console's screenshot: a Secondary Capture with name, number and birth date in its pixels."""
    person = study.person
    ds, planter = start_object(study, SECONDARY_CAPTURE, "secondary capture")
    ds.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    ds.Modality = ("CT", "OT")[person.index // 2 % 2]
    ds.ConversionType = "WSD"
    ds.BurnedInAnnotation = "YES"
    planter.put("SeriesInstanceUID", study.uids.make("series", "screenshot"), planting.UID_KIND)
    planter.put("SeriesDescription", f"Captura {person.other_id}", planting.TEXT)
    ds.SeriesNumber, ds.InstanceNumber = 900, 1
    ds.PatientOrientation, ds.Laterality = "", ""
    planter.put("SecondaryCaptureDeviceID", f"CONSOLA{person.station[-4:]}", planting.DEVICE)
    words = [person.native.upper() if person.charset in {LATIN, ()} else person.patient_id, person.patient_id,
             f"{person.birth:%d/%m/%Y}"]  # fmt: skip
    for word in words:
        planter.key.note("burned in", word, "(7FE0,0010) pixels", "pixels", "secondary capture")
    picture = written_picture(words, (256, 320))
    _pixels(ds, picture.shape)
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PixelData = picture.tobytes()
    write_object(ds, planter, study.folder / "SE9" / "IM0001", study.uids.make("screenshot"))


def written_picture(lines: list[str], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a grey picture, (rows, columns), with lines of text in it."""
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("L", (shape[1], shape[0]), 24)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=shape[0] // 14)
    for k, line in enumerate(lines):
        draw.text((10, 10 + k * shape[0] // 10), line, fill=235, font=font)
    return np.asarray(picture, np.uint8)


def _axial_header(study: Study, ds: Dataset, planter: Planter, geometry: Geometry) -> None:
    scanner = study.scanner
    ds.ImageType = list(scanner.image_type)
    _series(study, ds, planter, ("ct", 2, scanner.series))
    _frame(study, ds, planter)
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing = [f"{geometry.pixel_mm:.6f}", f"{geometry.pixel_mm:.6f}"]
    ds.SliceThickness = f"{geometry.thickness_mm:g}"
    ds.SpacingBetweenSlices = f"{geometry.step_mm:g}"
    ds.ReconstructionDiameter = f"{geometry.pixel_mm * geometry.matrix:.2f}"
    ds.ConvolutionKernel = scanner.kernel
    _tube(study, ds)
    ds.AcquisitionNumber = 1
    if study.contrast:
        ds.ContrastBolusAgent = "OMNIPAQUE 350"
        ds.ContrastBolusRoute = "IV"
    _pixels(ds, (geometry.matrix, geometry.matrix))


def _series(study: Study, ds: Dataset, planter: Planter, which: tuple[str, int, str]) -> None:
    name, number, description = which
    person = study.person
    ds.Modality = "CT"
    planter.put("SeriesInstanceUID", study.uids.make("series", name), planting.UID_KIND)
    ds.SeriesNumber = number
    if person.index % 5 == 0:
        planter.put("SeriesDescription", f"{description} {person.national_id}", planting.TEXT)
    else:
        ds.SeriesDescription = description
    ds.ProtocolName = study.scanner.protocol
    ds.BodyPartExamined = "ABDOMEN"
    ds.PatientPosition = "HFS"
    day, time = person.study_day.strftime("%Y%m%d"), f"{ds.StudyTime[:4]}{30 + number}"
    for stage in ("Series", "Acquisition", "Content"):
        planter.put(f"{stage}Date", day, planting.DATE)
        planter.put(f"{stage}Time", time, planting.TIME)


def _frame(study: Study, ds: Dataset, planter: Planter) -> None:
    planter.put("FrameOfReferenceUID", study.uids.make("frame"), planting.UID_KIND)
    ds.PositionReferenceIndicator = ""


def _tube(study: Study, ds: Dataset) -> None:
    ds.KVP = "120"
    ds.XRayTubeCurrent = 180 + 15 * (study.person.index % 9)
    ds.ExposureTime, ds.FilterType, ds.GantryDetectorTilt = 500, "BODY FILTER", "0"
    ds.TableHeight = f"{140 + study.person.index % 20}"


def _pixels(ds: Dataset, shape: tuple[int, ...]) -> None:
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = shape
    if ds.SOPClassUID == CT_IMAGE:
        ds.BitsAllocated = 16
        ds.WindowCenter, ds.WindowWidth = "40", "400"
        ds.RescaleType = "HU"
        ds.RescaleSlope = "1"


def _stored(scanner: Scanner, ds: Dataset, hu: NDArray[np.int16]) -> NDArray[Any]:
    """Return stored values as the maker stores them, and write the elements that say so."""
    ds.PixelRepresentation = int(scanner.signed)
    ds.BitsStored, ds.HighBit = (16, 15) if scanner.signed else (12, 11)
    if not scanner.signed:
        ds.RescaleIntercept = "-1024"
        return (hu + 1024).astype("<u2")
    if not scanner.maker.startswith("GE") or hu.ndim == 2:
        ds.RescaleIntercept = "0"
        return hu.astype("<i2")
    ds.RescaleIntercept = "-1024"
    ds.add_new((0x0028, 0x0120), "SS", PADDING)
    at = np.arange(hu.shape[1]) - (hu.shape[1] - 1) / 2
    outside = np.hypot(at[:, None], at[None, :]) > hu.shape[1] / 2
    return np.where(outside[None], np.int16(PADDING), hu + np.int16(1024)).astype("<i2")


def _plant_overlay(planter: Planter, person: Person, size: int) -> None:
    """Plant an overlay with the number drawn in it and comments beside it, and a curve of the old kind."""
    words = [person.patient_id, f"{person.birth:%d/%m/%Y}"]
    bits = np.packbits(written_picture(words, (size, size)).ravel() > 128, bitorder="little").tobytes()
    for element, vr, value in (
        (0x0010, "US", size), (0x0011, "US", size), (0x0040, "CS", "G"), (0x0050, "SS", [1, 1]),
        (0x0100, "US", 1), (0x0102, "US", 0), (0x3000, "OW", bits + b"\0" * (len(bits) % 2)),
    ):  # fmt: skip
        planter.ds.add_new((0x6000, element), vr, value)
    for word in words:
        planter.key.note("burned in", word, "(6000,3000) overlay", "pixels", planter.where)
    planter.put_tag((0x6000, 0x0022), "LO", f"Marcado por {person.operator.split('^')[0]}", planting.STAFF)
    planter.put_tag((0x6000, 0x1500), "LO", f"ROI {person.other_id}", planting.TEXT)
    planter.put_tag((0x6000, 0x4000), "LT", f"Lesion de {person.native}, ver {person.national_id}", planting.TEXT)
    if person.index % 4 == 3:
        planter.put_tag((0x5000, 0x0022), "LO", f"ECG {person.national_id}", planting.TEXT)


def _remove_overlay(ds: Dataset) -> None:
    for element in [e.tag for group in (0x5000, 0x6000) for e in ds.group_dataset(group)]:
        del ds[element]


def _preamble(study: Study, where: str) -> bytes:
    if study.person.index % 6:
        return b"\0" * 128
    note = f"{study.person.roman} {study.person.national_id}"
    study.key.note("meta", note, "preamble", "bytes, UTF-8", where)
    return note.encode().ljust(128, b"\0")
