"""What the volume stage needs from outside."""

from collections.abc import Sequence
from typing import Protocol

from voxpop.kernel.ids import ApplicationId, VolumeId
from voxpop.volume.model import Grant, Seal, Volume


class Volumes(Protocol):
    """Where volumes are kept."""

    def add(self, volume: Volume, actor: str) -> None:
        """Keep a new volume that is being built; the same again is silent."""
        ...

    def get(self, volume: VolumeId) -> Volume:
        """Return a volume, or raise ``Absent``."""
        ...

    def every(self) -> Sequence[Volume]:
        """Return all volumes, by id."""
        ...

    def of_application(self, application: ApplicationId) -> Sequence[Volume]:
        """Return the application's volumes, the oldest first."""
        ...

    def sealed(self, volume: VolumeId, seal: Seal, actor: str) -> None:
        """Keep the seal and move the volume to SEALED, in one transaction."""
        ...

    def grant(self, grant: Grant) -> None:
        """Give a person a right to the volume, and write it to the audit log."""
        ...

    def revoke(self, volume: VolumeId, person: str, actor: str) -> None:
        """Take a person's right away; silent if there is none."""
        ...

    def ever_granted(self, volume: VolumeId) -> frozenset[str]:
        """Return the persons to whom a right was ever given, whether it stands or was taken away."""
        ...

    def grants(self, volume: VolumeId) -> Sequence[Grant]:
        """Return the rights that stand, by person."""
        ...
