"""What staging is asked for and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath

from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ParticipantLabel, SeriesUID, StudyUID
from voxpop.kernel.imaging import ClinicalFacts, Study


@dataclass(frozen=True, slots=True)
class StudyOrder:
    """One study to stage.

    Parameters
    ----------
    ordinal : int
        Its number in the frozen cohort: its only name outside the protected folder.
    modality : str
        Only series of this modality are retrieved.
    dicom : bool
        Whether the de-identified DICOM objects are placed too, beside the converted images.
    """

    ordinal: int
    group: str
    study: Study
    facts: ClinicalFacts
    modality: str
    dicom: bool = False


class Fate(StrEnum):
    """What became of a study or a series."""

    STAGED = "staged"
    REFUSED = "refused"
    NOT_SELECTED = "not selected"


@dataclass(frozen=True, slots=True)
class Placed:
    """A file put into the volume.

    Parameters
    ----------
    path : PurePosixPath
        Relative to the volume's root.
    """

    path: PurePosixPath
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class SeriesOutcome:
    """What became of one series; holds no identity.

    Parameters
    ----------
    series : int
        Its position in the study, from 1.
    reason : str
        Why, in one clause; empty for a staged series without remarks.
    instances : int
        Instances retrieved.
    seconds : mapping of stage to float
        Time spent, in seconds.
    facts : mapping
        Counts: elements acted on by action, values sought, bytes read, converter warnings.
    """

    series: int
    fate: Fate
    reason: str = ""
    modality: str = ""
    instances: int = 0
    placed: tuple[Placed, ...] = ()
    facts: Mapping[str, Json] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StudyOutcome:
    """What became of one study; holds no identity."""

    ordinal: int
    fate: Fate
    reason: str
    participant: ParticipantLabel | None = None
    session: str | None = None
    group: str = ""
    series: tuple[SeriesOutcome, ...] = ()


@dataclass(frozen=True, slots=True)
class SeriesRequest:
    """One series to retrieve.

    Parameters
    ----------
    instances : int or None
        What the archive counted; fewer arriving is an error, None takes what comes.
    """

    study: StudyUID
    series: SeriesUID
    instances: int | None


@dataclass(frozen=True, slots=True)
class Converted:
    """One NIfTI that the converter wrote, uncompressed, with its BIDS sidecar."""

    nifti: Path
    sidecar: Path
    slices: int
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Conversion:
    """All that came out of one series; warnings are the converter's own words with file names removed."""

    files: tuple[Converted, ...]
    warnings: tuple[str, ...] = ()
