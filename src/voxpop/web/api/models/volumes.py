"""Volumes: what was staged, who may open it."""

from pydantic import Field

from voxpop.staging.model import Fate
from voxpop.volume.states import VolumeState
from voxpop.web.api.models.base import Answer, Asked, Day, Line, Moment


class VolumeFacts(Answer):
    """A volume and its seal."""

    volume: str = Field(description="Its id.")
    application: str = Field(description="The application that it was staged for.")
    cohort: str = Field(description="The frozen list that it was staged from.")
    state: VolumeState = Field(description="Where it stands.")
    files: int = Field(description="How many files it holds.")
    bytes: int = Field(description="Their size together.")
    manifest_sha256: str = Field(description="SHA-256 of its manifest; empty before it is sealed.")
    sealed_at: Moment | None = Field(description="When it was sealed.")
    ends_on: Day | None = Field(description="The last day of its grants.")


class GrantFacts(Answer):
    """A person's right to a volume."""

    person: str = Field(description="Who may open it.")
    until: Day | None = Field(description="The last day; null for as long as the volume.")
    granted_by: str = Field(description="Who gave it.")


class VolumeChecked(Answer):
    """How the files compared with the seal, the last time that somebody looked."""

    at: Moment = Field(description="When.")
    intact: bool = Field(description="Whether all was as sealed.")
    checked: int = Field(description="Files compared.")
    changed: int = Field(description="Files with another content.")
    missing: int = Field(description="Files that are gone.")
    extra: int = Field(description="Files that were not sealed.")


class VolumeDetail(VolumeFacts):
    """A volume, its seal, its last check and who may open it."""

    grants: list[GrantFacts] = Field(description="Who may open it.")
    verified: VolumeChecked | None = Field(description="Its last check; null where there was none.")


class Participant(Answer):
    """A participant, by pseudonym."""

    participant: str = Field(description="The pseudonym.")
    facts: dict[str, str] = Field(description="The other columns of participants.tsv.")


class Outcome(Answer):
    """What became of a study of the cohort."""

    ordinal: int = Field(description="Its opaque number.")
    fate: Fate = Field(description="What became of it.")
    reason: str = Field(description="Why; empty for a staged one without remarks.")
    participant: str | None = Field(description="The pseudonym; null where it was not staged.")
    session: str | None = Field(description="The session; null where it was not staged.")
    group: str = Field(description="The group; empty for none.")


class SealedFile(Answer):
    """A file that the seal names."""

    path: str = Field(description="Relative to the volume.")
    sha256: str = Field(description="Its digest.")


class GrantAsked(Asked):
    """A right to open a volume."""

    who: Line = Field(description="An account's name, or its person as the audit log writes it.")
    until: Day | None = Field(default=None, description="The last day; the volume's own by default.")


class GrantGiven(Answer):
    """A right as it stands now."""

    volume: str = Field(description="The volume.")
    person: str = Field(description="Whose right it is.")
    until: Day | None = Field(description="The last day; null for as long as the volume.")


class Differences(Answer):
    """How two volumes differ, by path."""

    added: list[str] = Field(description="In the other one only.")
    removed: list[str] = Field(description="In this one only.")
    changed: list[str] = Field(description="In both, with another content.")
    same: int = Field(description="How many files are equal.")
