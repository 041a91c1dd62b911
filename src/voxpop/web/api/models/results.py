"""What runs left, the way back from it, and what is asked to leave."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from voxpop.result.egress.model import Permission, Severity
from voxpop.result.egress.states import ReleaseState
from voxpop.web.api.models.base import NO_NUL, Answer, Asked, Moment, Words

FilePath = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=NO_NUL)]


class ResultFacts(Answer):
    """A file that a run left."""

    run: str = Field(description="The run.")
    kind: str = Field(description="What kind of file it is.")
    path: str = Field(description="Relative to the run's results.")
    bytes: int = Field(description="Its size.")
    sha256: str = Field(description="Its digest.")


class TraceLink(Answer):
    """A step of the way from a result back to the decision."""

    kind: str = Field(description="What it is.")
    id: str = Field(description="Its id.")
    sha256: str = Field(description="The digest that was recorded.")
    checked: bool = Field(description="Whether what is there now is what was recorded.")
    fault: str = Field(description="Why not; empty where it is.")
    facts: dict[str, Any] = Field(description="What to know of it.")


class FindingFacts(Answer):
    """Something that a check found in a file."""

    severity: Severity = Field(description="What it means for the release.")
    path: str = Field(description="The file.")
    check: str = Field(description="The check.")
    sentence: str = Field(description="What it is and what to do.")
    allowed: bool = Field(description="Whether it was allowed by name.")


class FileFacts(Answer):
    """A file of a request."""

    path: str = Field(description="Relative to the run's results.")
    sha256: str = Field(description="Its digest.")
    bytes: int = Field(description="Its size.")


class CoverageFacts(Answer):
    """What a check looks at and what it cannot see."""

    check: str = Field(description="The check.")
    version: str = Field(description="Its version.")
    coverage: str = Field(description="In words.")


class PathsAsked(Asked):
    """Files to look at."""

    paths: list[FilePath] = Field(
        default_factory=list, max_length=5000, description="Relative to the results; none for all that is offered."
    )


class ReleaseAsked(PathsAsked):
    """Files to let out."""

    purpose: Words = Field(description="What they are wanted for.")


class CheckedFacts(Answer):
    """What a look at some files found; nothing is kept of it."""

    run: str = Field(description="The run.")
    files: list[FileFacts] = Field(description="What was looked at.")
    bytes: int = Field(description="Their size together.")
    stops: bool = Field(description="Whether something cannot leave at all.")
    needs: list[Permission] = Field(description="What has to be allowed by name.")
    findings: list[FindingFacts] = Field(description="The gravest first.")
    coverage: list[CoverageFacts] = Field(description="What each check can see.")


class ReleaseFacts(Answer):
    """A request to let files out, and the decision on it."""

    release: str = Field(description="Its id.")
    run: str = Field(description="The run whose files they are.")
    state: ReleaseState = Field(description="Where it stands.")
    asked_by: str = Field(description="Who asked.")
    purpose: str = Field(description="What for.")
    asked_at: Moment = Field(description="When.")
    decided_by: str | None = Field(description="Who decided, or withdrew it; null while it is open.")
    reason: str | None = Field(description="Why; null while it is open, and where none was given.")
    decided_at: Moment | None = Field(description="When it was decided, or withdrawn.")
    bytes: int = Field(description="Size of all files.")
    stops: bool = Field(description="Whether something stands against it, whoever decides.")
    needs: list[Permission] = Field(description="What has to be allowed by name.")
    allowed: list[Permission] = Field(description="What was allowed by name.")
    files: list[FileFacts] = Field(description="The files.")
    findings: list[FindingFacts] = Field(description="What was found in them.")


class ReleaseVerdict(StrEnum):
    """How a request is decided."""

    RELEASE = "release"
    REFUSE = "refuse"


class ReleaseDecision(Asked):
    """A decision on a request."""

    decision: ReleaseVerdict = Field(description="What is decided.")
    reason: Words = Field(description="Why.")
    allow: list[Permission] = Field(default_factory=list, description="What may leave although it concerns persons.")
