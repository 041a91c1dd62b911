"""What one can do with a volume: begin, seal, verify, grant, compare, remove."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from voxpop.kernel.clock import Clock
from voxpop.kernel.ids import ApplicationId, CohortId, VolumeId
from voxpop.kernel.ledger import Event, Ledger
from voxpop.volume.errors import GrantTooLong, ReasonMissing, VolumeChanged, VolumeFilesAbsent, VolumeNotSealed
from voxpop.volume.model import MANIFEST, Grant, Volume
from voxpop.volume.ports import Volumes
from voxpop.volume.seal import Verification, manifest_of, reopen, seal, verify
from voxpop.volume.states import LIFE_CYCLE, VolumeState

__all__ = ["Difference", "Verification", "VolumeService", "building_folder", "seal", "verify"]

_BUILDING = ".building"
_REMOVING = ".removing"


@dataclass(frozen=True, slots=True)
class Difference:
    """How two sealed volumes differ, by path; ``same`` counts the files that are equal in both."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    same: int


def building_folder(volume: Volume) -> Path:
    """Return where a volume is put together before it is published at its path."""
    return volume.path.with_name(volume.path.name + _BUILDING)


class VolumeService:
    """The use cases of volumes. Each may be called twice.

    Parameters
    ----------
    volumes : Volumes
    ledger : Ledger
    clock : Clock
    folder : Path
        Where all volumes lie, one folder each.
    """

    def __init__(self, volumes: Volumes, ledger: Ledger, clock: Clock, folder: Path) -> None:
        self._volumes = volumes
        self._ledger = ledger
        self._clock = clock
        self._folder = folder

    def begin(
        self, application: ApplicationId, cohort: CohortId, owner: str, actor: str, ends_on: date | None = None
    ) -> Volume:
        """Begin a volume of a cohort, or go on with the one that is being built.

        Returns
        -------
        Volume
            In state BUILDING; its files go to ``building_folder(volume)``, which is there afterwards.
        """
        volume = self._being_built(application, cohort)
        if volume is None:
            name = VolumeId(f"{application}-v{len(self._volumes.of_application(application)) + 1}")
            state = VolumeState.BUILDING
            volume = Volume(name, application, cohort, self._folder / name, state, owner, ends_on=ends_on)
            self._volumes.add(volume, actor)
        # After a kill between publication and record the files are at their final place already.
        if not volume.path.exists():
            building_folder(volume).mkdir(parents=True, exist_ok=True)
        return volume

    def seal_volume(self, name: VolumeId, actor: str) -> Volume:
        """Seal what was built and publish it at the volume's path; a sealed volume is returned as it is.

        Raises
        ------
        VolumeFilesAbsent
            If nothing was built.
        UnsealableFile
            If the tree holds links, devices or names that the manifest cannot carry.
        IllegalMove
            If the volume was removed.

        Notes
        -----
        The rename is the publication: a reader sees the whole sealed tree or nothing.
        """
        volume = self._volumes.get(name)
        if volume.state is VolumeState.SEALED:
            return volume
        LIFE_CYCLE.check(_subject(name), volume.state, VolumeState.SEALED)
        building = building_folder(volume)
        if building.is_dir() and not volume.path.exists():
            seal(building)
            building.replace(volume.path)
        if not volume.path.is_dir():
            raise VolumeFilesAbsent(name)
        self._volumes.sealed(name, seal(volume.path), actor)
        return self._volumes.get(name)

    def verify_volume(self, name: VolumeId, actor: str = "voxpop") -> Verification:
        """Compare a volume's files with its seal, and write the outcome to the audit log.

        Raises
        ------
        VolumeNotSealed
            If it is still built or was removed.
        VolumeFilesAbsent
            If its folder is gone.
        """
        volume = self._sealed(name)
        found = verify(volume.path, volume.digest)
        counts = {
            "intact": found.intact,
            "checked": found.checked,
            "changed": len(found.changed),
            "missing": len(found.missing),
            "extra": len(found.extra),
        }
        self._ledger.record(Event("volume.verified", _subject(name), actor, facts=counts))
        return found

    def check_volume(self, name: VolumeId, actor: str) -> Verification:
        """Verify a volume, and refuse it if it is not as it was sealed.

        Raises
        ------
        VolumeChanged
            Naming the first of what differs; else as ``verify_volume`` does.
        """
        found = self.verify_volume(name, actor)
        if not found.intact:
            parts = [] if found.manifest_intact else ["its manifest is not the one that was sealed"]
            for what in ("changed", "missing", "extra"):
                parts.extend(f"{path} is {what}" for path in getattr(found, what))
            raise VolumeChanged(name, parts)
        return found

    def get(self, name: VolumeId) -> Volume:
        """Return a volume, or raise ``Absent``."""
        return self._volumes.get(name)

    def every(self) -> Sequence[Volume]:
        """Return all volumes, by id."""
        return self._volumes.every()

    def of_application(self, application: ApplicationId) -> Sequence[Volume]:
        """Return the application's volumes, the oldest first."""
        return self._volumes.of_application(application)

    def grants(self, name: VolumeId) -> Sequence[Grant]:
        """Return the rights that stand, by person."""
        return self._volumes.grants(name)

    def grant(self, name: VolumeId, person: str, actor: str, until: date | None = None) -> Grant:
        """Give a person the right to open a volume, at most until the volume ends.

        Raises
        ------
        VolumeNotSealed
            If it is still built or was removed.
        GrantTooLong
            If ``until`` is after the volume's last day.
        """
        volume = self._sealed(name)
        last = until or volume.ends_on
        if last and volume.ends_on and last > volume.ends_on:
            raise GrantTooLong(name, volume.ends_on.isoformat())
        grant = Grant(name, person, last, actor, self._clock.now())
        standing = {given.person: given for given in self._volumes.grants(name)}.get(person)
        if standing and replace(standing, granted_at=grant.granted_at) == grant:
            return standing
        self._volumes.grant(grant)
        return grant

    def grant_by_rule(self, name: VolumeId, person: str, actor: str) -> None:
        """Give a person the right that goes with their place in a project; silent where it was ever given or taken."""
        if person not in self._volumes.ever_granted(name):
            self.grant(name, person, actor)

    def revoke(self, name: VolumeId, person: str, actor: str) -> None:
        """Take a person's right away; silent if there is none."""
        self._volumes.get(name)
        self._volumes.revoke(name, person, actor)

    def may_open(self, name: VolumeId, person: str) -> bool:
        """Say whether a person may open a volume today: its owner, or by a grant that has not ended."""
        volume = self._volumes.get(name)
        today = self._clock.now().date()
        if volume.state is not VolumeState.SEALED or (volume.ends_on and volume.ends_on < today):
            return False
        grants = self._volumes.grants(name)
        return person == volume.owner or any(
            given.person == person and (given.until is None or given.until >= today) for given in grants
        )

    def remove(self, name: VolumeId, actor: str, reason: str) -> Volume:
        """Delete a volume's files; its record, seal and history stay.

        Raises
        ------
        ReasonMissing
            If no reason is given.
        """
        if not reason.strip():
            raise ReasonMissing("removing a volume")
        volume = self._volumes.get(name)
        if volume.state is not VolumeState.REMOVED:
            LIFE_CYCLE.check(_subject(name), volume.state, VolumeState.REMOVED)
            event = Event("volume.removed", _subject(name), actor, reason, {"digest": volume.digest})
            self._ledger.move(_subject(name), volume.state, VolumeState.REMOVED, event)
        # The record moves first: a kill here leaves files that a second call deletes, never a record without files.
        for folder in (volume.path, building_folder(volume)):
            _delete(folder)
        return self._volumes.get(name)

    def diff(self, before: VolumeId, after: VolumeId) -> Difference:
        """Compare two sealed volumes by their manifests.

        Raises
        ------
        VolumeNotSealed
            If one is still built or was removed.
        VolumeFilesAbsent
            If one has no manifest.
        """
        old, new = (self._manifest(name) for name in (before, after))
        both = old.keys() & new.keys()
        changed = sorted(path for path in both if old[path] != new[path])
        return Difference(
            added=tuple(sorted(new.keys() - old.keys())),
            removed=tuple(sorted(old.keys() - new.keys())),
            changed=tuple(changed),
            same=len(both) - len(changed),
        )

    def _being_built(self, application: ApplicationId, cohort: CohortId) -> Volume | None:
        volumes = self._volumes.of_application(application)
        open_ones = [one for one in volumes if one.cohort == cohort and one.state is VolumeState.BUILDING]
        return open_ones[-1] if open_ones else None

    def _sealed(self, name: VolumeId) -> Volume:
        volume = self._volumes.get(name)
        if volume.state is not VolumeState.SEALED:
            raise VolumeNotSealed(name, volume.state.value)
        return volume

    def _manifest(self, name: VolumeId) -> dict[str, str]:
        path = self._sealed(name).path
        if not (path / MANIFEST).is_file():
            raise VolumeFilesAbsent(name)
        return manifest_of(path)


def _subject(name: VolumeId) -> str:
    return f"volume:{name}"


def _delete(folder: Path) -> None:
    going = folder.with_name(folder.name + _REMOVING)
    if folder.is_dir():
        if going.is_dir():
            _unlink_tree(going)
        folder.replace(going)
    if going.is_dir():
        _unlink_tree(going)


def _unlink_tree(folder: Path) -> None:
    reopen(folder)
    shutil.rmtree(folder)
