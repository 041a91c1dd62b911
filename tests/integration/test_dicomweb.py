"""DICOMweb over the objects of a volume: for programs as for browsers, and what is large is written bit by bit."""

import asyncio
import json
import os
import tracemalloc
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient
from starlette.types import Message
from tests.api import token
from tests.bank import PARTICIPANTS, VOLUME, Bank, bank_with_results
from tests.viewer_page import running
from tests.volume_objects import PIXELS, write_object

PARTICIPANT = PARTICIPANTS[0]
ROOT = f"/volumes/{VOLUME}/dicomweb/{PARTICIPANT}"
SERIES = f"{ROOT}/studies/1.2.1/series/1.2.2"
LARGE_BYTES = 48 * 1024 * 1024
MOST_BYTES = 8 * 1024 * 1024


def _place(folder: Path) -> None:
    """Put three small objects into a volume."""
    for number in (1, 2, 3):
        write_object(
            folder / "sourcedata" / PARTICIPANT / "ses-x" / "run-1" / f"0000{number}.dcm", frames=2, number=number
        )


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return bank_with_results(tmp_path_factory.mktemp("bank"), _place)


def _parts(content: bytes, content_type: str) -> list[bytes]:
    boundary = content_type.partition("boundary=")[2].encode()
    _, *parts, end = content.split(b"--" + boundary)
    assert end == b"--\r\n"
    return [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts]


def test_a_study_a_series_and_an_object_are_given_whole(bank: Bank) -> None:
    ask = bank.client("ada")
    files = sorted((bank.system.work.volumes / VOLUME / "sourcedata").rglob("*.dcm"))
    for path, number in ((f"{ROOT}/studies/1.2.1", 3), (SERIES, 3), (f"{SERIES}/instances/1.2.3.1", 1)):
        answer = ask.get(path)
        assert answer.headers["content-type"].startswith('multipart/related; type="application/dicom"; boundary=')
        assert _parts(answer.content, answer.headers["content-type"]) == [one.read_bytes() for one in files[:number]]
    assert ask.get(f"{ROOT}/studies/1.2.9").status_code == 404


def test_as_many_frames_are_given_as_are_asked_for(bank: Bank) -> None:
    numbers = [1, 2] * 75
    answer = bank.client("ada").get(f"{SERIES}/instances/1.2.3.1/frames/{','.join(map(str, numbers))}")
    parts = _parts(answer.content, answer.headers["content-type"])
    assert parts == [PIXELS[number - 1].tobytes() for number in numbers]
    assert bank.client("ada").get(f"{SERIES}/instances/1.2.3.1/frames/1,3").status_code == 404


@dataclass
class Sink:
    """Whoever asks over a wire, and keeps nothing of what comes but its size."""

    status: int = 0
    size: int = 0
    ended: bool = False
    _asked: bool = field(default=False)

    def ask(self, bank: Bank, path: str) -> int:
        """Ask as Ada; returns how much memory it took at once."""
        cookie = bank.client("ada").cookies["voxpop"]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
            "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
            "headers": [(b"host", b"127.0.0.1"), (b"cookie", f"voxpop={cookie}".encode())],
        }  # fmt: skip
        tracemalloc.start()
        try:
            asyncio.run(bank.app(scope, self._receive, self._send))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    async def _receive(self) -> Message:
        if self._asked:
            await asyncio.Event().wait()
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: Message) -> None:
        self.status = message.get("status", self.status)
        self.size += len(message.get("body", b""))
        self.ended = message["type"] == "http.response.body" and not message.get("more_body", False)


@pytest.mark.parametrize("path", [SERIES, f"{SERIES}/instances/1.2.3.1"])
def test_large_objects_are_never_held_whole(tmp_path: Path, path: str) -> None:
    def place(folder: Path) -> None:
        _place(folder)
        for file in folder.glob("sourcedata/**/*.dcm"):
            os.truncate(file, LARGE_BYTES)  # a hole behind what the object has

    bank, sink = bank_with_results(tmp_path, place), Sink()
    bank.client("ada").get(f"{SERIES}/instances")  # the heads are kept from here on
    most_bytes = sink.ask(bank, path)
    assert (sink.status, sink.ended) == (200, True)
    assert sink.size > LARGE_BYTES
    assert most_bytes < MOST_BYTES


def test_an_answer_that_cannot_go_on_is_broken_off(tmp_path: Path) -> None:
    def place(folder: Path) -> None:
        _place(folder)
        for file in folder.glob("sourcedata/**/*.dcm"):
            os.truncate(file, file.stat().st_size - 4)  # the second frame is not whole

    bank, sink = bank_with_results(tmp_path, place), Sink()
    assert bank.client("ada").get(f"{SERIES}/instances/1.2.3.1/frames/2").status_code == 409
    sink.ask(bank, f"{SERIES}/instances/1.2.3.1/frames/1,2")
    assert (sink.status, sink.ended) == (200, False)


def test_metadata_is_a_list_of_all_attributes(bank: Bank) -> None:
    for path in (f"{ROOT}/studies/1.2.1/metadata", f"{SERIES}/metadata"):
        answer = bank.client("ada").get(path)
        assert answer.headers["content-type"] == "application/dicom+json"
        assert [one["00080018"]["Value"] for one in json.loads(answer.content)] == [[f"1.2.3.{n}"] for n in (1, 2, 3)]


def _client(bank: Bank, address: str, name: str, scopes: Iterable[str]) -> DICOMwebClient:
    headers = {"authorization": f"Bearer {token(bank, name, scopes)}"}
    return DICOMwebClient(address + ROOT, headers=headers)


def test_a_program_reads_a_participant_by_its_token(bank: Bank) -> None:
    files = sorted((bank.system.work.volumes / VOLUME / "sourcedata").rglob("*.dcm"))
    with running(bank.app) as address:
        client = _client(bank, address, "ada", ["read"])
        (study,) = client.search_for_studies()
        uid = study["0020000D"]["Value"][0]
        (series,) = client.search_for_series(uid)
        uids = (uid, series["0020000E"]["Value"][0])
        assert len(client.search_for_instances(*uids)) == len(client.retrieve_series_metadata(*uids)) == len(files)
        assert list(client.iter_series(*uids)) == client.retrieve_study(uid) == [*map(pydicom.dcmread, files)]
        assert client.retrieve_instance(*uids, "1.2.3.2") == pydicom.dcmread(files[1])
        assert client.retrieve_instance_frames(*uids, "1.2.3.2", [2, 1]) == [PIXELS[1].tobytes(), PIXELS[0].tobytes()]


def test_a_look_of_a_program_is_written_down_once_a_day_for_each_token(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path, _place)

    def looks() -> list[tuple[str, object]]:
        links = bank.system.ledger.links(f"volume:{VOLUME}")
        return [(one.event.actor, one.event.facts) for one in links if one.event.action == "volume.viewed"]

    for name in ("ada", "mia"):
        headers = {"authorization": f"Bearer {token(bank, name, ['volume.open'])}"}
        for path in (f"{ROOT}/studies", f"{SERIES}/metadata", f"{SERIES}/instances/1.2.3.1/frames/1"):
            assert bank.client().get(path, headers=headers).status_code == 200
    assert looks() == [(person, {"participants": [PARTICIPANT]}) for person in ("Ada Example", "Mia Example")]
    bank.client("ada").get(f"{ROOT}/studies")  # a browser's look is written down where it opens the viewer
    assert len(looks()) == 2


def test_a_program_without_the_right_or_the_scope_gets_a_problem(bank: Bank) -> None:
    revoked = token(bank, "ada", ["read"])
    account = bank.system.access.get("ada")
    bank.system.entrance.revoke_token(account, bank.system.entrance.tokens(account)[0].id)
    expected = {
        "": (401, "sign-in-wanted"),
        f"Bearer {token(bank, 'ada', ['run.start'])}": (403, "out-of-scope"),
        f"Bearer {token(bank, 'aurora', ['write'])}": (403, "not-allowed"),
        f"Bearer {token(bank, 'olga', ['write'])}": (404, "subject-absent"),
        f"Bearer {revoked}": (401, "token-invalid"),
        "Basic YWRhOnBhc3N3b3Jk": (401, "sign-in-wanted"),
    }
    for sent, (status, code) in expected.items():
        for name in ("", "ada") if sent else ("",):  # a cookie adds nothing to what is brought
            answer = bank.client(name).get(f"{SERIES}/metadata", headers={"authorization": sent} if sent else {})
            assert answer.headers["content-type"] == "application/problem+json"
            assert (answer.status_code, answer.json()["code"]) == (status, code)
            assert ("www-authenticate" in answer.headers) == (status == 401)


def test_a_token_opens_no_page(bank: Bank) -> None:
    headers = {"authorization": f"Bearer {token(bank, 'ada')}"}
    for path in (f"/volumes/{VOLUME}", f"/volumes/{VOLUME}/ohif/{PARTICIPANT}"):
        assert bank.client().get(path, headers=headers).headers["location"].startswith("/sign-in")


def test_a_token_loses_the_objects_with_the_grant(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path, _place)
    headers = {"authorization": f"Bearer {token(bank, 'mia', ['read'])}"}
    assert bank.client().get(f"{ROOT}/studies", headers=headers).status_code == 200
    bank.system.volumes.revoke(VOLUME, "Mia Example", "tester")
    answer = bank.client().get(f"{ROOT}/studies", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "volume-not-granted")
