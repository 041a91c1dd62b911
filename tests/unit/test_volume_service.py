"""Volumes are built, sealed, published, checked, granted and removed."""

import os
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voxpop.kernel.errors import Absent, IllegalMove
from voxpop.kernel.ids import ApplicationId, CohortId, VolumeId
from voxpop.kernel.ledger import Event
from voxpop.volume.errors import GrantTooLong, ReasonMissing, UnsealableFile, VolumeFilesAbsent, VolumeNotSealed
from voxpop.volume.model import MANIFEST, Grant, Seal, Volume
from voxpop.volume.service import VolumeService, building_folder, seal, verify
from voxpop.volume.states import VolumeState

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
APPLICATION, COHORT = ApplicationId("bone-density"), CohortId("bone-density-c1")


class Memory:
    """Volumes and ledger in memory."""

    def __init__(self) -> None:
        self.volumes: dict[VolumeId, Volume] = {}
        self.rights: dict[tuple[VolumeId, str], Grant] = {}
        self.ever: set[tuple[VolumeId, str]] = set()
        self.events: list[Event] = []

    def add(self, volume: Volume, actor: str) -> None:
        self.volumes.setdefault(volume.id, volume)

    def get(self, volume: VolumeId) -> Volume:
        if volume not in self.volumes:
            raise Absent("there is no such volume")
        return self.volumes[volume]

    def every(self) -> Sequence[Volume]:
        return list(self.volumes.values())

    def of_application(self, application: ApplicationId) -> Sequence[Volume]:
        return [volume for volume in self.volumes.values() if volume.application == application]

    def sealed(self, volume: VolumeId, seal: Seal, actor: str) -> None:
        self.volumes[volume] = replace(
            self.volumes[volume], state=VolumeState.SEALED, digest=seal.digest, files=seal.files, bytes=seal.bytes
        )

    def grant(self, grant: Grant) -> None:
        self.rights[grant.volume, grant.person] = grant
        self.ever.add((grant.volume, grant.person))

    def revoke(self, volume: VolumeId, person: str, actor: str) -> None:
        self.rights.pop((volume, person), None)

    def ever_granted(self, volume: VolumeId) -> frozenset[str]:
        return frozenset(person for name, person in self.ever if name == volume)

    def grants(self, volume: VolumeId) -> Sequence[Grant]:
        return [grant for grant in self.rights.values() if grant.volume == volume]

    def record(self, event: Event) -> None:
        self.events.append(event)

    def move(self, subject: str, source: StrEnum, target: StrEnum, event: Event) -> None:
        name = VolumeId(subject.removeprefix("volume:"))
        if self.volumes[name].state is not source:
            raise IllegalMove(subject, source.value, target.value)
        self.volumes[name] = replace(self.volumes[name], state=VolumeState(target.value))
        self.events.append(event)

    def now(self) -> datetime:
        return NOW


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def service(memory: Memory, tmp_path: Path) -> VolumeService:
    return VolumeService(memory, memory, memory, tmp_path / "volumes")


def _begun(service: VolumeService, ends_on: date | None = None) -> Volume:
    volume = service.begin(APPLICATION, COHORT, "rosa", "rosa", ends_on)
    folder = building_folder(volume) / "sub-a" / "ct"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scan.nii.gz").write_bytes(b"voxels")
    (building_folder(volume) / "README").write_text("read me")
    return volume


def _open(folder: Path) -> None:
    for parent, folders, files in os.walk(folder):
        Path(parent).chmod(0o755)
        for name in [*folders, *files]:
            Path(parent, name).chmod(0o755)


def test_begin_twice_goes_on_with_the_same_volume(service: VolumeService) -> None:
    first = service.begin(APPLICATION, COHORT, "rosa", "rosa")
    assert first.id == "bone-density-v1"
    assert service.begin(APPLICATION, COHORT, "rosa", "rosa") == first
    assert building_folder(first).is_dir()
    assert not first.path.exists()


def test_sealing_publishes_the_whole_tree_and_sha256sum_agrees(service: VolumeService) -> None:
    volume = service.seal_volume(_begun(service).id, "rosa")
    assert volume.state is VolumeState.SEALED
    assert (volume.files, volume.bytes) == (2, 13)
    assert not building_folder(volume).exists()
    subprocess.run(["sha256sum", "--quiet", "--strict", "-c", MANIFEST], cwd=volume.path, check=True)


def test_sealing_twice_changes_nothing(service: VolumeService) -> None:
    volume = service.seal_volume(_begun(service).id, "rosa")
    assert service.seal_volume(volume.id, "rosa") == volume


def test_a_kill_between_publication_and_record_is_made_good(service: VolumeService) -> None:
    volume = _begun(service)
    before = seal(building_folder(volume))
    building_folder(volume).replace(volume.path)
    assert service.begin(APPLICATION, COHORT, "rosa", "rosa").id == volume.id
    assert not building_folder(volume).exists()
    assert service.seal_volume(volume.id, "rosa").digest == before.digest


def test_a_volume_without_files_is_not_sealed(service: VolumeService) -> None:
    volume = service.begin(APPLICATION, COHORT, "rosa", "rosa")
    building_folder(volume).rmdir()
    with pytest.raises(VolumeFilesAbsent):
        service.seal_volume(volume.id, "rosa")


def test_a_sealed_tree_is_read_only_also_when_sealed_again(tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").write_text("x")
    assert seal(folder) == seal(folder)
    for path, mode in ((folder, 0o555), (folder / "deep", 0o555), (folder / "deep" / "file", 0o444)):
        assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("name", ["line\nbreak", "back\\slash"])
def test_a_name_that_the_manifest_cannot_carry_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(UnsealableFile):
        seal(tmp_path)


def test_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(UnsealableFile, match="links"):
        seal(tmp_path)


def test_verify_names_each_changed_missing_and_extra_file(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d"):
        (tmp_path / name).write_text(name)
    digest = seal(tmp_path).digest
    assert verify(tmp_path, digest).intact
    _open(tmp_path)
    (tmp_path / "a").write_text("A")
    (tmp_path / "b").unlink()
    (tmp_path / "c").unlink()
    (tmp_path / "c").symlink_to("d")
    (tmp_path / "e").write_text("e")
    found = verify(tmp_path, digest)
    assert not found.intact
    assert (found.changed, found.missing, found.extra) == (("a", "c"), ("b",), ("e",))


def test_a_manifest_rewritten_with_a_file_shows(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    digest = seal(tmp_path).digest
    _open(tmp_path)
    (tmp_path / "a").write_text("A")
    seal(tmp_path)
    found = verify(tmp_path, digest)
    assert not found.manifest_intact
    assert found.changed == (MANIFEST,)


def test_a_lost_manifest_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    digest = seal(tmp_path).digest
    _open(tmp_path)
    (tmp_path / MANIFEST).unlink()
    assert verify(tmp_path, digest).missing == (MANIFEST,)


NAMES = st.text("abcdefgxyz0123456789-_ é", min_size=1, max_size=8)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.dictionaries(NAMES, st.binary(max_size=40), min_size=1, max_size=6), data=st.data())
def test_any_change_to_any_file_shows(tmp_path: Path, files: dict[str, bytes], data: st.DataObject) -> None:
    folder = tmp_path / "tree"
    if folder.exists():
        _open(folder)
        shutil.rmtree(folder)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    sealed = seal(folder)
    assert verify(folder, sealed.digest).intact
    victim = data.draw(st.sampled_from(sorted(files)))
    _open(folder)
    (folder / victim).write_bytes(files[victim] + b"!")
    assert verify(folder, sealed.digest).changed == (victim,)


def test_verifying_a_volume_is_written_down(service: VolumeService, memory: Memory) -> None:
    volume = service.seal_volume(_begun(service).id, "rosa")
    assert service.verify_volume(volume.id, "rosa").intact
    assert memory.events[-1].action == "volume.verified"
    assert memory.events[-1].facts["intact"] is True


def test_a_volume_that_is_built_cannot_be_checked_or_granted(service: VolumeService) -> None:
    volume = _begun(service)
    with pytest.raises(VolumeNotSealed):
        service.verify_volume(volume.id)
    with pytest.raises(VolumeNotSealed):
        service.grant(volume.id, "ann", "rosa")


def test_a_grant_opens_the_volume_until_its_last_day(service: VolumeService) -> None:
    volume = service.seal_volume(_begun(service, date(2026, 12, 31)).id, "rosa")
    assert service.may_open(volume.id, "rosa")
    assert not service.may_open(volume.id, "ann")
    grant = service.grant(volume.id, "ann", "rosa", date(2026, 5, 4))
    assert service.grant(volume.id, "ann", "rosa", date(2026, 5, 4)) == grant
    assert service.may_open(volume.id, "ann")
    service.grant(volume.id, "ann", "rosa", date(2026, 5, 3))
    assert not service.may_open(volume.id, "ann")
    with pytest.raises(GrantTooLong):
        service.grant(volume.id, "ann", "rosa", date(2027, 1, 1))
    service.revoke(volume.id, "ann", "rosa")
    service.revoke(volume.id, "ann", "rosa")


def test_a_right_that_was_taken_away_does_not_come_back_by_rule(service: VolumeService) -> None:
    volume = service.seal_volume(_begun(service).id, "rosa")
    service.grant_by_rule(volume.id, "ann", "voxpop")
    service.grant_by_rule(volume.id, "ann", "voxpop")
    assert [given.person for given in service.grants(volume.id)] == ["ann"]
    service.revoke(volume.id, "ann", "rosa")
    service.grant_by_rule(volume.id, "ann", "voxpop")
    assert not service.may_open(volume.id, "ann")
    service.grant(volume.id, "ann", "rosa")
    assert service.may_open(volume.id, "ann")


def test_removal_deletes_the_files_and_keeps_the_record(service: VolumeService, memory: Memory) -> None:
    volume = service.seal_volume(_begun(service).id, "rosa")
    with pytest.raises(ReasonMissing):
        service.remove(volume.id, "rosa", " ")
    removed = service.remove(volume.id, "rosa", "the project has ended")
    assert removed.state is VolumeState.REMOVED
    assert removed.digest == volume.digest
    assert list(volume.path.parent.iterdir()) == []
    assert service.remove(volume.id, "rosa", "the project has ended") == removed
    assert [event.action for event in memory.events] == ["volume.removed"]
    with pytest.raises(IllegalMove):
        service.seal_volume(volume.id, "rosa")


def test_two_volumes_are_compared_by_their_manifests(service: VolumeService) -> None:
    first = service.seal_volume(_begun(service).id, "rosa")
    second = _begun(service)
    (building_folder(second) / "README").write_text("read me too")
    (building_folder(second) / "LICENSE").write_text("free")
    service.seal_volume(second.id, "rosa")
    difference = service.diff(first.id, second.id)
    assert (difference.added, difference.removed, difference.changed) == (("LICENSE",), (), ("README",))
    assert difference.same == 1
