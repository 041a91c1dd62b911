"""Applications and what the committee sees of them."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from voxpop.access.model import ProjectRole
from voxpop.application.states import ApplicationState
from voxpop.web.api.models.base import Answer, Asked, Line, Moment, Words

ApplicationName = Annotated[str, Field(description="The application's name.")]


class ApplicationItem(Answer):
    """An application in a list."""

    application: ApplicationName
    state: ApplicationState = Field(description="Where it stands.")
    title: str = Field(description="Its title.")


class ApplicationStanding(Answer):
    """Where an application stands after a step."""

    application: ApplicationName
    state: ApplicationState = Field(description="Where it stands.")


class DecisionMade(Answer):
    """One step of an application's life."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    at: Moment = Field(description="When.")
    actor: str = Field(description="Who.")
    source: ApplicationState = Field(alias="from", description="What it was before.")
    target: ApplicationState = Field(alias="to", description="What it became.")
    reason: str = Field(description="Why.")


class ApplicationFacts(Answer):
    """An application and every decision about it."""

    application: ApplicationName
    title: str = Field(description="Its title.")
    document_sha256: str = Field(description="SHA-256 of its document.")
    state: ApplicationState = Field(description="Where it stands.")
    decisions: list[DecisionMade] = Field(description="Every step of its life, the oldest first.")


class GroupCounted(Answer):
    """How many participants a group can have."""

    group: str = Field(description="The group's name.")
    available: int | None = Field(description="How many there are; null for fewer than 10.")
    wanted: int | None = Field(description="How many are asked for; null for all.")


class CostReckoned(Answer):
    """What the machine would cost, at most."""

    core_hours: float = Field(description="Cores times hours.")
    gpu_hours: float = Field(description="GPUs times hours.")
    gb_months: float = Field(description="Gigabytes times months.")
    money: float = Field(description="Sum of the parts, each rounded to the cent.")
    currency: str = Field(description="The price list's currency.")


class Counted(Answer):
    """What a document asks for, counted, before anything is kept."""

    groups: list[GroupCounted] = Field(description="Its groups.")
    cost: CostReckoned = Field(description="What it would cost.")


class Sheet(Answer):
    """What the committee sees before it decides."""

    application: ApplicationName
    title: str = Field(description="Its title.")
    document_sha256: str = Field(description="SHA-256 of its document.")
    state: ApplicationState = Field(description="Where it stands.")
    groups: list[GroupCounted] = Field(description="Its groups, counted now.")
    cost: CostReckoned = Field(description="What it would cost.")
    may_leave: list[str] = Field(description="Countries beside the bank's own that the data may go to, if approved.")
    findings: list[str] = Field(description="What stands against an approval, a sentence each.")


class Verdict(StrEnum):
    """How a committee member decides."""

    APPROVE = "approve"
    RETURN = "return"
    REFUSE = "refuse"


class DecisionAsked(Asked):
    """A decision about an application."""

    decision: Verdict = Field(description="What is decided.")
    reason: Words = Field(description="Why; the applicants read it.")


class RemarkAsked(Asked):
    """A remark to write beside an application."""

    text: Words = Field(description="What to say.")


class RemarkMade(Answer):
    """A remark beside an application."""

    actor: str = Field(description="Who wrote it.")
    at: Moment = Field(description="When.")
    text: str = Field(description="What it says.")
    endorses: bool = Field(description="Whether it is a reviewer's vote for the application.")


class MemberAsked(Asked):
    """A role in a project for someone."""

    who: Line = Field(description="An account's name, or `group:` and a group's.")
    role: ProjectRole = Field(description="What they are in the project.")


class Member(Answer):
    """Someone with a role in a project."""

    who: str = Field(description="An account's name, or `group:` and a group's.")
    role: ProjectRole = Field(description="What they are in the project.")


class StepLeft(Answer):
    """How many studies a criterion leaves."""

    criterion: str = Field(description="What was asked.")
    studies: int | None = Field(description="Studies left; null for fewer than 10.")


class Waterfall(Answer):
    """How many studies each criterion leaves; small numbers are not told."""

    studies: int | None = Field(description="Studies in the index; null for fewer than 10.")
    left: list[StepLeft] = Field(description="What each criterion leaves, in the order in which they are asked.")
    groups: dict[str, int | None] = Field(description="Participants available by group; null for fewer than 10.")


class CohortFacts(Answer):
    """A frozen list of studies."""

    cohort: str = Field(description="Its id.")
    selected: int | None = Field(description="Studies on the list; null for whoever is not a data manager.")
    not_selected: int | None = Field(description="Studies of the index that are not; null as `selected` is.")
    list_sha256: str = Field(description="SHA-256 of the list.")
    index_sha256: str = Field(description="SHA-256 of the index that was asked.")
