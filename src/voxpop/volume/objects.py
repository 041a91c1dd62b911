"""A participant's de-identified DICOM objects as DICOMweb tells them: only those that the volume's seal names.

Notes
-----
DICOM PS3.18: 10.6 (search), 10.4 (retrieve), Annex F (JSON model).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydicom import Dataset, FileDataset, dcmread

from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Absent
from voxpop.kernel.imaging import SOURCE
from voxpop.volume.model import Volume
from voxpop.volume.seal import manifest_of

_PIXELS = 0x7FE0
_STUDY = (
    "StudyDate", "StudyTime", "AccessionNumber", "StudyInstanceUID", "StudyID", "StudyDescription",
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex",
)  # fmt: skip
_SERIES = ("Modality", "SeriesDescription", "SeriesInstanceUID", "SeriesNumber", "BodyPartExamined")
_INSTANCE = ("SOPClassUID", "SOPInstanceUID", "InstanceNumber", "Rows", "Columns", "BitsAllocated", "NumberOfFrames")


class ObjectAbsent(Absent):
    """There is no such study, series, instance or frame."""

    code = "object-absent"

    def __init__(self) -> None:
        super().__init__("the participant has no such DICOM object in this volume: search for those that there are")


@dataclass(frozen=True, slots=True)
class Instance:
    """One object: where it lies, and its attributes without the pixels.

    Parameters
    ----------
    pixels_at : int
        The byte of the file at which the element that holds the pixels begins; means nothing in a deflated file.
    offsets : pair of bytes or None
        The Extended Offset Table and its lengths (PS3.3, C.7.6.3.1.8), as they lie in the file.
    """

    path: Path
    digest: str
    attributes: FileDataset
    pixels_at: int
    offsets: tuple[bytes, bytes] | None = None

    @property
    def uids(self) -> tuple[str, str, str]:
        """Its study, series and own UID."""
        one = self.attributes
        return str(one.StudyInstanceUID), str(one.SeriesInstanceUID), str(one.SOPInstanceUID)


def instances_of(volume: Volume, participant: str) -> Sequence[Instance]:
    """Return a participant's objects, in the order of the files; of one who has none, none."""
    return _read(volume.path, volume.digest, participant)


def has_objects(volume: Volume, participant: str) -> bool:
    """Say whether a volume holds objects of a participant."""
    return any(path.startswith(f"{SOURCE}/{participant}/") for path in manifest_of(volume.path))


def studies(instances: Sequence[Instance]) -> list[Json]:
    """Return what a search for studies finds (PS3.18, Table 10.6.3-3)."""
    found: list[Json] = []
    for group in _grouped(instances, 1).values():
        series = _grouped(group, 2)
        told = _told(group[0], _STUDY)
        told["00080061"] = {
            "vr": "CS",
            "Value": [*sorted({str(one[0].attributes.Modality) for one in series.values()})],
        }
        told["00201206"], told["00201208"] = _count(len(series)), _count(len(group))
        found.append(told)
    return found


def series_of(instances: Sequence[Instance]) -> list[Json]:
    """Return what a search for the series of a study finds (PS3.18, Table 10.6.3-4)."""
    found: list[Json] = []
    for group in _grouped(instances, 2).values():
        told = _told(group[0], (*_SERIES, "StudyInstanceUID"))
        told["00201209"] = _count(len(group))
        found.append(told)
    return found


def objects(instances: Sequence[Instance]) -> list[Json]:
    """Return what a search for the instances of a series finds (PS3.18, Table 10.6.3-5)."""
    return [_told(one, (*_INSTANCE, "StudyInstanceUID", "SeriesInstanceUID")) for one in instances]


def metadata(instances: Sequence[Instance]) -> Iterator[Json]:
    """Tell all attributes but the pixels, one object after the other (PS3.18, 10.4.1.1.2)."""
    return (one.attributes.to_json_dict(suppress_invalid_tags=True) for one in instances)


def under(instances: Sequence[Instance], *uids: str) -> Sequence[Instance]:
    """Return the objects of a study, of a series, or one object.

    Raises
    ------
    ObjectAbsent
        If there is none.
    """
    found = [one for one in instances if one.uids[: len(uids)] == uids]
    if not found:
        raise ObjectAbsent
    return found


@lru_cache(maxsize=4)  # a study of 2,000 slices has some 60 MB of heads
def _read(folder: Path, digest: str, participant: str) -> tuple[Instance, ...]:
    """Read the heads of a participant's objects; a sealed volume never changes under its digest."""
    del digest
    named = manifest_of(folder)
    return tuple(
        _instance(folder / path, named[path])
        for path in sorted(named)
        if path.startswith(f"{SOURCE}/{participant}/") and path.endswith(".dcm")
    )


def _instance(path: Path, digest: str) -> Instance:
    with path.open("rb") as stream:
        read = dcmread(stream, stop_before_pixels=True)
        at = stream.tell()
    offsets, lengths = read.get("ExtendedOffsetTable"), read.get("ExtendedOffsetTableLengths")
    for tag in read.group_dataset(_PIXELS):
        del read[tag.tag]
    return Instance(path, digest, read, at, (offsets, lengths) if offsets and lengths else None)


def _grouped(instances: Sequence[Instance], level: int) -> dict[tuple[str, ...], list[Instance]]:
    groups: dict[tuple[str, ...], list[Instance]] = {}
    for one in instances:
        groups.setdefault(one.uids[:level], []).append(one)
    return groups


def _told(instance: Instance, keywords: Sequence[str]) -> dict[str, Json]:
    wanted = Dataset()
    for keyword in keywords:
        if keyword in instance.attributes:
            wanted[keyword] = instance.attributes[keyword]
    return wanted.to_json_dict(suppress_invalid_tags=True)


def _count(number: int) -> Json:
    return {"vr": "IS", "Value": [number]}
