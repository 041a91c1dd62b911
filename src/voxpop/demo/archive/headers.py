"""Reading what is asked for from a file's header, and saying why a file is none of ours."""

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag, Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian

from voxpop.demo.archive.model import Instance, LeftOut
from voxpop.dicom.broken import BROKEN

PATIENT = ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "PatientAge")
STUDY = (
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "StudyDescription",
    "ReferringPhysicianName",
)  # fmt: skip
SERIES = (
    "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "SeriesDate", "SeriesTime", "Modality",
    "BodyPartExamined", "Manufacturer", "ManufacturerModelName", "InstitutionName", "StationName", "ProtocolName",
    "PerformedProcedureStepStartDate",
)  # fmt: skip
INSTANCE = (
    "SOPClassUID", "SOPInstanceUID", "InstanceNumber", "ImageType", "BurnedInAnnotation", "Rows", "Columns",
    "BitsAllocated", "NumberOfFrames", "SliceThickness", "ContentDate", "ContentTime", "AcquisitionNumber",
)  # fmt: skip
ALL = ("SpecificCharacterSet", *PATIENT, *STUDY, *SERIES, *INSTANCE)
READ: list[BaseTag | int] = [Tag(tag_for_keyword(word) or 0) for word in ALL]
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
UNDEFINED = 0xFFFFFFFF
UNREADABLE: tuple[type[Exception], ...] = (*BROKEN, OSError)  # what the disk cannot give is as good as damaged


def read_folders(folders: Iterable[Path]) -> tuple[list[Instance], list[LeftOut]]:
    """Read every file below some folders once, in the order of their names."""
    instances: dict[str, Instance] = {}
    left_out: list[LeftOut] = []
    with _quiet_pydicom():
        for path in _files(folders):
            found = read_instance(path)
            if isinstance(found, LeftOut):
                left_out.append(found)
            elif found.uid in instances:
                left_out.append(LeftOut(path, "another file has the same SOP instance UID"))
            else:
                instances[found.uid] = found
    return list(instances.values()), left_out


def read_instance(path: Path) -> Instance | LeftOut:
    """Read one file's header, or say why it is left out."""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            ruler = _Ruler(stream)
            ds = read_partial(stream, ruler, specific_tags=READ)
    except InvalidDicomError:
        return LeftOut(path, "not DICOM" if size else "empty file")
    except UNREADABLE:
        return LeftOut(path, "unreadable header")
    reason = _reason(ds, ruler, size)
    if reason:
        return LeftOut(path, reason)
    return Instance(
        path, str(ds.StudyInstanceUID), str(ds.SeriesInstanceUID), str(ds.SOPInstanceUID), str(ds.SOPClassUID),
        str(ds.file_meta.TransferSyntaxUID), _plain(ds),
    )  # fmt: skip


def _reason(ds: FileDataset, ruler: "_Ruler", size: int) -> str | None:
    meta = ds.file_meta
    if meta.get("MediaStorageSOPClassUID") == MEDIA_DIRECTORY:
        return "DICOMDIR"
    syntax = meta.get("TransferSyntaxUID")
    if not syntax:
        return "no TransferSyntaxUID"
    whole = syntax == DeflatedExplicitVRLittleEndian or (ruler.end <= size and (ruler.pixels or "Rows" not in ds))
    if not whole:
        return "truncated"
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        if not ds.get(keyword):
            return f"no {keyword}"
    return None


class _Ruler:
    """Measures, element by element, how long the file ought to be; stops at the pixels."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.end = 0
        self.pixels = False

    def __call__(self, tag: BaseTag, vr: str | None, length: int) -> bool:
        if length != UNDEFINED:
            self.end = max(self.end, self._stream.tell() + length)
        self.pixels = int(tag) in PIXELS
        return self.pixels


def _plain(ds: FileDataset) -> Dataset:
    """Return the elements that can be asked for, decoded once."""
    header = Dataset()
    for tag in READ:
        if tag in ds:
            header[tag] = ds[tag]
    return header


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(path for path in folder.rglob("*") if path.is_file())


@contextmanager
def _quiet_pydicom() -> Iterator[None]:
    """Keep pydicom from telling a log about values: they are identity."""
    log = logging.getLogger("pydicom")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)
