"""The client: what it tries again, what it never sends in the clear, and how it says no."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from voxpop.client import Bank, BankUnreachable, OperationFailed
from voxpop.client.errors import AddressUnsafe, AnswerUnreadable, TooSlow
from voxpop.kernel.errors import Absent, Invalid, Refused, Unavailable, VoxpopError

HERE = "http://127.0.0.1:9"
OPERATION = {
    "operation": "stage-x-1", "work": "stage", "subject": "application:x", "state": "waiting", "sentence": "",
    "asked_at": "2026-01-01T00:00:00+00:00", "begun_at": None, "ended_at": None,
}  # fmt: skip
RUN = {
    "run": "x-r1", "application": "x", "appliance": "x-a1", "volume": "x-v1", "pipeline": "p/1", "repeats": None,
    "pipeline_sha256": "0" * 64, "state": "cancelled", "created_at": "2026-01-01T00:00:00+00:00",
}  # fmt: skip


class Server:
    """Answers requests from a list, the last one again and again."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.slept: list[float] = []

    def bank(self) -> Bank:
        return Bank(HERE, "vxp_secret", httpx.MockTransport(self._answer), self.slept.append)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def problem(status: int, code: str = "no", **headers: str) -> httpx.Response:
    body = {"type": f"urn:voxpop:{code}", "title": "no, because of it", "status": status, "code": code}
    return httpx.Response(status, json=body, headers=headers)


def page(*names: str, cursor: str | None = None) -> httpx.Response:
    items = [{"application": name, "state": "draft", "title": name} for name in names]
    return httpx.Response(200, json={"items": items, "next": cursor})


@pytest.mark.parametrize("url", ["http://bank.example.org", "ftp://127.0.0.1", "127.0.0.1", "http://10.0.0.1", ""])
def test_a_token_never_travels_in_the_clear(url: str) -> None:
    with pytest.raises(AddressUnsafe):
        Bank(url, "vxp_secret")


@pytest.mark.parametrize(
    "url", ["https://bank.example.org", "http://127.0.0.1:8321/", "http://localhost", "http://[::1]:1"]
)
def test_tls_or_this_machine_is_good_enough(url: str) -> None:
    Bank(url, "vxp_secret").close()


def test_the_token_stands_in_the_header_alone() -> None:
    server = Server(page("a"))
    list(server.bank().applications.every())
    assert server.asked[0].headers["authorization"] == "Bearer vxp_secret"
    assert "secret" not in str(server.asked[0].url)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Invalid), (401, Refused), (403, Refused), (404, Absent), (409, Refused), (412, Refused), (422, Invalid),
     (429, Unavailable), (500, Unavailable), (503, Unavailable)],
)  # fmt: skip
def test_an_answer_is_raised_as_the_kind_that_it_was(status: int, kind: type[VoxpopError]) -> None:
    server = Server(problem(status, "some-code"))
    with pytest.raises(kind) as raised:
        server.bank().me()
    assert (raised.value.code, raised.value.sentence) == ("some-code", "no, because of it")


@pytest.mark.parametrize("answer", [httpx.Response(502, text="<html>"), httpx.Response(200, json={"no": "bank"})])
def test_what_is_no_bank_is_told_so(answer: httpx.Response) -> None:
    with pytest.raises(AnswerUnreadable):
        Server(answer).bank().me()


def test_a_list_is_read_part_by_part_as_it_is_wanted() -> None:
    server = Server(page("a", "b", cursor="more"), page("c"))
    names = server.bank().applications.every()
    assert [next(names).application, next(names).application] == ["a", "b"]
    assert len(server.asked) == 1
    assert [one.application for one in names] == ["c"]
    assert server.asked[1].url.params["cursor"] == "more"


def test_what_may_pass_is_tried_again_as_long_as_it_was_told_to_wait() -> None:
    server = Server(problem(503), problem(429, **{"retry-after": "7"}), httpx.ConnectError("no"), page("a"))
    assert [one.application for one in server.bank().applications.every()] == ["a"]
    assert server.slept == [0.5, 7.0, 2.0]


def test_a_change_is_sent_again_under_the_same_key() -> None:
    server = Server(problem(503), problem(409, "idempotency-key-busy"), httpx.Response(200, json=RUN))
    assert server.bank().runs.cancel("x-r1", "no").run == "x-r1"
    keys = {request.headers["idempotency-key"] for request in server.asked}
    assert (len(server.asked), len(keys)) == (3, 1)


def test_two_changes_have_two_keys() -> None:
    server = Server(httpx.Response(200, json=RUN))
    bank = server.bank()
    bank.runs.cancel("x-r1", "no")
    bank.runs.cancel("x-r1", "no")
    assert len({request.headers["idempotency-key"] for request in server.asked}) == 2


@pytest.mark.parametrize("call", [lambda bank: bank.tokens.revoke("t"), lambda bank: bank.groups.keep("g", "", [])])
def test_what_has_no_key_is_sent_once(call: Callable[[Bank], object]) -> None:
    server = Server(problem(503))
    with pytest.raises(Unavailable):
        call(server.bank())
    assert len(server.asked) == 1


def test_a_bank_that_stays_away_is_named_by_its_address_alone() -> None:
    server = Server(httpx.ConnectError("vxp_secret"))
    with pytest.raises(BankUnreachable, match=r"127\.0\.0\.1:9 did not answer") as raised:
        server.bank().me()
    assert "secret" not in raised.value.sentence
    assert len(server.asked) == 4


def test_work_is_waited_for_to_its_end() -> None:
    going = httpx.Response(200, json={**OPERATION, "state": "working"})
    server = Server(
        httpx.Response(202, json=OPERATION), going, httpx.Response(200, json={**OPERATION, "state": "done"})
    )
    bank = server.bank()
    assert bank.wait(bank.applications.stage("x")).state == "done"
    assert [request.url.path for request in server.asked[1:]] == ["/api/v1/operations/stage-x-1"] * 2


def test_work_that_failed_says_why() -> None:
    failed = {**OPERATION, "state": "failed", "sentence": "the archive is away"}
    bank = Server(httpx.Response(202, json=OPERATION), httpx.Response(200, json=failed)).bank()
    with pytest.raises(OperationFailed, match="the archive is away"):
        bank.wait(bank.applications.stage("x"))


def test_work_that_takes_too_long_is_given_up() -> None:
    bank = Server(httpx.Response(202, json=OPERATION)).bank()
    with pytest.raises(TooSlow):
        bank.wait(bank.applications.stage("x"), at_most_s=5)


def test_an_id_cannot_lead_to_another_path() -> None:
    server = Server(problem(404))
    for name in ("../users", "..", "a?b=c", ""):
        with pytest.raises(Absent):
            server.bank().volumes.get(name)
    assert {request.url.raw_path.decode() for request in server.asked} == {
        "/api/v1/volumes/..%2Fusers", "/api/v1/volumes/%2E%2E", "/api/v1/volumes/a%3Fb%3Dc", "/api/v1/volumes/%00",
    }  # fmt: skip


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "report.pdf"
    Server(httpx.Response(200, content=b"%PDF")).bank().results.report("x-r1", target)
    assert target.read_bytes() == b"%PDF"
    with pytest.raises(Absent):
        Server(problem(404)).bank().results.report("x-r1", tmp_path / "none.pdf")
    assert [path.name for path in tmp_path.iterdir()] == ["report.pdf"]


def test_a_redirect_is_not_followed() -> None:
    server = Server(httpx.Response(302, headers={"location": "https://evil.example.org/"}))
    with pytest.raises(AnswerUnreadable):
        server.bank().me()
    assert len(server.asked) == 1


def test_a_document_is_replaced_under_its_etag() -> None:
    server = Server(httpx.Response(200, json={"application": "x", "state": "draft"}))
    server.bank().applications.rewrite("x", "name: x\n", '"abc"')
    sent = server.asked[0]
    assert (sent.method, sent.headers["if-match"], sent.content) == ("PUT", '"abc"', b"name: x\n")


def test_a_request_holds_what_was_chosen() -> None:
    server = Server(httpx.Response(202, json=OPERATION))
    server.bank().runs.start("x", None, {"threshold": 1.5})
    assert json.loads(server.asked[0].content) == {"pipeline": None, "parameters": {"threshold": 1.5}}
