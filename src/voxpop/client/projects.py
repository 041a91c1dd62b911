"""Applications, cohorts, archives and volumes of a bank that is somewhere else."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from urllib.parse import quote

from voxpop.access.model import ProjectRole
from voxpop.client.wire import Wire, segment
from voxpop.web.api.models import applications as a
from voxpop.web.api.models import archives as r
from voxpop.web.api.models import volumes as v
from voxpop.web.api.models.audit import OperationFacts
from voxpop.web.api.models.base import Reason


class Applications:
    """Applications: write, hand in, review, decide."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def every(self) -> Iterator[a.ApplicationItem]:
        """Yield the applications that may be read, by name."""
        return self._wire.every("/applications", a.ApplicationItem)

    def get(self, name: str) -> a.ApplicationFacts:
        """Return an application and every decision about it."""
        return self._wire.get(f"/applications/{segment(name)}", a.ApplicationFacts)

    def document(self, name: str) -> str:
        """Return an application's document as it was written."""
        return self._wire.text(f"/applications/{segment(name)}/document")

    def document_etag(self, name: str) -> str:
        """Return what names the present content of an application's document."""
        return self._wire.etag(f"/applications/{segment(name)}/document")

    def draft(self, document: str) -> a.ApplicationStanding:
        """Keep a document as a draft."""
        return self._wire.post("/applications", a.ApplicationStanding, document)

    def rewrite(self, name: str, document: str, etag: str = "") -> a.ApplicationStanding:
        """Replace a draft's document; ``etag`` names the one that is replaced."""
        return self._wire.put(f"/applications/{segment(name)}/document", a.ApplicationStanding, document, etag)

    def count(self, document: str) -> a.Counted:
        """Count what a document asks for and reckon its cost, and keep nothing."""
        return self._wire.post("/applications/count", a.Counted, document)

    def submit(self, name: str) -> a.ApplicationStanding:
        """Hand an application in."""
        return self._wire.post(f"/applications/{segment(name)}/submit", a.ApplicationStanding)

    def sheet(self, name: str) -> a.Sheet:
        """Return what the committee sees before it decides."""
        return self._wire.get(f"/applications/{segment(name)}/sheet", a.Sheet)

    def review(self, name: str) -> a.Sheet:
        """Begin the review, and return what the committee sees."""
        return self._wire.post(f"/applications/{segment(name)}/review", a.Sheet)

    def decide(self, name: str, decision: a.Verdict, reason: str) -> a.ApplicationStanding:
        """Approve, return or refuse, with a reason."""
        asked = a.DecisionAsked(decision=decision, reason=reason)
        return self._wire.post(f"/applications/{segment(name)}/decisions", a.ApplicationStanding, asked)

    def history(self, name: str) -> Iterator[a.DecisionMade]:
        """Yield every step of an application's life, the oldest first."""
        return self._wire.every(f"/applications/{segment(name)}/history", a.DecisionMade)

    def remarks(self, name: str) -> Iterator[a.RemarkMade]:
        """Yield what was written beside an application, the oldest first."""
        return self._wire.every(f"/applications/{segment(name)}/remarks", a.RemarkMade)

    def remark(self, name: str, text: str) -> a.RemarkMade:
        """Write a remark."""
        return self._wire.post(f"/applications/{segment(name)}/remarks", a.RemarkMade, a.RemarkAsked(text=text))

    def close(self, name: str, reason: str = "") -> a.ApplicationStanding:
        """End an application's life."""
        return self._wire.post(f"/applications/{segment(name)}/close", a.ApplicationStanding, Reason(reason=reason))

    def archive(self, name: str, reason: str = "") -> a.ApplicationStanding:
        """Put a closed or refused application away."""
        return self._wire.post(f"/applications/{segment(name)}/archive", a.ApplicationStanding, Reason(reason=reason))

    def members(self, name: str) -> Iterator[a.Member]:
        """Yield who has a role in a project."""
        return self._wire.every(f"/applications/{segment(name)}/members", a.Member)

    def join(self, name: str, who: str, role: ProjectRole) -> a.Member:
        """Give an account or a group a role in a project."""
        return self._wire.post(f"/applications/{segment(name)}/members", a.Member, a.MemberAsked(who=who, role=role))

    def leave(self, name: str, who: str, role: ProjectRole) -> None:
        """Take a role in a project away."""
        self._wire.delete(f"/applications/{segment(name)}/members", {"who": who, "role": role.value})

    def stage(self, name: str) -> OperationFacts:
        """Ask for an approved application's data to be staged."""
        return self._wire.post(f"/applications/{segment(name)}/stage", OperationFacts)


class Cohorts:
    """Cohorts: counts, and frozen lists."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def waterfall(self, application: str) -> a.Waterfall:
        """Count how many studies each criterion leaves; small numbers are not told."""
        return self._wire.get(f"/applications/{segment(application)}/waterfall", a.Waterfall)

    def of_application(self, application: str) -> Iterator[a.CohortFacts]:
        """Yield the frozen lists of an application, the oldest first."""
        return self._wire.every(f"/applications/{segment(application)}/cohorts", a.CohortFacts)

    def freeze(self, application: str) -> a.CohortFacts:
        """Freeze the list of studies of an application."""
        return self._wire.post(f"/applications/{segment(application)}/cohorts", a.CohortFacts)


class Archives:
    """Connected archives."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def every(self) -> Iterator[r.ArchiveFacts]:
        """Yield the connected archives, by name."""
        return self._wire.every("/archives", r.ArchiveFacts)

    def get(self, name: str) -> r.ArchiveDetail:
        """Return an archive and what its last harvest brought."""
        return self._wire.get(f"/archives/{segment(name)}", r.ArchiveDetail)

    def add(self, name: str, kind: str, settings: Mapping[str, str]) -> r.ArchiveConnected:
        """Connect an archive, or change its connection."""
        asked = r.ArchiveAsked(name=name, kind=kind, settings=dict(settings))
        return self._wire.post("/archives", r.ArchiveConnected, asked)

    def echo(self, name: str) -> r.ArchiveAnswered:
        """Ask an archive whether it is there."""
        return self._wire.post(f"/archives/{segment(name)}/echo", r.ArchiveAnswered)

    def harvest(self, name: str) -> OperationFacts:
        """Ask for an archive's studies to be listed into the index."""
        return self._wire.post(f"/archives/{segment(name)}/harvest", OperationFacts)


class Volumes:
    """Volumes: what was staged, who may open it, its files."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def every(self) -> Iterator[v.VolumeFacts]:
        """Yield the volumes that may be read, by id."""
        return self._wire.every("/volumes", v.VolumeFacts)

    def get(self, name: str) -> v.VolumeDetail:
        """Return a volume, its seal, its last check and who may open it."""
        return self._wire.get(f"/volumes/{segment(name)}", v.VolumeDetail)

    def participants(self, name: str) -> Iterator[v.Participant]:
        """Yield a volume's participants, by pseudonym, for who may open it."""
        return self._wire.every(f"/volumes/{segment(name)}/participants", v.Participant)

    def outcomes(self, name: str) -> Iterator[v.Outcome]:
        """Yield what became of each study of a volume's cohort, with the reason."""
        return self._wire.every(f"/volumes/{segment(name)}/outcomes", v.Outcome)

    def files(self, name: str) -> Iterator[v.SealedFile]:
        """Yield the files that a volume's seal names."""
        return self._wire.every(f"/volumes/{segment(name)}/files", v.SealedFile)

    def fetch(self, name: str, path: str, target: Path) -> Path:
        """Write a file of a volume to ``target``."""
        return self._wire.fetch(f"/volumes/{segment(name)}/files/{quote(path)}", target)

    def verify(self, name: str) -> OperationFacts:
        """Ask for a volume's files to be compared with its seal."""
        return self._wire.post(f"/volumes/{segment(name)}/verify", OperationFacts)

    def diff(self, before: str, after: str) -> v.Differences:
        """Say by path how two volumes differ."""
        return self._wire.get(f"/volumes/{segment(before)}/diff", v.Differences, {"with": after})

    def grant(self, name: str, who: str, until: date | None = None) -> v.GrantGiven:
        """Give a person the right to open a volume."""
        return self._wire.post(f"/volumes/{segment(name)}/grants", v.GrantGiven, v.GrantAsked(who=who, until=until))

    def revoke(self, name: str, who: str) -> None:
        """Take a person's right away."""
        self._wire.delete(f"/volumes/{segment(name)}/grants", {"who": who})

    def remove(self, name: str, reason: str) -> v.VolumeDetail:
        """Delete a volume's files; its record stays."""
        return self._wire.post(f"/volumes/{segment(name)}/remove", v.VolumeDetail, Reason(reason=reason))
