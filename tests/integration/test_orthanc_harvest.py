"""A real Orthanc harvested by both wires, over TLS too, and real DICOM fetched from it."""

import hashlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pydicom
import pytest
from tests.instances import planted_population
from tests.orthanc import Orthanc, orthanc

from voxpop.backends.archive import dicomweb, dimse, folder
from voxpop.backends.index.duckdb import open_index
from voxpop.cohort.fakes import MemoryCohorts, MemoryLedger
from voxpop.cohort.model import Criteria, GroupCriteria
from voxpop.cohort.service import CohortService
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.ids import ApplicationId
from voxpop.staging.model import SeriesRequest

pytestmark = pytest.mark.needs("orthanc")


@pytest.fixture
def pacs(tmp_path: Path) -> Iterator[Orthanc]:
    with orthanc(tmp_path / "orthanc") as server:
        yield server


def _dimse(server: Orthanc) -> dimse.DimseArchive:
    return dimse.open_archive(
        "pacs", {"host": server.host, "port": str(server.dicom_port), "aet": server.aet, "calling_aet": "VOXPOP"}
    )


def test_both_wires_bring_the_same_index(pacs: Orthanc, tmp_path: Path) -> None:
    (tmp_path / "planted").mkdir()
    pacs.upload(planted_population(tmp_path / "planted").files)
    archives = {"qido": dicomweb.open_archive("pacs", {"url": pacs.dicomweb_url}), "find": _dimse(pacs)}
    digests = set()
    for name, archive in archives.items():
        ledger = MemoryLedger()
        index = open_index(tmp_path / name)
        service = CohortService({"pacs": archive}, index, MemoryCohorts(ledger), ledger, SystemClock())
        harvest = service.harvest("pacs", "dora")
        assert (harvest.studies, harvest.series) == (3, 4)
        criteria = Criteria("CT", (GroupCriteria("n/a", unlisted=True),), study_until=date(2020, 2, 29))
        cohort = service.freeze(ApplicationId("trial"), criteria, "dora")
        assert (cohort.selected, cohort.not_selected) == (2, 1)
        digests.add((index.digest(), cohort.list_digest))
    assert len(digests) == 1


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["ct-thorax-ge-jpegls", "ct-head-ge-tilt", "ct-head-philips"])
def test_real_series_come_back_with_the_pixels_that_were_stored(
    name: str, pacs: Orthanc, shared_data: Path, tmp_path: Path
) -> None:
    files = [path for path in (shared_data / name).rglob("*") if path.is_file()]
    pacs.upload(files)
    disk = folder.open_archive("pacs", {"path": str(shared_data / name)})
    web, get = dicomweb.open_archive("pacs", {"url": pacs.dicomweb_url}), _dimse(pacs)
    for study in disk.studies():
        for one in study.series:
            request = SeriesRequest(study.uid, one.uid, one.instances)
            kept = []
            for way, archive in (("disk", disk), ("web", web), ("get", get)):
                archive.retrieve(request, tmp_path / way / one.uid)
                kept.append(_pixels(tmp_path / way / one.uid))
            assert kept[0] == kept[1] == kept[2]


def _pixels(series: Path) -> list[tuple[str, str, str]]:
    """Return transfer syntax, UID and digest of the pixels of each file, in the order of their names."""
    read = [pydicom.dcmread(path) for path in sorted(series.iterdir())]
    return [
        (one.file_meta.TransferSyntaxUID, one.SOPInstanceUID, hashlib.sha256(one.get("PixelData", b"")).hexdigest())
        for one in read
    ]
