"""What the cohort stage needs from outside."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from voxpop.cohort.model import Cohort, Criteria, Selection, Tally
from voxpop.kernel.ids import ApplicationId, CohortId
from voxpop.kernel.imaging import Study


class Catalogue(Protocol):
    """An archive that can be asked what it holds (C-FIND, QIDO-RS, a folder).

    Answers are checked against what was asked: a match that does not fit is counted in ``odd`` and left out.
    """

    @property
    def name(self) -> str:
        """The archive's configured name."""
        ...

    @property
    def odd(self) -> Mapping[str, int]:
        """Wrong or missing answers so far, counted by kind."""
        ...

    def echo(self) -> None:
        """Ask whether the archive is there; raises ``Unavailable`` with one clear sentence if not."""
        ...

    def studies(self, since: date | None = None, until: date | None = None) -> Iterator[Study]:
        """List studies, each with its series."""
        ...


@dataclass(frozen=True, slots=True)
class ClinicalRecord:
    """A row of the clinical source: a person, and facts valid on a day.

    Parameters
    ----------
    day : date or None
        When weight, height and codes were recorded; None where the source does not say.
    """

    patient_id: str
    issuer: str = ""
    birth: date | None = None
    sex: str = ""
    weight_kg: float | None = None
    height_cm: float | None = None
    icd10: tuple[str, ...] = ()
    day: date | None = None


class ClinicalSource(Protocol):
    """Where diagnoses, weights and heights come from (CSV, Parquet)."""

    def records(self) -> Iterator[ClinicalRecord]:
        """Yield the records; raises ``Invalid`` naming file, line and column of what can't be read."""
        ...


class Index(Protocol):
    """The local index of all archives joined with the clinical source; lies in the protected folder."""

    def write(self, archive: str, studies: Iterable[Study]) -> tuple[int, int, str]:
        """Replace what is known of an archive; returns studies, series and the snapshot's digest."""
        ...

    def write_clinical(self, records: Iterable[ClinicalRecord]) -> tuple[int, str]:
        """Replace the clinical table; returns the number of records and their digest."""
        ...

    def select(self, criteria: Criteria) -> Selection:
        """Answer criteria at population size, in an order that depends on the content alone."""
        ...

    def tally(self, criteria: Criteria) -> Tally:
        """Answer criteria with exact counts only."""
        ...

    def digest(self) -> str:
        """Return the digest of everything that ``select`` reads."""
        ...


class Cohorts(Protocol):
    """Where frozen cohorts are kept: the facts in the database, the list in the protected folder."""

    def freeze(self, cohort: Cohort, selection: Selection, actor: str) -> Cohort:
        """Keep a cohort and its list, once; a second freeze of the same id returns the first."""
        ...

    def get(self, cohort: CohortId) -> Cohort:
        """Return a cohort, or raise ``Absent``."""
        ...

    def of_application(self, application: ApplicationId) -> Sequence[Cohort]:
        """Return the application's cohorts, the oldest first."""
        ...

    def selection(self, cohort: CohortId, actor: str, reason: str = "") -> Selection:
        """Open the frozen list; an access to identity, and audited as such."""
        ...
