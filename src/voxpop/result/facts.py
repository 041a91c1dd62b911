"""What the other stages did, as plain facts for the report; nothing here is identity."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from voxpop.kernel.digests import Json
from voxpop.kernel.ids import RunId


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """One step of the application's life."""

    actor: str
    at: datetime
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ApplicationFacts:
    """The application and what was decided about it."""

    id: str
    title: str
    digest: str
    ethics_reference: str
    investigators: tuple[str, ...] = ()
    decisions: tuple[DecisionFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class CohortFacts:
    """The frozen list.

    Parameters
    ----------
    query : str
        The criteria as canonical JSON.
    """

    id: str
    query: str
    index_digest: str
    list_digest: str
    frozen_at: datetime


@dataclass(frozen=True, slots=True)
class FateFacts:
    """How many studies had one fate for one reason; None for fewer than ten."""

    fate: str
    reason: str
    studies: int | None
    series: int | None = 0


@dataclass(frozen=True, slots=True)
class StagingFacts:
    """What became of the studies, as everyone may know it who reads the report.

    Parameters
    ----------
    studies, series : int or None
        All that the archive's index holds; None where small counts would follow.
    staged : FateFacts
        What was staged.
    others : tuple of FateFacts
        What was not, for each reason that may be told.
    participants : mapping of group to int
    methods : tuple of str
        How staging de-identified, scanned and converted, a paragraph each.
    """

    studies: int | None
    series: int | None
    staged: FateFacts
    others: tuple[FateFacts, ...]
    participants: Mapping[str, int]
    profile: str
    profile_digest: str
    report_digest: str = ""
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """The sealed volume; ``digest`` is its manifest's."""

    id: str
    digest: str
    files: int
    bytes: int
    sealed_at: datetime


@dataclass(frozen=True, slots=True)
class ApplianceFacts:
    """The environment; ``digest`` is its TOSCA document's."""

    id: str
    site: str
    digest: str
    sandbox: str
    network: bool
    asked: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    not_given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepFacts:
    """All executions of one step of the workflow."""

    step: str
    executions: int
    failed: int
    tool: str
    tool_digest: str


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The run."""

    id: RunId
    pipeline: str
    pipeline_digest: str
    started_at: datetime
    ended_at: datetime
    sandbox: str
    steps: tuple[StepFacts, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Json] = field(default_factory=dict)
    record_digest: str = ""
    repeats: str = ""


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """All that the report adds to what the pipeline wrote."""

    application: ApplicationFacts
    cohort: CohortFacts
    staging: StagingFacts
    volume: VolumeFacts
    appliance: ApplianceFacts
    run: RunFacts
