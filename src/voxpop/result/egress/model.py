"""Requests to let files of a run out, and what a look at the files found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from voxpop.kernel.digests import Json, sha256_bytes
from voxpop.kernel.ids import RunId
from voxpop.result.egress.states import ReleaseState


class Severity(StrEnum):
    """What a finding means for the release; the gravest first."""

    STOPS = "stops"
    NEEDS_PERMISSION = "needs-permission"
    LOOK = "look"


class Permission(StrEnum):
    """What the releasing person may allow by name; each is also the code of the check that asks for it."""

    ROW_LEVEL = "row-level"
    IMAGES = "images"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a check found in one file.

    Parameters
    ----------
    path : str
        The file, relative to the run's results.
    check : str
        The check's code.
    sentence : str
        What it is and what to do; never a value of identity, never a secret.
    allowed : bool
        Whether the releasing person allowed it by name.
    """

    path: str
    check: str
    severity: Severity
    sentence: str
    allowed: bool = False


@dataclass(frozen=True, slots=True)
class Offered:
    """A file that may be asked for; ``path`` is relative to the run's results."""

    path: str
    bytes: int


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """A file of a request, as it was when it was looked at."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a check looks at and what it cannot see.

    Parameters
    ----------
    findings : mapping of Severity to int
        How much it found.
    """

    check: str
    version: str
    says: str
    findings: Mapping[Severity, int] = field(default_factory=dict)


class _Looked:
    """What follows from files and what was found in them."""

    __slots__ = ()
    files: tuple[ReleaseFile, ...]
    findings: tuple[Finding, ...]

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(file.bytes for file in self.files)

    @property
    def stopping(self) -> tuple[Finding, ...]:
        """What can not be released at all."""
        return stopping(self.findings)

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the releasing person has to allow by name."""
        return permissions(self.findings)


@dataclass(frozen=True, slots=True)
class Checked(_Looked):
    """The outcome of a look at some files.

    Parameters
    ----------
    files : tuple of ReleaseFile
        By path.
    findings : tuple of Finding
        The gravest first, then by path and check.
    coverage : tuple of Coverage
        One a check, those that found nothing too.
    """

    files: tuple[ReleaseFile, ...]
    findings: tuple[Finding, ...]
    coverage: tuple[Coverage, ...]


@dataclass(frozen=True, slots=True)
class Release(_Looked):
    """A request to let files of a run out, and the decision on it.

    Parameters
    ----------
    files : tuple of ReleaseFile
        By path.
    findings : tuple of Finding
        What the checks found when it was asked for.
    asked_by, decided_by : str
        As the audit log names them; ``decided_by`` is empty while it is open.
    purpose, reason : str
        In their words.
    """

    id: str
    run: RunId
    state: ReleaseState
    files: tuple[ReleaseFile, ...]
    findings: tuple[Finding, ...]
    asked_by: str
    purpose: str
    asked_at: datetime
    decided_by: str = ""
    reason: str = ""
    decided_at: datetime | None = None

    @property
    def allowed(self) -> frozenset[Permission]:
        """What the releasing person allowed by name."""
        return permissions([one for one in self.findings if one.allowed])


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a request may hold, and how far its files are opened.

    Parameters
    ----------
    file_bytes, request_bytes, files : int
        The most that one file and one request may hold.
    inflated_bytes : int
        The most that one file may hold once it is opened.
    ratio : int
        How many times larger the content of an archive may be than the archive.
    members : int
        The most files in an archive.
    """

    file_bytes: int = 100_000_000
    request_bytes: int = 1_000_000_000
    files: int = 5_000
    inflated_bytes: int = 512 * 2**20
    ratio: int = 200
    members: int = 1_000


def stopping(findings: "tuple[Finding, ...] | list[Finding]") -> tuple[Finding, ...]:
    """Return the findings that can not be released at all."""
    return tuple(one for one in findings if one.severity is Severity.STOPS)


def permissions(findings: "tuple[Finding, ...] | list[Finding]") -> frozenset[Permission]:
    """Return what has to be allowed by name for some findings."""
    return frozenset(Permission(one.check) for one in findings if one.severity is Severity.NEEDS_PERMISSION)


def manifest(files: "tuple[ReleaseFile, ...]") -> bytes:
    """Write the list of files in the format of ``sha256sum``."""
    return "".join(f"{file.sha256}  {file.path}\n" for file in files).encode()


def manifest_digest(files: "tuple[ReleaseFile, ...]") -> str:
    """Return the digest of the list of files."""
    return sha256_bytes(manifest(files))


def counted(release: Release) -> dict[str, Json]:
    """Return what the audit log keeps of a request: counts and digests."""
    found: dict[str, Json] = {
        severity.value: sum(one.severity is severity for one in release.findings) for severity in Severity
    }
    return {
        "run": release.run,
        "files": len(release.files),
        "bytes": release.bytes,
        "manifest_sha256": manifest_digest(release.files),
        "findings": found,
    }
