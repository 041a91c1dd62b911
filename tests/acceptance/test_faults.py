"""An archive or a machine that fails: one clear sentence, nothing half published, and the same command goes on."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.project import (
    APPLICATION,
    ARCHIVE,
    VOLUME,
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

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("staging")]
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
        ("dimse", {"refuse_association": True}, "archive 'pacs' refuses the association"),
        ("dicomweb", {"unavailable": True}, "archive 'pacs' answers with HTTP status 503"),
        ("dimse", None, "archive 'pacs' does not answer: check that it runs"),
        ("dicomweb", None, "archive 'pacs' does not answer: check that it runs"),
    ],
)
def test_an_archive_that_gives_no_answer_stops_harvest_and_staging_and_both_go_on_when_it_is_back(
    wire: str,
    fault: dict[str, object] | None,
    told: str,
    approved: Project,
    population: Population,
    sound: TestArchive,
    tmp_path: Path,
) -> None:
    project = copy_of(approved, tmp_path)
    index = index_of(project)
    with serving(population, tmp_path, **(fault or {})) as server:
        connect(project, wire, server)
        done = [project.voxpop(*HARVEST), project.voxpop(*STAGE)] if fault else []
    done = done or [project.voxpop(*HARVEST), project.voxpop(*STAGE)]
    for one in done:
        assert told in sentence(one)
        assert_tells_nobody(population, one.stderr, one.stdout)
    assert index_of(project) == index
    assert_nothing_published(project)

    connect(project, wire, sound)
    assert project.asked(*HARVEST)["studies"] == population.patients
    project.stage()
    assert_sound(project)
    assert [fate for fate, _ in project.fates().values()] == ["staged"] * population.patients


@pytest.mark.parametrize("wire", ["dicomweb", "dimse"])
def test_a_study_of_which_fewer_instances_come_than_were_counted_is_refused_alone(
    wire: str, approved: Project, population: Population, sound: TestArchive, tmp_path: Path
) -> None:
    project = copy_of(approved, tmp_path)
    connect(project, wire, sound)
    print(project.fates() if False else "")
