"""The test archive, asked over the real wire by programs that are not ours."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pydicom
import pytest

from voxpop.demo.archive import Faults, TestArchive
from voxpop.demo.archive.errors import FolderAbsent
from voxpop.demo.archive.index import matches
from voxpop.demo.population import Population, make_population

AS_STORED = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Population:
    return make_population(tmp_path_factory.mktemp("population"), patients=2, workers=1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


MOVE_PORT = free_port()


@pytest.fixture(scope="module")
def archive(population: Population, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestArchive]:
    workdir = tmp_path_factory.mktemp("archive")
    with TestArchive([population.dicom], workdir=workdir, destinations={"MOVER": ("127.0.0.1", MOVE_PORT)}) as running:
        yield running


def study_uid(population: Population, patient: str = "P01") -> str:
    return str(pydicom.dcmread(population.dicom / patient / "ST1" / "SE1" / "IM0001").StudyInstanceUID)


def dcmtk(
    tool: str, archive: TestArchive, *options: str, tail: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    command = [tool, "-aec", archive.aet, *options, archive.host, str(archive.dicom_port), *tail]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=60)


def keys(**values: str) -> list[str]:
    return [word for name, value in values.items() for word in ("-k", f"{name}={value}" if value else name)]


@pytest.mark.needs("dcmtk")
def test_echoscu_is_answered(archive: TestArchive) -> None:
    assert dcmtk("echoscu", archive).returncode == 0


@pytest.mark.needs("dcmtk")
def test_findscu_finds_studies_by_wildcard_and_date_range_with_counts(archive: TestArchive) -> None:
    asked = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="", PatientName="Garc*", StudyDate="20100101-20301231",
                 NumberOfStudyRelatedInstances="", ModalitiesInStudy="CT")  # fmt: skip
    said = dcmtk("findscu", archive, "-S", *asked).stderr
    assert said.count("(Pending)") == 1
    assert "NumberOfStudyRelatedInstances" in said
    assert "IS [" in said


@pytest.mark.needs("dcmtk")
def test_findscu_finds_series_and_images(archive: TestArchive, population: Population) -> None:
    uid = study_uid(population)
    series = dcmtk(
        "findscu", archive, "-S", *keys(QueryRetrieveLevel="SERIES", StudyInstanceUID=uid, Modality="SR")
    ).stderr
    images = dcmtk(
        "findscu", archive, "-S", *keys(QueryRetrieveLevel="IMAGE", StudyInstanceUID=uid, SOPInstanceUID="")
    ).stderr
    assert series.count("(Pending)") == 1
    assert images.count("(Pending)") == len(list((population.dicom / "P01").rglob("IM*")))


@pytest.mark.needs("dcmtk")
def test_getscu_gets_a_series_as_it_is_stored(archive: TestArchive, population: Population, tmp_path: Path) -> None:
    source = population.dicom / "P01" / "ST1" / "SE1" / "IM0001"
    ds = pydicom.dcmread(source)
    asked = keys(
        QueryRetrieveLevel="SERIES", StudyInstanceUID=ds.StudyInstanceUID, SeriesInstanceUID=ds.SeriesInstanceUID
    )
    assert dcmtk("getscu", archive, "-S", "-od", str(tmp_path), *asked).returncode == 0
    (got,) = [pydicom.dcmread(path) for path in tmp_path.iterdir()]
    assert got.PixelData == ds.PixelData
    assert str(got.PatientName) == str(ds.PatientName)


@pytest.mark.needs("dcmtk")
def test_movescu_moves_to_a_known_destination_and_to_no_other(
    archive: TestArchive, population: Population, tmp_path: Path
) -> None:
    ds = pydicom.dcmread(population.dicom / "P01" / "ST1" / "SE8" / "IM0001")
    asked = keys(
        QueryRetrieveLevel="SERIES", StudyInstanceUID=ds.StudyInstanceUID, SeriesInstanceUID=ds.SeriesInstanceUID
    )
    port = ("--port", str(MOVE_PORT), "-od", str(tmp_path))
    assert dcmtk("movescu", archive, "-S", "-aet", "MOVER", "-aem", "MOVER", *port, *asked).returncode == 0
    assert len(list(tmp_path.iterdir())) == 1
    assert dcmtk("movescu", archive, "-S", "-aem", "STRANGER", *asked).returncode != 0


@pytest.mark.needs("dcmtk")
def test_storescu_adds_what_is_then_found_also_after_a_restart(population: Population, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    file = population.dicom / "P02" / "ST1" / "SE2" / "IM0004"
    for attempt in range(2):
        with TestArchive([tmp_path / "empty"], workdir=tmp_path / "work") as archive:
            if attempt == 0:
                assert dcmtk("storescu", archive, tail=(str(file),)).returncode == 0
            found = httpx.get(f"{archive.dicomweb_url}/instances").json()
            assert [i["00080018"]["Value"][0] for i in found] == [str(pydicom.dcmread(file).SOPInstanceUID)]


def test_qido_answers_by_keyword_and_by_tag_and_pages(archive: TestArchive, population: Population) -> None:
    url = archive.dicomweb_url
    both = httpx.get(f"{url}/studies").json()
    assert len(both) == 2
    assert both[0]["00201208"]["Value"][0] + both[1]["00201208"]["Value"][0] == population.files
    first, second = (httpx.get(f"{url}/studies", params={"limit": 1, "offset": k}).json() for k in (0, 1))
    assert first + second == both
    assert httpx.get(f"{url}/studies", params={"limit": 1, "offset": 2}).status_code == 204
    uid = study_uid(population)
    for name in ("StudyInstanceUID", "0020000D"):
        assert [s["0020000D"]["Value"] for s in httpx.get(f"{url}/studies", params={name: uid}).json()] == [[uid]]
    series = httpx.get(f"{url}/studies/{uid}/series", params={"Modality": "CT"}).json()
    assert {s["00200011"]["Value"][0] for s in series} >= {1, 2}
    assert httpx.get(f"{url}/studies", params={"Nonsense": "1"}).status_code == 400


def parts(reply: httpx.Response) -> list[bytes]:
    boundary = reply.headers["content-type"].rpartition("boundary=")[2]
    pieces = reply.content.split(f"\r\n--{boundary}".encode())
    return [piece.partition(b"\r\n\r\n")[2] for piece in pieces[1:-1]]


def test_wado_gives_each_file_byte_for_byte(archive: TestArchive, population: Population) -> None:
    uid = study_uid(population, "P02")
    reply = httpx.get(f"{archive.dicomweb_url}/studies/{uid}", headers=AS_STORED, timeout=60)
    assert sorted(parts(reply)) == sorted(f.read_bytes() for f in (population.dicom / "P02").rglob("IM*"))
    nothing = httpx.get(f"{archive.dicomweb_url}/studies/1.2.3", headers=AS_STORED)
    other = httpx.get(f"{archive.dicomweb_url}/studies/{uid}", headers={"Accept": "image/jpeg"})
    assert (nothing.status_code, other.status_code) == (404, 406)


def test_metadata_has_the_headers_without_pixels(archive: TestArchive, population: Population) -> None:
    headers = httpx.get(f"{archive.dicomweb_url}/studies/{study_uid(population)}/metadata", timeout=60).json()
    assert len(headers) == len(list((population.dicom / "P01").rglob("IM*")))
    assert all("7FE00010" not in header and header["00100020"]["Value"] for header in headers)


def test_files_that_cannot_be_served_are_left_out_with_a_reason(population: Population, tmp_path: Path) -> None:
    good = (population.dicom / "P01" / "ST1" / "SE2" / "IM0002").read_bytes()
    folder = tmp_path / "in"
    folder.mkdir()
    ds = pydicom.dcmread(population.dicom / "P01" / "ST1" / "SE8" / "IM0001")
    del ds.StudyInstanceUID
    ds.save_as(folder / "5-nostudy")
    for name, content in {
        "0-good": good, "1-twice": good, "2-half": good[: len(good) // 2], "3-short": good[:900],
        "4-notes.txt": b"hello", "6-empty": b"",
    }.items():  # fmt: skip
        (folder / name).write_bytes(content)
    with TestArchive([folder], workdir=tmp_path / "work") as archive:
        assert archive.ingest.instances == 1
        reasons = {left.path.name: left.reason for left in archive.ingest.left_out}
    assert reasons == {
        "1-twice": "another file has the same SOP instance UID", "2-half": "truncated", "3-short": "truncated",
        "4-notes.txt": "not DICOM", "5-nostudy": "no StudyInstanceUID", "6-empty": "empty file",
    }  # fmt: skip


def test_a_folder_that_is_not_there_is_named_by_its_number(tmp_path: Path) -> None:
    with pytest.raises(FolderAbsent, match="archive folder 1"), TestArchive([tmp_path / "no"], workdir=tmp_path):
        pass


def test_faults_happen_as_asked(population: Population, tmp_path: Path) -> None:
    uid = study_uid(population)
    whole = len(list((population.dicom / "P01").rglob("IM*")))
    with TestArchive([population.dicom], workdir=tmp_path, faults=Faults(send_fewer=2)) as archive:
        assert len(parts(httpx.get(f"{archive.dicomweb_url}/studies/{uid}", headers=AS_STORED))) == whole - 2
    cut = TestArchive([population.dicom], workdir=tmp_path, faults=Faults(stop_after=3))
    with cut, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{cut.dicomweb_url}/studies/{uid}", headers=AS_STORED)
    with TestArchive([population.dicom], workdir=tmp_path, faults=Faults(unavailable=True)) as archive:
        assert httpx.get(f"{archive.dicomweb_url}/studies").status_code == 503
    assert Faults(delay_s=1e9).delay_s <= 2


@pytest.mark.needs("dcmtk")
def test_a_refused_association_is_refused(population: Population, tmp_path: Path) -> None:
    with TestArchive([population.dicom], workdir=tmp_path, faults=Faults(refuse_association=True)) as archive:
        said = dcmtk("echoscu", archive)
    assert said.returncode != 0
    assert "Rejected" in said.stderr


HOLD = """
import sys
from pathlib import Path
from voxpop.demo.archive import TestArchive
if __name__ == "__main__":
    with TestArchive([Path(sys.argv[1])], workdir=Path(sys.argv[2])) as archive:
        print(archive.pid, flush=True)
        sys.stdin.read()
"""


def test_the_archive_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "hold.py"
    script.write_text(HOLD)
    (tmp_path / "empty").mkdir()
    command = [sys.executable, str(script), str(tmp_path / "empty"), str(tmp_path / "work")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        os.kill(parent.pid, signal.SIGKILL)
        psutil.wait_procs([child], timeout=10)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_the_archive_leaves_no_child_behind(tmp_path: Path) -> None:
    with TestArchive([tmp_path], workdir=tmp_path / "work") as archive:
        assert archive.pid in {child.pid for child in multiprocessing.active_children()}
        pid = archive.pid
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize(
    ("keyword", "asked", "held", "fits"),
    [
        ("PatientID", "hc1*", "HC12", True),
        ("PatientID", "HC?", "HC12", False),
        ("StudyDate", "20200101-", "20200101", True),
        ("StudyDate", "-20191231", "20200101", False),
        ("StudyDate", "20200101", "20200102", False),
        ("StudyInstanceUID", "1.2\\1.3", "1.3", True),
        ("StudyInstanceUID", "1.2,1.3", "1.3", True),
        ("SeriesNumber", "2", 2, True),
        ("AccessionNumber", "[a]", "[a]", True),
        ("StudyDescription", "*", None, True),
        ("StudyDescription", "TC", None, False),
    ],
)
def test_a_key_matches_as_the_standard_says(keyword: str, asked: str, held: object, fits: bool) -> None:
    assert matches(keyword, asked, held) is fits
