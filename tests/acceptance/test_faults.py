"""An archive or a machine that fails: one clear sentence, nothing half published, and the same command goes on."""

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.project import (
    APPLICATION,
    ARCHIVE,
    Project,
    assert_nothing_published,
    assert_sound,
    assert_tells_nobody,
    copy_of,
    sentence,
)
from voxpop.demo.archive import TestArchive
from voxpop.demo.archive.model import Faults
from voxpop.demo.population import Population

pytestmark = [pytest.mark.slow]
HARVEST = ("archive", "harvest", ARCHIVE)
STAGE = ("stage", APPLICATION)


@contextmanager
def serving(population: Population, folder: Path, **faults: object) -> Iterator[TestArchive]:
    """Serve the population, with faults."""
    with TestArchive([population.dicom], workdir=folder / "archive", faults=Faults(**faults)) as server:
        yield server


def connect(project: Project, wire: str, server: TestArchive) -> None:
    """Connect the archive by a wire."""
    if wire == "dicomweb":
        project.connect("dicomweb", url=server.dicomweb_url)
    else:
        project.connect("dimse", host=server.host, port=server.dicom_port, aet=server.aet, timeout=30)


@pytest.fixture(scope="module")
def sound(population: Population, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestArchive]:
    """An archive without faults."""
    with serving(population, tmp_path_factory.mktemp("sound")) as server:
        yield server


def index_of(project: Project) -> dict[str, bytes]:
    """Return the index's files."""
    folder = project.work / "protected" / "index"
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("wire", "fault", "told"),
    [
        ("dimse", "refuse_association", "archive 'pacs' refuses the association"),
        ("dicomweb", "unavailable", "archive 'pacs' answers with HTTP status 503"),
    ],
)
def test_an_archive_that_refuses_or_is_down_stops_harvest_and_staging_and_both_go_on_when_it_is_back(
    wire: str,
    fault: str,
    told: str,
    approved: Project,
    population: Population,
    sound: TestArchive,
    tmp_path: Path,
) -> None:
    project = copy_of(approved, tmp_path)
    index = index_of(project)
    with serving(population, tmp_path, **{fault: True}) as server:
        connect(project, wire, server)
        refused = [project.voxpop(*HARVEST), project.voxpop(*STAGE)]
    down = [project.voxpop(*HARVEST), project.voxpop(*STAGE)]
    for one in refused:
        assert told in sentence(one)
    for one in down:
        assert "archive 'pacs' does not answer: check that it runs" in sentence(one)
    for one in (*refused, *down):
        assert_tells_nobody(population, one.stderr, one.stdout)
    assert index_of(project) == index
    assert_nothing_published(project)

    connect(project, wire, sound)
    assert project.asked(*HARVEST)["studies"] == population.patients
    project.stage()
    assert_sound(project)
    assert [fate for fate, _ in project.fates().values()] == ["staged"] * population.patients


@pytest.mark.parametrize("wire", ["dicomweb", "dimse"])
def test_an_archive_that_stops_in_mid_transfer_refuses_no_study_and_staging_goes_on_when_it_is_back(
    wire: str, approved: Project, population: Population, sound: TestArchive, tmp_path: Path
) -> None:
    project = copy_of(approved, tmp_path)
    with serving(population, tmp_path, stop_after=5) as server:
        connect(project, wire, server)
        done = project.voxpop(*STAGE)
    assert "instances of a series: try again, or ask its manager" in sentence(done)
    assert_tells_nobody(population, done.stderr, done.stdout)
    assert_nothing_published(project)

    connect(project, wire, sound)
    project.stage()
    assert_sound(project)
    assert [fate for fate, _ in project.fates().values()] == ["staged"] * population.patients


@pytest.mark.parametrize("wire", ["dicomweb", "dimse"])
def test_a_study_of_which_fewer_instances_come_than_were_counted_is_refused_alone(
    wire: str, approved: Project, population: Population, tmp_path: Path
) -> None:
    project = copy_of(approved, tmp_path)
    shutil.copytree(population.dicom, tmp_path / "dicom")
    study = sorted(path for path in (tmp_path / "dicom").iterdir() if path.is_dir())[0]
    slices = max((path.parent for path in study.rglob("*") if path.is_file()), key=lambda one: len(list(one.iterdir())))
    max(slices.iterdir(), key=lambda file: file.stat().st_size).unlink()
    with TestArchive([tmp_path / "dicom"], workdir=tmp_path / "archive") as server:
        connect(project, wire, server)
        project.stage()
    assert_sound(project)
    fates = project.fates()
    refused = [reason for fate, reason in fates.values() if fate == "refused"]
    assert [fate for fate, _ in fates.values()].count("staged") == population.patients - 1
    assert len(refused) == 1
    assert re.search(r"archive 'pacs' sent (\d+) of (\d+) instances of a series", refused[0])
    assert_tells_nobody(population, refused[0])


@pytest.mark.parametrize("moment", ["*/*/*/retrieved", "*/*/*/converted/.converting"])
def test_ctrl_c_during_staging_says_how_to_go_on(
    moment: str, approved: Project, population: Population, sound: TestArchive, tmp_path: Path
) -> None:
    project = copy_of(approved, tmp_path)
    connect(project, "dicomweb", sound)
    # A terminal sends it to every process that was started from it.
    done = project.ended_when(lambda: bool(project.protected_files(moment)), *STAGE, by=signal.SIGINT, alone=False)
    told = sentence(done, code=130)
    assert told == "voxpop: stopped; what was finished is kept: run the same command again to go on"
    assert_nothing_published(project)
    project.stage()
    assert_sound(project)
    assert [fate for fate, _ in project.fates().values()] == ["staged"] * population.patients


def test_a_lost_pseudonym_key_is_missed_and_not_made_anew(
    approved: Project, sound: TestArchive, tmp_path: Path
) -> None:
    project = copy_of(approved, tmp_path)
    connect(project, "dicomweb", sound)
    key = project.work / "protected" / "pseudonym.key"
    project.killed_when(project.building.exists, *STAGE)
    kept = key.rename(tmp_path / "pseudonym.key")
    assert "pseudonym.key" in sentence(project.voxpop(*STAGE))
    assert not key.exists()
    assert_nothing_published(project)
    kept.rename(key)
    project.stage()
    assert_sound(project)


# Where the disk is smallest, not even the database of durable work can be written.
@pytest.fixture(params=["3m", "6m", "10m"])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={request.param}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_stops_staging_and_the_same_command_goes_on_when_there_is_room(
    approved: Project, population: Population, sound: TestArchive, small_disk: Path
) -> None:
    project = copy_of(approved, small_disk)
    connect(project, "dicomweb", sound)
    done = project.voxpop(*STAGE)
    told = sentence(done)
    assert "full" in told
    assert_tells_nobody(population, done.stderr, done.stdout)
    assert_nothing_published(project)

    subprocess.run(["mount", "-o", "remount,size=256m", str(small_disk)], check=True)
    project.stage()
    assert_sound(project)
    assert [fate for fate, _ in project.fates().values()] == ["staged"] * population.patients
