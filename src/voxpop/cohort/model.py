"""Criteria, the index's answers, and the frozen list."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeAlias

from voxpop.kernel.ids import ApplicationId, CohortId
from voxpop.kernel.imaging import ClinicalFacts, Study


@dataclass(frozen=True, slots=True)
class GroupCriteria:
    """One group; ``icd10_*`` hold codes or categories as prefixes; ``unlisted`` takes whom the clinic does not know."""

    name: str
    icd10_any: tuple[str, ...] = ()
    icd10_none: tuple[str, ...] = ()
    number: int | None = None
    unlisted: bool = False


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a study must fulfil; an empty tuple or None asks nothing.

    Parameters
    ----------
    body_parts : tuple of str
        DICOM code strings (``ABDOMEN``); compared without case with (0018,0015) of any of a study's series of
        the modality, and, where no such series names its body part, with the words of the study's description.
    """

    modality: str
    groups: tuple[GroupCriteria, ...]
    body_parts: tuple[str, ...] = ()
    study_from: date | None = None
    study_until: date | None = None
    age_min: int | None = None
    age_max: int | None = None
    sex: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selected:
    """A study of the cohort; ``ordinal`` (from 1) is its opaque name outside the protected folder."""

    ordinal: int
    group: str
    study: Study
    facts: ClinicalFacts


@dataclass(frozen=True, slots=True)
class NotSelected:
    """A study that the archive holds and the cohort leaves out, with the first criterion that it failed."""

    ordinal: int
    study: Study
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The answer to criteria: every study of the index, once, on one side or the other.

    Parameters
    ----------
    counts : mapping of str to int
        Participants available by group, before ``number`` cuts; exact: suppress before showing.
    """

    selected: tuple[Selected, ...]
    not_selected: tuple[NotSelected, ...]
    counts: Mapping[str, int] = field(default_factory=dict)


Spread: TypeAlias = Mapping[tuple[str, str], Mapping[str, int]]
SEXES = ("F", "M", "O", "unknown")
AGES = (*(f"{low} to {low + 9}" for low in range(0, 90, 10)), "90 and more", "unknown")


@dataclass(frozen=True, slots=True)
class Tally:
    """Exact counts of an answer, without its studies; never shown before ``suppression`` has seen them.

    Parameters
    ----------
    studies : int
        Studies in the index.
    left : tuple of (str, int)
        Studies left after each criterion, in the order in which they are asked.
    groups : mapping of str to int
        Participants available by group, before ``number`` cuts.
    spread : mapping of (dimension, group) to mapping of category to int
        The same participants by ``sex`` and by ``age`` at their first study; every category is there.
    """

    studies: int
    left: tuple[tuple[str, int], ...]
    groups: Mapping[str, int]
    spread: Spread = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one harvest of an archive brought."""

    archive: str
    studies: int
    series: int
    digest: str
    at: datetime
    odd: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cohort:
    """A frozen list of studies; the list itself lies in the protected folder.

    Parameters
    ----------
    query : str
        The criteria as canonical JSON.
    index_digest : str
        SHA-256 of the index snapshot that was asked.
    list_digest : str
        SHA-256 of the frozen list's file.
    """

    id: CohortId
    application: ApplicationId
    query: str
    index_digest: str
    list_digest: str
    counts: Mapping[str, int]
    selected: int
    not_selected: int
    frozen_at: datetime
