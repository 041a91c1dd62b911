"""The audit log and pieces of durable work."""

from typing import Any

from pydantic import Field

from voxpop.flow.operations import OperationState
from voxpop.flow.rules import Work
from voxpop.web.api.models.base import Answer, Moment


class AuditEvent(Answer):
    """One link of the audit log."""

    seq: int = Field(description="Its number.")
    at: str = Field(description="When, ISO 8601 in UTC.")
    actor: str = Field(description="Who.")
    action: str = Field(description="What happened.")
    subject: str = Field(description="What it happened to, as `kind:id`.")
    reason: str = Field(description="Why.")
    facts: dict[str, Any] = Field(description="Counts, digests and ids.")
    digest: str = Field(description="The link's digest.")


class AuditVerified(Answer):
    """Whether the audit log is whole."""

    whole: bool = Field(description="Whether it is.")
    events: int = Field(description="How many events it has.")
    faults: list[str] = Field(description="What is wrong, a sentence each.")


class OperationFacts(Answer):
    """A piece of durable work that was asked for."""

    operation: str = Field(description="Its id.")
    work: Work = Field(description="What is done.")
    subject: str = Field(description="On what, as `kind:id`.")
    state: OperationState = Field(description="Where it stands.")
    sentence: str = Field(description="Why it failed; empty else.")
    asked_at: Moment = Field(description="When it was asked for.")
    begun_at: Moment | None = Field(description="When it began.")
    ended_at: Moment | None = Field(description="When it ended.")

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.state in (OperationState.WAITING, OperationState.WORKING)
