"""Where the instances of one series land: whole or not at all, in an order that depends on their UIDs alone."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.filewriter import dcmwrite
from pydicom.tag import BaseTag
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from voxpop.dicom.archives import ArchiveFailed, DiskFull, TransferIncomplete
from voxpop.dicom.broken import BROKEN
from voxpop.dicom.listing import plain
from voxpop.kernel import disk
from voxpop.kernel.ids import InstanceUID, SeriesUID

PREAMBLE = bytes(128) + b"DICM"
FILE_META = b"\x02\x00"  # group 0002, little endian
INSTANCE_NUMBER = 0x00200013


class Landing:
    """Collect a series beside its folder, and put the folder in place when it is whole.

    Parameters
    ----------
    archive : str
        The archive's configured name.
    series : SeriesUID
        What was asked for; instances of another series are left out.
    expected : int or None
        What the archive counted; None takes what comes, but not nothing.
    into : Path
        The series' folder, absent or empty until the series is whole.
    """

    def __init__(self, archive: str, series: SeriesUID, expected: int | None, into: Path) -> None:
        self.archive = archive
        self.series = series
        self.expected = expected
        self.into = into
        self.folder = into.with_name(f".{into.name}.partial")
        self.parts = 0

    def kept(self) -> int | None:
        """Return how many instances lie there whole, or None if the series must be fetched."""
        if not self.into.is_dir():
            return None
        # The folder came in one step, so what it holds was whole; the archive may have counted more since.
        count = sum(1 for _ in self.into.glob("[0-9]*.dcm"))
        return count if count and count >= (self.expected or 0) else None

    @contextmanager
    def open(self) -> Iterator["Landing"]:
        """Receive instances in the block; at its end check, sort and place them, or leave nothing."""
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            yield self
            self._settle()
        except OSError as error:
            if error.errno in disk.FULL:
                raise DiskFull from error
            raise
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def next_part(self) -> Path:
        """Return the name under which the next instance is to be written."""
        self.parts += 1
        return self.folder / f"part-{self.parts:06d}"

    def take(self, *content: bytes | memoryview) -> None:
        """Write one instance."""
        with self.next_part().open("wb") as sink:
            for piece in content:
                sink.write(piece)

    def _settle(self) -> None:
        found: dict[InstanceUID, Path] = {}
        for part in sorted(self.folder.iterdir()):
            series, instance = self._named(part)
            if series != self.series or not instance or instance in found:
                part.unlink()  # another series, or the same instance once more
            else:
                found[instance] = part
        if len(found) < max(1, self.expected or 0):
            raise TransferIncomplete(self.archive, len(found), self.expected)
        width = max(4, len(str(len(found))))
        for number, instance in enumerate(sorted(found, key=uid_order), start=1):
            found[instance].rename(self.folder / f"{number:0{width}d}.dcm")
        if self.into.is_dir():
            shutil.rmtree(self.into)  # the archive has more than it had
        self.folder.replace(self.into)

    def _named(self, part: Path) -> tuple[SeriesUID, InstanceUID]:
        try:
            complete_file(part)
            with part.open("rb") as stream:
                head = read_partial(stream, _past_the_uids)
        except BROKEN as error:
            raise ArchiveFailed(self.archive, "sent something that is no DICOM") from error
        series = plain(str(head.get("SeriesInstanceUID", "")))
        instance = plain(str(head.get("SOPInstanceUID", "")))
        return SeriesUID(series), InstanceUID(instance)


def _past_the_uids(tag: BaseTag, vr: str | None, length: int) -> bool:
    return bool(tag >= INSTANCE_NUMBER)


def uid_order(uid: str) -> list[tuple[int, str]]:
    """Return a key that sorts UIDs by the numbers in them: ``1.9`` before ``1.10``."""
    return [(len(component), component) for component in uid.split(".")]


def complete_file(path: Path) -> None:
    """Give a DICOM file its preamble and file meta where they are missing; the data set's bytes stay as they are.

    Raises
    ------
    InvalidDicomError
        If the file does not begin as DICOM does.
    """
    with path.open("rb") as stream:
        head = stream.read(132)
        if head[128:] == b"DICM":
            return
        if head[:2] == FILE_META:
            _prefix(path, stream, PREAMBLE)
        elif looks_like_a_data_set(head):
            _prefix(path, stream, _file_meta(path, head))
        else:
            raise InvalidDicomError("neither a preamble nor a data set")


def looks_like_a_data_set(head: bytes) -> bool:
    """Say whether bytes begin with an element of group 0002 or 0008 in little endian, without a preamble."""
    if len(head) < 8 or head[:2] not in {b"\x02\x00", b"\x08\x00"}:
        return False
    explicit = re.fullmatch(rb"[A-Z]{2}", head[4:6]) is not None
    return explicit or int.from_bytes(head[4:8], "little") <= 1024  # implicit: a short first value


def _file_meta(path: Path, head: bytes) -> bytes:
    explicit = re.fullmatch(rb"[A-Z]{2}", head[4:6]) is not None
    data_set = dcmread(path, force=True, stop_before_pixels=True, specific_tags=["SOPClassUID", "SOPInstanceUID"])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(str(data_set.get("SOPClassUID", "")))
    meta.MediaStorageSOPInstanceUID = UID(str(data_set.get("SOPInstanceUID", "")))
    meta.TransferSyntaxUID = ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian
    alone = path.with_name(f"{path.name}.meta")
    try:
        empty = Dataset()
        empty.file_meta = meta
        dcmwrite(alone, empty, enforce_file_format=True)
        return alone.read_bytes()
    finally:
        alone.unlink(missing_ok=True)


def _prefix(path: Path, stream: BinaryIO, prefix: bytes) -> None:
    stream.seek(0)
    whole = path.with_name(f"{path.name}.whole")
    with whole.open("wb") as sink:
        sink.write(prefix)
        shutil.copyfileobj(stream, sink)
    whole.replace(path)
