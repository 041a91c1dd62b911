"""A volume and its seal."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from voxpop.kernel.ids import ApplicationId, CohortId, VolumeId
from voxpop.volume.states import VolumeState

MANIFEST = "manifest-sha256.txt"
"""The seal's file, in the format of ``sha256sum``: an auditor needs no voxpop to check it."""


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume.

    Parameters
    ----------
    digest : str
        SHA-256 of its manifest; empty before it is sealed.
    ends_on : date or None
        The last day of its grants.
    """

    id: VolumeId
    application: ApplicationId
    cohort: CohortId
    path: Path
    state: VolumeState
    owner: str
    digest: str = ""
    files: int = 0
    bytes: int = 0
    sealed_at: datetime | None = None
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class Seal:
    """What the manifest says of the whole tree."""

    digest: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Grant:
    """A person's right to a volume."""

    volume: VolumeId
    person: str
    until: date | None
    granted_by: str
    granted_at: datetime
