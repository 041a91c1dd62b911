"""What every archive does, whatever the wire: one set of tests over every back-end.

The other end of the wire is a real Orthanc, and the project's own test archive, which can also be told to go wrong.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.uid import generate_uid
from tests.instances import GERMAN, RUSSIAN, Planted, planted_population
from tests.orthanc import Orthanc, free_port, orthanc

from voxpop.backends.archive import dicomweb, dimse, folder
from voxpop.demo.archive import Faults, TestArchive
from voxpop.dicom.archives import (
    ArchiveFailed,
    ArchiveUnreachable,
    AssociationRefused,
    TransferIncomplete,
    WrongSettings,
)
from voxpop.kernel.errors import Unavailable
from voxpop.kernel.ids import SeriesUID, StudyUID
from voxpop.kernel.imaging import Study
from voxpop.staging.model import SeriesRequest


@dataclass(frozen=True)
class Held:
    """An archive that is open, and what was put into it."""

    archive: Any
    planted: Planted
    nowhere: Any  # the same back-end, pointed at an address where nobody is


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return planted_population(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="session")
def pacs(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with orthanc(tmp_path_factory.mktemp("orthanc")) as server:
        assert server.upload(planted.files) == len(planted.files)
        yield server


@pytest.fixture(scope="session")
def own(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestArchive, int]]:
    """Serve the same files from the project's test archive; it knows one C-MOVE destination from the start."""
    port = free_port()
    workdir = tmp_path_factory.mktemp("own")
    with TestArchive([planted.folder], workdir=workdir, destinations={"VOXPOP": ("127.0.0.1", port)}) as server:
        yield server, port


def _settings(server: Orthanc | TestArchive) -> dict[str, str]:
    return {"host": server.host, "port": str(server.dicom_port), "aet": server.aet}


@pytest.fixture(
    params=[
        "folder",
        *(pytest.param(f"orthanc {way}", marks=pytest.mark.needs("orthanc")) for way in ("dicomweb", "get", "move")),
        *(f"own {way}" for way in ("dicomweb", "get", "move")),
    ]
)
def held(request: pytest.FixtureRequest, planted: Planted) -> Iterator[Held]:
    closed = str(free_port())
    if request.param == "folder":
        here = folder.open_archive("pacs", {"path": str(planted.folder)})
        yield Held(here, planted, folder.open_archive("pacs", {"path": str(planted.folder / "gone")}))
        return
    end, way = request.param.split()
    server: Any
    if end == "own":
        server, port = request.getfixturevalue("own")
    else:
        server, port = request.getfixturevalue("pacs"), free_port()
        server.add_destination("VOXPOP", port)
    if way == "dicomweb":
        web = dicomweb.open_archive("pacs", {"url": server.dicomweb_url})
        yield Held(web, planted, dicomweb.open_archive("pacs", {"url": f"http://127.0.0.1:{closed}/"}))
        return
    settings = _settings(server) | {"retrieve": way, "move_port": str(port)}
    archive = dimse.open_archive("pacs", settings)
    yield Held(archive, planted, dimse.open_archive("pacs", settings | {"port": closed, "move_port": "0"}))
    archive.close()


def _studies(archive: Any, *days: date | None) -> dict[str, Study]:
    return {study.uid: study for study in archive.studies(*days)}


def _request(planted: Planted, counted: int | None = None) -> SeriesRequest:
    return SeriesRequest(StudyUID(planted.study), SeriesUID(planted.series), counted)


def test_an_archive_that_is_there_answers_an_echo(held: Held) -> None:
    held.archive.echo()


def test_it_lists_every_study_with_every_series_and_its_count(held: Held) -> None:
    listed = _studies(held.archive)
    assert {uid: {one.uid: one.instances for one in study.series} for uid, study in listed.items()} == (
        held.planted.counts
    )


def test_it_reads_what_the_index_needs(held: Held) -> None:
    study = _studies(held.archive)[StudyUID(held.planted.study)]
    assert study == held.planted.listed


def test_it_reads_names_in_other_alphabets(held: Held) -> None:
    described = {study.description for study in held.archive.studies()}
    assert {GERMAN, RUSSIAN} <= described


def test_it_lists_only_the_days_asked_for(held: Held) -> None:
    day = held.planted.listed.day
    assert day is not None
    assert set(_studies(held.archive, day, day)) == {held.planted.study}
    assert set(_studies(held.archive, day + timedelta(days=1), None)).isdisjoint({held.planted.study})
    assert _studies(held.archive, date(1970, 1, 1), date(1970, 12, 31)) == {}


def test_it_writes_a_series_whole_and_in_the_order_of_its_uids(held: Held, tmp_path: Path) -> None:
    into = tmp_path / "retrieved"
    assert held.archive.retrieve(_request(held.planted, len(held.planted.instances)), into) == len(
        held.planted.instances
    )
    names = sorted(path.name for path in into.iterdir())
    assert names == [f"{number:04d}.dcm" for number in range(1, len(names) + 1)]
    read = [pydicom.dcmread(into / name) for name in names]
    assert [one.SOPInstanceUID for one in read] == list(held.planted.instances)
    assert [path.name for path in tmp_path.iterdir()] == ["retrieved"]


def test_pixels_arrive_as_they_were_stored(held: Held, tmp_path: Path) -> None:
    held.archive.retrieve(_request(held.planted), tmp_path / "retrieved")
    for path in (tmp_path / "retrieved").iterdir():
        read = pydicom.dcmread(path)
        assert read.PixelData == held.planted.instances[read.SOPInstanceUID]
        assert read.file_meta.TransferSyntaxUID == pydicom.uid.RLELossless


def test_a_series_that_lies_there_whole_is_kept(held: Held, tmp_path: Path) -> None:
    into = tmp_path / "retrieved"
    first = held.archive.retrieve(_request(held.planted), into)
    before = {path.name: path.stat().st_mtime_ns for path in into.iterdir()}
    assert held.nowhere.retrieve(_request(held.planted, first), into) == first
    assert {path.name: path.stat().st_mtime_ns for path in into.iterdir()} == before


def test_what_a_kill_left_behind_is_fetched_anew(held: Held, tmp_path: Path) -> None:
    into = tmp_path / "retrieved"
    into.mkdir()
    (tmp_path / ".retrieved.partial").mkdir()
    (tmp_path / ".retrieved.partial" / "part-000001").write_bytes(b"half an instance")
    assert held.archive.retrieve(_request(held.planted), into) == len(held.planted.instances)
    assert len(list(into.iterdir())) == len(held.planted.instances)


def test_fewer_instances_than_counted_are_refused_and_nothing_stays(held: Held, tmp_path: Path) -> None:
    there = len(held.planted.instances)
    with pytest.raises(TransferIncomplete, match=f"archive 'pacs' sent {there} of {there + 1} instances") as caught:
        held.archive.retrieve(_request(held.planted, there + 1), tmp_path / "retrieved")
    assert list(tmp_path.iterdir()) == []
    _says_nothing_of_a_person(str(caught.value), held.planted)


def test_a_series_that_is_not_there_is_refused(held: Held, tmp_path: Path) -> None:
    request = SeriesRequest(StudyUID(held.planted.study), SeriesUID(generate_uid()), None)
    with pytest.raises(Unavailable):
        held.archive.retrieve(request, tmp_path / "retrieved")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ask", ["echo", "studies", "retrieve"])
def test_an_archive_that_is_down_is_said_to_be_down(held: Held, ask: str, tmp_path: Path) -> None:
    calls: Mapping[str, Callable[[], object]] = {
        "echo": held.nowhere.echo,
        "studies": lambda: list(held.nowhere.studies()),
        "retrieve": lambda: held.nowhere.retrieve(_request(held.planted, 1), tmp_path / "retrieved"),
    }
    with pytest.raises(ArchiveUnreachable, match="archive 'pacs' does not answer"):
        calls[ask]()
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_a_person_is_logged_or_warned_of(
    held: Held, tmp_path: Path, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    caplog.set_level("DEBUG")
    list(held.archive.studies())
    held.archive.retrieve(_request(held.planted), tmp_path / "retrieved")
    _says_nothing_of_a_person(caplog.text, held.planted)
    _says_nothing_of_a_person(" ".join(str(one.message) for one in recwarn), held.planted)


def _says_nothing_of_a_person(text: str, planted: Planted) -> None:
    listed = planted.listed
    for value in (listed.patient_id, listed.uid, listed.accession, planted.series, *planted.instances):
        assert value not in text


@pytest.fixture(params=["dicomweb", "get", "move"])
def faulty(
    request: pytest.FixtureRequest, planted: Planted, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Faults], Any]]:
    """Open an archive that has faults, by each of the three ways."""
    with ExitStack() as stack:

        def opened(faults: Faults) -> Any:
            port, workdir = free_port(), tmp_path_factory.mktemp("faulty")
            server = stack.enter_context(
                TestArchive(
                    [planted.folder], workdir=workdir, faults=faults, destinations={"VOXPOP": ("127.0.0.1", port)}
                )
            )
            if request.param == "dicomweb":
                return dicomweb.open_archive("pacs", {"url": server.dicomweb_url})
            archive = dimse.open_archive(
                "pacs", _settings(server) | {"retrieve": request.param, "move_port": str(port), "timeout": "20"}
            )
            stack.callback(archive.close)
            return archive

        yield opened


def test_an_archive_that_lets_nobody_in_is_said_to_refuse(faulty: Callable[[Faults], Any], tmp_path: Path) -> None:
    archive = faulty(Faults(refuse_association=True, unavailable=True))
    for ask in (archive.echo, lambda: list(archive.studies())):
        with pytest.raises((AssociationRefused, ArchiveFailed), match=r"archive 'pacs' (refuses|answers with HTTP)"):
            ask()


@pytest.mark.parametrize("faults", [Faults(stop_after=5), Faults(send_fewer=3)], ids=["stops", "sends fewer"])
def test_an_archive_that_does_not_send_all_is_found_out(
    faults: Faults, faulty: Callable[[Faults], Any], planted: Planted, tmp_path: Path
) -> None:
    archive = faulty(faults)
    counted = {one.uid: one.instances for study in archive.studies() for one in study.series}[SeriesUID(planted.series)]
    assert counted == len(planted.instances)
    with pytest.raises(TransferIncomplete, match=rf"archive 'pacs' sent \d+ of {counted} instances") as caught:
        archive.retrieve(_request(planted, counted), tmp_path / "retrieved")
    assert list(tmp_path.iterdir()) == []
    _says_nothing_of_a_person(str(caught.value), planted)


@pytest.mark.parametrize(
    ("open_archive", "settings", "sentence"),
    [
        (folder.open_archive, {}, "archive 'x': setting path is missing"),
        (dicomweb.open_archive, {"url": "ftp://x"}, "archive 'x': setting url does not begin with http:// or https://"),
        (dicomweb.open_archive, {"url": "http://x", "pasword": ""}, "archive 'x': there is no setting pasword"),
        (dicomweb.open_archive, {"url": "http://x", "user": "me"}, "archive 'x': settings user and password_file go"),
        (dicomweb.open_archive, {"url": "http://x", "timeout": "-1"}, "archive 'x': setting timeout is not a number"),
        (
            dicomweb.open_archive,
            {"url": "http://x", "token_file": "/none"},
            "archive 'x': the file of setting token_file",
        ),
        (dimse.open_archive, {"host": "x", "aet": "A"}, "archive 'x': setting port is missing"),
        (dimse.open_archive, {"host": "x", "aet": "A", "port": "x1"}, "archive 'x': setting port is not a port number"),
        (dimse.open_archive, {"host": "x", "aet": "A" * 17, "port": "1"}, "archive 'x': setting aet is no AE title"),
        (
            dimse.open_archive,
            {"host": "x", "aet": "A", "port": "1", "retrieve": "put"},
            "archive 'x': setting retrieve",
        ),
        (dimse.open_archive, {"host": "x", "aet": "A", "port": "1", "ca_file": "/none"}, "archive 'x': a file of ca_"),
    ],
)
def test_wrong_settings_are_named(open_archive: Any, settings: dict[str, str], sentence: str) -> None:
    with pytest.raises(WrongSettings) as caught:
        open_archive("x", settings)
    assert str(caught.value).startswith(sentence)
