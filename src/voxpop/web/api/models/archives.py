"""Connected archives."""

from pydantic import Field

from voxpop.web.api.models.base import Answer, Asked, Line, Moment, Name, Words


class HarvestFacts(Answer):
    """What the last harvest brought."""

    studies: int = Field(description="Studies listed.")
    series: int = Field(description="Series listed.")
    index_sha256: str = Field(description="Digest of the index after it.")
    odd_answers: int = Field(description="Wrong or missing answers.")


class ArchiveFacts(Answer):
    """A connected archive; its settings name hosts and files, and are not told."""

    archive: str = Field(description="Its name here.")
    kind: str = Field(description="How it is asked.")
    studies: int = Field(description="Studies at the last harvest.")
    harvested_at: Moment | None = Field(description="When it was harvested last.")


class ArchiveDetail(ArchiveFacts):
    """A connected archive and its last harvest."""

    harvest: HarvestFacts | None = Field(description="Its last harvest; null where there was none.")


class ArchiveAsked(Asked):
    """An archive to connect."""

    name: Name = Field(description="Its name here.")
    kind: Line = Field(description="dicomweb or dimse; a folder of the server is connected there.")
    settings: dict[Line, Words] = Field(default_factory=dict, description="Its settings; none names a file.")


class ArchiveConnected(Answer):
    """An archive that was noted."""

    archive: str = Field(description="Its name here.")
    kind: str = Field(description="How it is asked.")


class ArchiveAnswered(Answer):
    """An archive that is there."""

    archive: str = Field(description="Its name here.")
    answers: bool = Field(description="Whether it answered.")
