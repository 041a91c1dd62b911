"""The head of one file: what it is, and whether all of it is there."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from pydicom import dcmread
from pydicom.dataset import FileDataset

from voxpop.dicom.broken import BROKEN
from voxpop.dicom.landing import looks_like_a_data_set
from voxpop.dicom.listing import SERIES_KEYS, STUDY_KEYS, answer_of, is_uid
from voxpop.kernel.ids import SeriesUID, StudyUID

MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
DEFLATED = "1.2.840.10008.1.2.1.99"
KEYS = {**STUDY_KEYS, **SERIES_KEYS, "SOPInstanceUID": "00080018"}
UNDEFINED = 0xFFFFFFFF
UNREADABLE: tuple[type[Exception], ...] = (*BROKEN, OSError)  # what the disk cannot give is as good as damaged
PIXEL_TAGS = frozenset({b"\xe0\x7f\x10\x00", b"\xe0\x7f\x08\x00", b"\xe0\x7f\x09\x00"})  # (7FE0,0010), float, double
SEQUENCE_END = b"\xfe\xff\xdd\xe0"
TAIL = 65_536  # bytes from the end in which the end of encapsulated pixels is looked for


class Kind(StrEnum):
    """What a file is that is not listed."""

    NOT_DICOM = "file that is no DICOM"
    DIRECTORY = "DICOMDIR"
    TRUNCATED = "file that is cut off or damaged"
    NO_SERIES = "object without study, series or instance UID"


@dataclass(frozen=True, slots=True)
class Header:
    """What the catalogue needs of one file."""

    path: Path
    study: StudyUID
    series: SeriesUID
    instance: str
    answer: dict[str, str]


def read_header(path: Path) -> Header | Kind:
    """Read a file's head; returns what it is where it is no instance of a series."""
    with path.open("rb") as stream:
        head = stream.read(132)
        if head[128:] != b"DICM" and not looks_like_a_data_set(head):
            return Kind.NOT_DICOM
        stream.seek(0)
        try:
            data_set = dcmread(stream, force=True, stop_before_pixels=True)
            answer = answer_of(data_set, KEYS)
            whole = _is_whole(stream, data_set)
        except UNREADABLE:
            return Kind.TRUNCATED if head[128:] == b"DICM" else Kind.NOT_DICOM
    if str(data_set.file_meta.get("MediaStorageSOPClassUID", "")) == MEDIA_STORAGE_DIRECTORY:
        return Kind.DIRECTORY
    if head[128:] != b"DICM" and not is_uid(answer.get("SOPInstanceUID", "")):
        return Kind.NOT_DICOM
    if not whole:
        return Kind.TRUNCATED
    uids = [answer.get(key, "") for key in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")]
    if not all(map(is_uid, uids)):
        return Kind.NO_SERIES if "TransferSyntaxUID" in data_set.file_meta else Kind.TRUNCATED
    return Header(path, StudyUID(uids[0]), SeriesUID(uids[1]), uids[2], answer)


def _is_whole(stream: BinaryIO, data_set: FileDataset) -> bool:
    """Say whether the pixels, before which reading stopped, are all in the file."""
    if str(data_set.file_meta.get("TransferSyntaxUID", "")) == DEFLATED:
        return True  # zlib has read to the end
    at = stream.tell()
    size = stream.seek(0, 2)
    stream.seek(at)
    element = stream.read(12)
    little, implicit = data_set.is_little_endian is not False, data_set.is_implicit_VR is True
    tag = element[:4] if little else element[1::-1] + element[3:1:-1]
    if tag not in PIXEL_TAGS:
        return not element  # it ends with an element; anything else is a piece of one
    length_at = 4 if implicit else 8
    length = int.from_bytes(element[length_at : length_at + 4], "little" if little else "big")
    if length != UNDEFINED:
        return at + length_at + 4 + length <= size
    stream.seek(max(0, size - TAIL))
    return SEQUENCE_END in stream.read()
