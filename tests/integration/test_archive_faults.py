"""Archives as they are in the field: servers of our own that page wrongly, lie, stop and refuse."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined] # pynetdicom makes these names at import
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
)
from tests.instances import ROOT, instance

from voxpop.backends.archive import dicomweb, dimse, folder
from voxpop.backends.archive.dicomweb.multipart import BrokenMultipart, InstanceParts
from voxpop.dicom.archives import (
    ArchiveFailed,
    AssociationRefused,
    DiskFull,
    TransferIncomplete,
)
from voxpop.dicom.landing import Landing
from voxpop.kernel.ids import SeriesUID, StudyUID
from voxpop.staging.model import SeriesRequest

Answer = tuple[int, dict[str, str], bytes]
Reply = Callable[[str, dict[str, list[str]], dict[str, str]], Answer]
REQUEST = SeriesRequest(StudyUID(f"{ROOT}.1"), SeriesUID(f"{ROOT}.1.1"), 3)
MULTIPART = {"Content-Type": 'multipart/related; type="application/dicom"; boundary="b-1"'}
JSON = {"Content-Type": "application/dicom+json"}


@contextmanager
def _web(reply: Reply) -> Iterator[Any]:
    """Serve what ``reply`` answers to a path, its query and the request's headers; a body may stop half-way."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            status, headers, body = reply(url.path, parse_qs(url.query), dict(self.headers))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield dicomweb.open_archive("pacs", {"url": f"http://127.0.0.1:{server.server_port}/"})
        finally:
            server.shutdown()


def _study_json(number: int, **more: str) -> dict[str, Any]:
    values = {"0020000D": f"1.2.{number}", "00100020": f"P{number}", "00080020": "20200101"} | more
    return {tag: {"vr": "LO", "Value": [value]} for tag, value in values.items()}


def _series_json(number: int, **more: str) -> dict[str, Any]:
    return {
        tag: {"Value": [value]} for tag, value in ({"0020000E": f"1.2.{number}.1", "00080060": "CT"} | more).items()
    }


def _qido(studies: list[dict[str, Any]], page: Callable[[list[Any], int, int], list[Any]]) -> Reply:
    def reply(path: str, query: dict[str, list[str]], _: dict[str, str]) -> Answer:
        if path == "/studies":
            first, last = (query.get("StudyDate", ["00000000-99999999"])[0]).split("-")
            days = [one for one in studies if first <= one["00080020"]["Value"][0] <= last]
            rows = page(days, int(query["offset"][0]), int(query["limit"][0]))
        else:
            number = int(path.split("/")[2].split(".")[-1])
            rows = [_series_json(number)] if query["offset"] == ["0"] else []
        return 200, JSON, json.dumps(rows).encode()

    return reply


@pytest.mark.parametrize(
    "page",
    [
        lambda rows, offset, limit: rows[offset : offset + limit],
        lambda rows, offset, limit: rows[offset : offset + min(limit, 100)],
        lambda rows, offset, limit: rows,
        lambda rows, offset, limit: rows[:limit],
    ],
    ids=["right", "caps the page", "ignores limit and offset", "ignores the offset"],
)
def test_a_listing_is_complete_however_the_server_pages(page: Callable[..., list[Any]]) -> None:
    studies = [_study_json(n, **{"00080020": f"20{n % 20:02d}{n % 12 + 1:02d}{n % 28 + 1:02d}"}) for n in range(1, 701)]
    with _web(_qido(studies, page)) as archive:
        assert len({study.uid for study in archive.studies()}) == len(studies)


def test_a_server_that_gives_one_page_for_a_day_is_refused_not_believed() -> None:
    studies = [_study_json(number) for number in range(1, 701)]
    with (
        _web(_qido(studies, lambda rows, offset, limit: rows[:limit])) as archive,
        pytest.raises(ArchiveFailed, match="archive 'pacs' lists no more than one page of studies a day"),
    ):
        list(archive.studies())


def test_wrong_answers_are_counted_and_left_out() -> None:
    studies = [
        _study_json(1),
        _study_json(1),
        _study_json(2, **{"0020000D": ""}),
        _study_json(3, **{"00080020": "19990231"}),
        _study_json(4, **{"0020000D": "../no uid"}),
    ]
    series = [
        _series_json(1), _series_json(1), _series_json(1, **{"0020000E": ""}), _series_json(4, **{"0020000D": "1.2.9"}),
        {"0020000E": {"Value": ["1.2.1.5"]}, "00201209": {"Value": ["many"]}, "00200011": {"Value": [{}]}},
    ]  # fmt: skip

    def reply(path: str, query: dict[str, list[str]], _: dict[str, str]) -> Answer:
        rows = studies if path == "/studies" else series if path == "/studies/1.2.1/series" else []
        return 200, JSON, json.dumps(rows if query["offset"] == ["0"] else []).encode()

    with _web(reply) as archive:
        listed = list(archive.studies())
        assert [study.uid for study in listed] == ["1.2.1", "1.2.3", "../no uid"]
        assert listed[2].series == ()
        assert [one.uid for one in listed[0].series] == ["1.2.1.1", "1.2.1.5"]
        assert listed[0].series[0].instances is None
        assert archive.odd == {
            "study without a UID": 1,
            "study whose UID is none": 1,
            "study listed twice": 1,
            "date that is none": 1,
            "series listed twice": 1,
            "series without a UID": 1,
            "series of another study": 1,
            "series without a count of instances": 3,
            "number that is none": 1,
        }


def test_answers_in_latin_1_are_read_though_json_is_utf_8() -> None:
    def reply(path: str, query: dict[str, list[str]], _: dict[str, str]) -> Answer:
        rows = [_study_json(1, **{"00081030": "größer"})] if path == "/studies" and query["offset"] == ["0"] else []
        return 200, JSON, json.dumps(rows, ensure_ascii=False).encode("latin-1")

    with _web(reply) as archive:
        assert [study.description for study in archive.studies()] == ["größer"]


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        ((503, {}, b"Name of a patient"), ArchiveFailed, "archive 'pacs' answers with HTTP status 503: try again"),
        ((401, {}, b""), AssociationRefused, "archive 'pacs' refuses our user, password or token: ask its manager"),
        ((200, {}, b"<html>login</html>"), ArchiveFailed, "archive 'pacs' answered a query with something that is no"),
        ((200, JSON, b'{"error": 1}'), ArchiveFailed, "archive 'pacs' answered a query with something that is no"),
        ((302, {"Location": "http://elsewhere/"}, b""), ArchiveFailed, "archive 'pacs' answers with HTTP status 302"),
    ],
)
def test_an_error_of_the_server_is_one_sentence_without_its_words(
    answer: Answer, error: type[Exception], sentence: str
) -> None:
    with _web(lambda *_: answer) as archive:
        for ask in (archive.echo, lambda: list(archive.studies())):
            with pytest.raises(error) as caught:
                ask()
            assert str(caught.value).startswith(sentence)


def test_credentials_come_from_files(tmp_path: Path) -> None:
    seen: list[str] = []

    def reply(path: str, query: dict[str, list[str]], headers: dict[str, str]) -> Answer:
        seen.append(headers.get("Authorization", ""))
        return 200, JSON, b"[]"

    (tmp_path / "secret").write_text("s3cret\n")
    with _web(reply) as archive:
        url = str(archive._wire._client.base_url)
        dicomweb.open_archive("x", {"url": url, "token_file": str(tmp_path / "secret")}).echo()
        dicomweb.open_archive("x", {"url": url, "user": "u", "password_file": str(tmp_path / "secret")}).echo()
    assert seen == ["Bearer s3cret", "Basic dTpzM2NyZXQ="]


def _file(number: int, study: int = 1) -> bytes:
    content = BytesIO()
    instance(study, 1, number).save_as(content, enforce_file_format=True)
    return content.getvalue()


def _cut_deflated(number: int) -> bytes:
    deflated = instance(1, 1, number)
    deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    content = BytesIO()
    deflated.save_as(content, enforce_file_format=True)
    return content.getvalue()[:-200]


def _body(parts: list[bytes], head: bytes = b"Content-Type: application/dicom\r\n", end: bytes = b"--\r\n") -> bytes:
    return b"".join(b"\r\n--b-1\r\n" + head + b"\r\n" + part for part in parts) + b"\r\n--b-1" + end


WHOLE = [_file(1), _file(2), _file(3)]
CUT_DEFLATED = [_cut_deflated(1), _cut_deflated(2), _cut_deflated(3)]


@pytest.mark.parametrize(
    "answer",
    [
        (200, MULTIPART, _body(WHOLE)),
        (200, MULTIPART, b"preamble" + _body(WHOLE) + b"epilogue"),
        (206, MULTIPART, _body([_file(3), _file(1), _file(2)], b"")),
        (200, MULTIPART, _body([*WHOLE, _file(2), _file(1, study=2)])),
        (200, MULTIPART, _body([file[132:] for file in WHOLE])),
        (200, MULTIPART | {"Content-Encoding": "gzip"}, gzip.compress(_body(WHOLE))),
        (200, {"Content-Type": "Multipart/Related; boundary=b-1;type=application/dicom"}, _body(WHOLE)),
    ],
    ids=["plain", "preamble and epilogue", "other order", "doubles and strangers", "no preamble", "gzip", "bare words"],
)  # fmt: skip
def test_a_series_is_read_from_every_kind_of_reply(answer: Answer, tmp_path: Path) -> None:
    with _web(lambda *_: answer) as archive:
        assert archive.retrieve(REQUEST, tmp_path / "series") == 3
    numbers = [pydicom.dcmread(path).InstanceNumber for path in sorted((tmp_path / "series").iterdir())]
    assert numbers == [1, 2, 3]


def test_a_data_set_without_file_meta_gets_one_and_keeps_its_bytes(tmp_path: Path) -> None:
    file = _file(1)
    bare = file[132 + 12 + int.from_bytes(file[140:144], "little") :]
    one = SeriesRequest(REQUEST.study, REQUEST.series, 1)
    with _web(lambda *_: (200, MULTIPART, _body([bare]))) as archive:
        archive.retrieve(one, tmp_path / "series")
    written = (tmp_path / "series" / "0001.dcm").read_bytes()
    assert written.endswith(bare)
    assert pydicom.dcmread(BytesIO(written)).pixel_array.shape == (32, 32)


def test_a_single_part_reply_is_one_instance(tmp_path: Path) -> None:
    one = SeriesRequest(REQUEST.study, REQUEST.series, 1)
    with _web(lambda *_: (200, {"Content-Type": "application/dicom"}, _file(1))) as archive:
        assert archive.retrieve(one, tmp_path / "series") == 1


def test_pixels_that_look_like_the_delimiter_do_no_harm_where_lengths_are_told(tmp_path: Path) -> None:
    image = instance(1, 1, 1, PixelData=b"\r\n--b-1\r\n".ljust(2048, b"\0"))
    content = BytesIO()
    image.save_as(content, enforce_file_format=True)
    file = content.getvalue()
    body = _body([file], b"Content-Length: %d\r\n" % len(file))
    with _web(lambda *_: (200, MULTIPART, body)) as archive:
        archive.retrieve(SeriesRequest(REQUEST.study, REQUEST.series, 1), tmp_path / "series")
    assert (tmp_path / "series" / "0001.dcm").read_bytes() == file


def test_a_server_that_knows_no_transfer_syntax_wildcard_is_asked_without(tmp_path: Path) -> None:
    def reply(path: str, query: dict[str, list[str]], headers: dict[str, str]) -> Answer:
        return (406, {}, b"") if "transfer-syntax" in headers["Accept"] else (200, MULTIPART, _body(WHOLE))

    with _web(reply) as archive:
        assert archive.retrieve(REQUEST, tmp_path / "series") == 3


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((200, MULTIPART, _body(WHOLE[:2])), "archive 'pacs' sent 2 of 3 instances of a series: try again"),
        ((200, MULTIPART, _body([])), "archive 'pacs' sent 0 of 3 instances of a series: try again"),
        ((404, {}, b""), "archive 'pacs' sent 0 of 3 instances of a series: try again"),
        ((204, {}, b""), "archive 'pacs' answered a retrieval with something that is no DICOM"),
        ((200, MULTIPART, _body(WHOLE)[:-700]), "archive 'pacs' sent 2 of 3 instances of a series: try again"),
        ((200, MULTIPART | {"Content-Length": "999999"}, _body(WHOLE, end=b"")), "archive 'pacs' sent"),
        ((200, {"Content-Type": "multipart/related"}, _body(WHOLE)), "archive 'pacs' sent 0 of 3 instances"),
        ((200, MULTIPART, _body([b"<html>", b"x", b"y"])), "archive 'pacs' sent something that is no DICOM"),
        ((200, MULTIPART, _body([_file(1)[:300], b"x", b"y"])), "archive 'pacs' sent something that is no DICOM"),
        (
            (200, MULTIPART, _body(CUT_DEFLATED)),
            "archive 'pacs' sent something that is no DICOM",
        ),
        ((200, {"Content-Type": "text/html"}, b"login"), "archive 'pacs' answered a retrieval with something that"),
        ((500, {}, b"1.2.3"), "archive 'pacs' answers with HTTP status 500"),
    ],
)
def test_a_transfer_that_is_not_whole_leaves_nothing(answer: Answer, sentence: str, tmp_path: Path) -> None:
    with _web(lambda *_: answer) as archive, pytest.raises((TransferIncomplete, ArchiveFailed)) as caught:
        archive.retrieve(REQUEST, tmp_path / "series")
    assert str(caught.value).startswith(sentence)
    assert ROOT not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_to_be_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(self: Landing) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Landing, "next_part", full)
    with (
        _web(lambda *_: (200, MULTIPART, _body(WHOLE))) as archive,
        pytest.raises(DiskFull, match="is full: make room"),
    ):
        archive.retrieve(REQUEST, tmp_path / "series")
    assert list(tmp_path.iterdir()) == []


@given(
    parts=st.lists(st.binary(max_size=60) | st.sampled_from([b"\r\n", b"--b-1", b"\r\n--b", b"\n--b-1--"]), max_size=5),
    cuts=st.lists(st.integers(0, 400), max_size=20),
    told=st.booleans(),
)
def test_a_body_is_read_alike_however_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], cuts: list[int], told: bool
) -> None:
    parts = [part for part in parts if b"\r\n--b-1" not in part]
    landing = Landing("pacs", REQUEST.series, None, tmp_path_factory.mktemp("cut") / "series")
    landing.folder.mkdir()
    head = (lambda part: b"content-length: %d\r\n" % len(part)) if told else (lambda part: b"")
    body = b"".join(b"--b-1\r\n" + head(part) + b"\r\n" + part + b"\r\n" for part in parts) + b"--b-1--"
    reader = InstanceParts(b"b-1", landing)
    edges = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    for start, stop in pairwise(edges):
        reader.feed(body[start:stop])
    reader.end()
    assert [path.read_bytes() for path in sorted(landing.folder.iterdir())] == parts


def test_a_body_that_ends_early_is_broken(tmp_path: Path) -> None:
    landing = Landing("pacs", REQUEST.series, None, tmp_path / "series")
    landing.folder.mkdir()
    reader = InstanceParts(b"b-1", landing)
    reader.feed(_body(WHOLE, end=b"-"))
    with pytest.raises(BrokenMultipart):
        reader.end()


@contextmanager
def _peer(handlers: list[Any], models: list[Any]) -> Iterator[Any]:
    entity = AE("FAULTY")
    entity.require_calling_aet = ["VOXPOP"]
    for model in models:
        entity.add_supported_context(model)
    entity.add_supported_context(CTImageStorage, scu_role=True, scp_role=True)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    assert server is not None
    port = str(server.server_address[1])
    try:
        yield lambda **more: dimse.open_archive(
            "pacs", {"host": "127.0.0.1", "port": port, "aet": "FAULTY", "timeout": "5", **more}
        )
    finally:
        server.shutdown()


GET, FIND = StudyRootQueryRetrieveInformationModelGet, StudyRootQueryRetrieveInformationModelFind


def test_an_archive_that_rejects_our_title_is_said_to_refuse_us(tmp_path: Path) -> None:
    with _peer([], [GET, FIND]) as peer:
        for ask in (
            peer(calling_aet="STRANGER").echo,
            lambda: list(peer(calling_aet="STRANGER").studies()),
            lambda: peer(calling_aet="STRANGER").retrieve(REQUEST, tmp_path / "series"),
        ):
            with pytest.raises(AssociationRefused, match="archive 'pacs' refuses the association: ask its manager"):
                ask()
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_offers_no_find_is_said_to_refuse_it() -> None:
    with _peer([], [GET]) as peer, pytest.raises(AssociationRefused, match="archive 'pacs' refuses C-FIND"):
        list(peer().studies())


@pytest.mark.parametrize("last", [0xA700, 0xC001, 0xFE00])
def test_a_query_that_fails_half_way_is_no_listing(last: int) -> None:
    def find(event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        answer = Dataset()
        answer.StudyInstanceUID = "1.2.3"
        yield 0xFF00, answer
        yield last, None

    with _peer([(evt.EVT_C_FIND, find)], [FIND]) as peer, pytest.raises(ArchiveFailed, match="stopped in the middle"):
        list(peer().studies())


def test_an_archive_that_aborts_in_mid_query_gives_no_listing() -> None:
    def find(event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        event.assoc.abort()
        yield 0xFF00, Dataset()

    with _peer([(evt.EVT_C_FIND, find)], [FIND]) as peer, pytest.raises(ArchiveFailed, match="archive 'pacs' stopped"):
        list(peer().studies())


def _get(send: int, *, count: int = 3, abort: bool = False, status: int | None = None) -> Any:
    def handle(event: evt.Event) -> Iterator[Any]:
        yield count
        for number in range(1, send + 1):
            yield 0xFF00, instance(1, 1, number)
        if abort:
            event.assoc.abort()
        if status is not None:
            yield status, Dataset()

    return (evt.EVT_C_GET, handle)


@pytest.mark.parametrize(
    ("handler", "sent"),
    [(_get(2), 2), (_get(2, abort=True), 2), (_get(3, count=4, status=0xA702), 3), (_get(0), 0)],
    ids=["counted three and sent two", "aborted after two", "sent all and then said it failed", "sent none"],
)
def test_a_get_that_does_not_end_well_leaves_nothing(handler: Any, sent: int, tmp_path: Path) -> None:
    with _peer([handler], [GET]) as peer, pytest.raises(TransferIncomplete) as caught:
        peer().retrieve(REQUEST, tmp_path / "series")
    assert str(caught.value).startswith(f"archive 'pacs' sent {sent} of 3 instances of a series")
    assert list(tmp_path.iterdir()) == []


def test_a_get_that_ends_well_is_whole(tmp_path: Path) -> None:
    with _peer([_get(3)], [GET]) as peer:
        assert peer().retrieve(REQUEST, tmp_path / "series") == 3


def test_a_folder_counts_what_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("a letter")
    (tmp_path / "empty").touch()
    whole = _file(1)
    (tmp_path / "whole").write_bytes(whole)
    (tmp_path / "again").write_bytes(whole)
    (tmp_path / "bare").write_bytes(_file(2)[132:])
    (tmp_path / "half").write_bytes(_file(3)[: len(whole) // 2])
    (tmp_path / "less").write_bytes(_file(3)[:200])
    nameless = BytesIO()
    image = instance(1, 1, 4)
    del image.SeriesInstanceUID
    image.save_as(nameless, enforce_file_format=True)
    (tmp_path / "nameless").write_bytes(nameless.getvalue())
    directory = Dataset()
    directory.FileSetID = "DISC"
    directory.file_meta = pydicom.dataset.FileMetaDataset()
    directory.file_meta.MediaStorageSOPClassUID = pydicom.uid.MediaStorageDirectoryStorage
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    directory.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    directory.save_as(tmp_path / "DICOMDIR", enforce_file_format=True)
    archive = folder.open_archive("disk", {"path": str(tmp_path)})
    (study,) = archive.studies()
    assert [one.instances for one in study.series] == [2]
    assert archive.odd == {
        "file that is no DICOM": 2,
        "instance that lies there twice": 1,
        "file that is cut off or damaged": 2,
        "object without study, series or instance UID": 1,
        "DICOMDIR": 1,
    }
    assert list(archive.studies()) == [study]
    assert sum(archive.odd.values()) == 7


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name", ["edge-cases", "ct-head-philips", "ct-head-ge-tilt", "mr-ge-siemens", "ct-thorax-ge-jpegls"]
)
def test_real_folders_are_listed_and_every_series_can_be_fetched(name: str, shared_data: Path, tmp_path: Path) -> None:
    archive = folder.open_archive("disk", {"path": str(shared_data / name)})
    studies = list(archive.studies())
    assert studies
    for study in studies:
        for one in study.series:
            request = SeriesRequest(study.uid, one.uid, one.instances)
            assert archive.retrieve(request, tmp_path / one.uid) == one.instances
