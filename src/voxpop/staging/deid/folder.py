"""A folder tree of DICOM files to a folder tree of de-identified ones: the use case behind ``voxpop deid IN OUT``."""

import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from voxpop.dicom import tags
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Refused
from voxpop.staging.deid.errors import FolderUnusable, ObjectRefused
from voxpop.staging.deid.heading import heading
from voxpop.staging.deid.keys import PatientKey
from voxpop.staging.deid.profile import Profile
from voxpop.staging.deid.scrub import ObjectOutcome, SeriesScrub, scrub_series
from voxpop.staging.identity import Identity

Check = Callable[[Path, Identity, int], None]
"""Looks at a scrubbed series' folder before it is released; raises ``Refused`` to hold it back.

The number is by how many days the person's dates were moved."""


@dataclass(frozen=True, slots=True)
class FileFate:
    """What became of one file of the source.

    Parameters
    ----------
    source : PurePosixPath
        Relative to the source folder; identity, since files are named after persons: for the protected folder and
        the operator's eyes only.
    target : PurePosixPath or None
        Relative to the target folder; None where it was refused.
    reason : str
        Why it was refused; empty where it was not.
    """

    source: PurePosixPath
    target: PurePosixPath | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FolderReport:
    """What became of a folder tree, each file accounted for."""

    fates: tuple[FileFate, ...]
    actions: Mapping[str, int] = field(default_factory=dict)
    patients: int = 0
    studies: int = 0
    series: int = 0
    bytes: int = 0

    @property
    def written(self) -> int:
        """How many files were de-identified."""
        return sum(fate.target is not None for fate in self.fates)

    @property
    def refused(self) -> dict[str, int]:
        """How many files were refused, by reason."""
        return dict(sorted(Counter(fate.reason for fate in self.fates if fate.target is None).items()))

    def summary(self) -> dict[str, Json]:
        """Return the report without the names of the source's files: nothing in it is identity."""
        return {
            "files": len(self.fates),
            "written": self.written,
            "refused": dict(self.refused),
            "actions": dict(self.actions),
            "patients": self.patients,
            "studies": self.studies,
            "series": self.series,
            "bytes": self.bytes,
        }


@dataclass(frozen=True, slots=True)
class _SeriesKey:
    patient_id: str
    issuer: str
    study: str
    series: str


def deid_folder(
    source: Path, target: Path, profile: Profile, secret: bytes, project: str, check: Check | None = None
) -> FolderReport:
    """De-identify every DICOM file of a folder tree.

    Files lie in the target as ``sub-<person>/ses-<study>/ser-<number>/0001.dcm``. A series appears when it is whole. A
    person without (0010,0020) is known by the study.

    Parameters
    ----------
    project : str
        Another project gives other pseudonyms.
    check : callable or None
        A last look at each series before it is released.

    Raises
    ------
    FolderUnusable
        If the source is no folder, the target is not empty, or one lies in the other.
    """
    _check_folders(source, target)
    target.mkdir(parents=True, exist_ok=True)
    groups, fates = _grouped(source)
    actions: Counter[str] = Counter()
    numbers: Counter[PurePosixPath] = Counter()
    series = size = 0
    for key, files in groups.items():
        person = PatientKey(secret, project, key.patient_id or f"study {key.study}", key.issuer)
        session = PurePosixPath(f"sub-{person.label}", f"ses-{person.session(key.study)}")
        numbers[session] += 1
        place = session / f"ser-{numbers[session]}"
        scrub, outcomes = _scrub_group(files, target / place, profile, person, check, has_id=bool(key.patient_id))
        if scrub is not None:
            actions.update(scrub.actions)
            size += scrub.bytes
            series += 1
        fates.extend(
            FileFate(_relative(path, source), place / each.name if each.name else None, each.reason)
            for path, each in zip(files, outcomes, strict=True)
        )
    sessions = {fate.target.parent.parent for fate in fates if fate.target is not None}
    return FolderReport(
        fates=tuple(sorted(fates, key=lambda fate: fate.source)),
        actions=dict(sorted(actions.items())),
        patients=len({session.parent for session in sessions}),
        studies=len(sessions),
        series=series,
        bytes=size,
    )


def _check_folders(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise FolderUnusable("the folder to de-identify is not there, or is no folder: give a folder of DICOM files")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FolderUnusable("the folder to write to is not empty: give a new one")
    inner, outer = target.resolve(), source.resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise FolderUnusable("the folder to write to and the folder to read from lie in each other: give another one")


def _grouped(source: Path) -> tuple[dict[_SeriesKey, list[Path]], list[FileFate]]:
    """Group the files by series in the order of their names, and refuse what is no object with a study."""
    groups: dict[_SeriesKey, list[Path]] = defaultdict(list)
    fates: list[FileFate] = []
    for path in _files(source):
        try:
            groups[_series_key(path)].append(path)
        except ObjectRefused as refusal:
            fates.append(FileFate(_relative(path, source), None, refusal.reason.value))
    ordered = sorted(groups, key=lambda key: (key.issuer, key.patient_id, key.study))
    return {key: groups[key] for key in ordered}, fates


def _files(source: Path) -> Iterator[Path]:
    return (path for path in sorted(source.rglob("*")) if path.is_file() and not path.is_symlink())


def _relative(path: Path, source: Path) -> PurePosixPath:
    return PurePosixPath(path.relative_to(source).as_posix())


def _series_key(path: Path) -> _SeriesKey:
    head = heading(path)
    return _SeriesKey(
        head.get(tags.PATIENT_ID, ""),
        head.get(tags.ISSUER_OF_PATIENT_ID, ""),
        head.get(tags.STUDY_INSTANCE_UID, ""),
        head.get(tags.SERIES_INSTANCE_UID, ""),
    )


def _scrub_group(
    files: list[Path], target: Path, profile: Profile, person: PatientKey, check: Check | None, *, has_id: bool
) -> tuple[SeriesScrub | None, list[ObjectOutcome]]:
    """Scrub a series beside its place, look at it, then move it there."""
    waiting = target.with_name(f".{target.name}.waiting")
    scrub = scrub_series(files, waiting, profile, person, checks_patient=has_id)
    try:
        if not scrub.count:
            return None, list(scrub.outcomes)
        if check is not None:
            check(waiting, scrub.identity, person.days)
        waiting.replace(target)
    except Refused as refusal:
        return None, [ObjectOutcome(reason=each.reason or refusal.sentence) for each in scrub.outcomes]
    finally:
        shutil.rmtree(waiting, ignore_errors=True)
        _remove_empty(target.parent)
    return scrub, list(scrub.outcomes)


def _remove_empty(folder: Path) -> None:
    """Remove the folders of a study, and of a person, where nothing came of them."""
    for each in (folder, folder.parent):
        with suppress(OSError):
            each.rmdir()
