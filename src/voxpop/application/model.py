"""An application as it was written, and the decisions about it."""

from dataclasses import dataclass
from datetime import date, datetime

from voxpop.application.states import ApplicationState
from voxpop.kernel.ids import ApplicationId


@dataclass(frozen=True, slots=True)
class Person:
    """Someone named in an application."""

    name: str
    email: str = ""
    institution: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class GroupRequest:
    """One group of participants.

    Parameters
    ----------
    name : str
        As it will stand in ``participants.tsv``.
    icd10_any : tuple of str
        Codes or categories (``M80`` takes every ``M80.x``), one of which the person has.
    icd10_none : tuple of str
        Codes or categories, none of which the person has.
    number : int or None
        How many are wanted at most; None takes all.
    without_clinical_record : bool
        The group of those whom the clinical source does not know; it has no codes, and any body part is taken.
    """

    name: str
    icd10_any: tuple[str, ...] = ()
    icd10_none: tuple[str, ...] = ()
    number: int | None = None
    without_clinical_record: bool = False


NIFTI = "nifti"
"""The format of the converted images, which every volume has."""

DICOM = "dicom"
"""The format of the de-identified objects themselves, beside the converted images."""


@dataclass(frozen=True, slots=True)
class DataRequest:
    """The images and clinical fields asked for; days are inclusive, ages whole years.

    Parameters
    ----------
    may_leave : tuple of str
        Countries, by ISO 3166-1, that the data may go to beside the bank's own; it is decided with the application.
    """

    modality: str
    body_parts: tuple[str, ...]
    groups: tuple[GroupRequest, ...]
    clinical_fields: tuple[str, ...]
    study_from: date | None = None
    study_until: date | None = None
    age_min: int | None = None
    age_max: int | None = None
    sex: tuple[str, ...] = ()
    icd10_codes: int = 3
    formats: tuple[str, ...] = (NIFTI,)
    may_leave: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerRange:
    """How many machines share what was asked for: ``least`` while nothing is to do, ``most`` at the peak."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class ComputeRequest:
    """The machines asked for.

    Parameters
    ----------
    cores, memory_gb, gpus : int
        Of all machines together, at the peak.
    workers : WorkerRange, optional
        Whose most divides all three evenly; None where the application says nothing of it.
    """

    cores: int
    memory_gb: int
    gpus: int
    storage_gb: int
    days: int
    workers: WorkerRange | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """One application, as written.

    Parameters
    ----------
    id : ApplicationId
        Its ``name`` key: lower-case words joined by ``-``.
    software : tuple of str
        Names of recipes (``portal``, ``htcondor``, ``octave``, ``python-imaging``, ``caffe-models``).
    pipeline : str
        ``name/version`` of the pipeline that will be run first.
    digest : str
        SHA-256 of the document's bytes.
    document : str
        The document itself.
    """

    id: ApplicationId
    title: str
    investigators: tuple[Person, ...]
    purpose: str
    ethics_reference: str
    request: DataRequest
    software: tuple[str, ...]
    compute: ComputeRequest
    pipeline: str
    digest: str
    document: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What someone wrote beside an application.

    Parameters
    ----------
    endorses : str
        Digest of the document that a reviewer is for; empty where it is a remark only.
    """

    actor: str
    at: datetime
    text: str
    endorses: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """One step of an application's life: who, when, from what to what, and why."""

    actor: str
    at: datetime
    source: ApplicationState
    target: ApplicationState
    reason: str
