"""A real Orthanc as the archive of a whole project: the same volume, whichever way its images came."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.project import (
    ARCHIVE,
    Project,
    assert_no_identity,
    assert_sound,
    images,
    write_application,
)
from tests.orthanc import Orthanc, free_port, orthanc
from voxpop.demo.population import Population

pytestmark = [pytest.mark.needs("orthanc"), pytest.mark.slow]
MOVE_AET = "VOXPOPSTORE"


@pytest.fixture(scope="module")
def pacs(population: Population, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    files = [path for path in sorted(population.dicom.rglob("*")) if path.is_file()]
    with orthanc(tmp_path_factory.mktemp("orthanc")) as server:
        assert server.upload(files) == population.files
        yield server


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One secret for all, so that the same person has the same pseudonym everywhere."""
    from voxpop.staging.deid import new_secret, save_secret

    file = tmp_path_factory.mktemp("key") / "pseudonym.key"
    save_secret(file, new_secret())
    return file


def _settings(way: str, pacs: Orthanc) -> tuple[str, dict[str, object]]:
    if way == "dicomweb":
        return "dicomweb", {"url": pacs.dicomweb_url}
    dimse: dict[str, object] = {"host": pacs.host, "port": pacs.dicom_port, "aet": pacs.aet, "timeout": 60}
    if way == "C-GET":
        return "dimse", dimse
    port = free_port()
    pacs.add_destination(MOVE_AET, port)
    return "dimse", dimse | {"retrieve": "move", "move_aet": MOVE_AET, "move_port": port}


def _staged(way: str, pacs: Orthanc, population: Population, key: Path, folder: Path) -> Project:
    project = Project(folder / "work")
    kind, settings = _settings(way, pacs)
    project.connect(kind, **settings)
    assert project.asked("archive", "echo", ARCHIVE)["answers"] is True
    (project.work / "protected" / "pseudonym.key").write_bytes(key.read_bytes())
    (project.work / "protected" / "pseudonym.key").chmod(0o600)
    found = project.harvest(population)
    assert (found["studies"], found["odd_answers"]) == (population.patients, {})
    project.approve(write_application(folder, 2))
    project.stage()
    return project


@pytest.fixture(scope="module")
def by_dicomweb(pacs: Orthanc, population: Population, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return _staged("dicomweb", pacs, population, key, tmp_path_factory.mktemp("dicomweb"))


def test_a_volume_staged_over_dicomweb_holds_all_patients_and_nobodys_identity(
    by_dicomweb: Project, population: Population
) -> None:
    volume = by_dicomweb.work / "volumes" / "bone-density-v1"
    with (volume / "participants.tsv").open(encoding="utf-8") as stream:
        groups = [row["group"] for row in csv.DictReader(stream, delimiter="\t")]
    assert sorted(groups) == ["control", "control", "osteoporotic", "osteoporotic"]
    assert len(images(volume)) == population.patients
    assert {fate for fate, _ in by_dicomweb.fates().values()} == {"staged"}
    assert_sound(by_dicomweb)
    assert_no_identity(by_dicomweb.work, population)


@pytest.mark.parametrize("way", ["C-GET", "C-MOVE"])
def test_over_dimse_the_same_images_come(
    way: str, by_dicomweb: Project, pacs: Orthanc, population: Population, key: Path, tmp_path: Path
) -> None:
    project = _staged(way, pacs, population, key, tmp_path)
    first, other = (one.work / "volumes" / "bone-density-v1" for one in (by_dicomweb, project))
    assert images(other) == images(first)
    assert (other / "participants.tsv").read_bytes() == (first / "participants.tsv").read_bytes()
    assert_sound(project)
    assert_no_identity(project.work, population)
