"""What a form that is refused is answered with: its own page, which says why and has kept what was typed."""

import html
import re
from pathlib import Path

import pytest
from starlette.datastructures import FormData
from tests.bank import PASSWORD, PROJECT, RUN, VOLUME, Answer, Bank, bank_with_results, document

from voxpop.application.document import read_document
from voxpop.kernel.ids import ApplicationId
from voxpop.web.refill import refilled

TYPED = 'for <b>"all"</b> & me,\nin two lines'
DRAFT = ApplicationId("a-trial")


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    bank = bank_with_results(tmp_path_factory.mktemp("bank"))
    bank.system.projects.draft(read_document(document(DRAFT), "application"), bank.system.access.get("ada"))
    bank.system.applications.submit(DRAFT, "Ada Example")
    bank.system.applications.take_up(DRAFT, "Carmen Example")
    return bank


def says(answer: Answer, status: int, sentence: str) -> bool:
    """Say whether a page tells by its status, its title and an alert that has the focus that something is wrong."""
    alert = re.search(r'<div role="alert" tabindex="-1" autofocus>(.*?)</div>', answer.text, re.DOTALL)
    assert alert is not None, answer.text[:2000]
    return answer.status == status and "<title>Not done: " in answer.text and sentence in html.unescape(alert.group(1))


def area(text: str, name: str) -> str:
    """Return what a text area of a page holds, as a browser reads it."""
    found = re.search(rf'<textarea id="{name}"[^>]*>\n?(.*?)</textarea>', text, re.DOTALL)
    assert found is not None
    return html.unescape(found.group(1))


def value(text: str, name: str) -> str:
    """Return what a field of a page holds."""
    found = re.search(rf'<input id="{name}"[^>]* value="([^"]*)"', text)
    return html.unescape(found.group(1)) if found else ""


def test_a_decision_that_is_refused_keeps_its_words_and_its_choice(bank: Bank) -> None:
    carmen = bank.client("carmen")
    answer = bank.post(carmen, f"/applications/{DRAFT}/decide", reason=TYPED)
    assert says(answer, 422, "Choose one of approve, return and refuse.")
    assert area(answer.text, "reason") == TYPED
    answer = bank.post(carmen, f"/applications/{DRAFT}/decide", decision="return", reason="")
    assert says(answer, 422, "reason")
    assert re.search(r'value="return" checked>', answer.text)
    assert not re.search(r'value="approve"[^>]* checked', answer.text)
    assert f'name="back" value="/applications/{DRAFT}"' in answer.text  # and not the form's own address


def test_what_was_typed_into_one_form_is_not_in_the_others_of_its_page(bank: Bank) -> None:
    answer = bank.post(bank.client("carmen"), f"/applications/{DRAFT}/decide", reason=TYPED)
    assert area(answer.text, "remark") == ""
    answer = bank.post(bank.client("ada"), f"/applications/{PROJECT}/members", who="nobody", role="member")
    assert says(answer, 404, "no account 'nobody'")
    assert value(answer.text, "f-who") == "nobody"
    assert '<option value="member" selected>' in answer.text
    answer = bank.post(bank.client("ada"), f"/applications/{PROJECT}/members", who="ada", role="applicant", leave="yes")
    assert says(answer, 409, "no applicant left")
    assert value(answer.text, "f-who") == ""


def test_a_user_a_group_and_a_grant_that_are_refused_keep_what_was_typed(bank: Bank) -> None:
    teo = bank.client("teo")
    answer = bank.post(teo, "/people", name="ada", person='A "B" <C>', email="x@y.org", roles=["researcher", "auditor"])
    assert says(answer, 409, "already an account")
    assert value(answer.text, "f-person") == 'A "B" <C>'
    made = answer.text[answer.text.index('action="/people"') :]
    assert re.findall(r'value="([a-z -]+)" checked', made) == ["researcher", "auditor"]
    answer = bank.post(teo, "/people/groups", group="readers", title="Who reads", members="ada nobody")
    assert says(answer, 404, "nobody")
    assert value(answer.text, "f-members") == "ada nobody"
    answer = bank.post(bank.client("dolores"), f"/volumes/{VOLUME}/grants", account="olga", until="soon")
    assert says(answer, 422, "year-month-day")
    assert value(answer.text, "f-account") == "olga"


def test_a_request_for_release_keeps_what_it_was_for_and_its_ticks(bank: Bank) -> None:
    ada = bank.client("ada")
    answer = bank.post(ada, f"/results/{RUN}/releases", purpose=TYPED)
    assert says(answer, 422, "at least one file")
    assert area(answer.text, "purpose") == TYPED
    answer = bank.post(ada, f"/results/{RUN}/releases", purpose="", path="outputs/group.json")
    assert says(answer, 422, "what")
    assert re.findall(r'name="path" value="([^"]+)" checked', answer.text) == ["outputs/group.json"]


def test_a_run_that_is_refused_keeps_its_parameters(bank: Bank) -> None:
    answer = bank.post(bank.client("ada"), f"/applications/{PROJECT}/run", p_most_slice_mm="thick")
    assert says(answer, 422, "most_slice_mm")
    assert value(answer.text, "p-most_slice_mm") == "thick"


def test_a_webhook_and_a_token_that_are_refused_keep_what_was_typed(bank: Bank) -> None:
    ada = bank.client("ada")
    answer = bank.post(ada, "/account/webhooks", url="https://example.org/x", actions="RUN!")
    assert says(answer, 422, "small letters")
    assert (value(answer.text, "f-url"), value(answer.text, "f-actions")) == ("https://example.org/x", "RUN!")
    answer = bank.post(ada, "/account/tokens", label="a laptop", scope="write", ends_on="never")
    assert says(answer, 422, "year-month-day")
    assert value(answer.text, "f-label") == "a laptop"
    assert '<option value="write" selected>' in answer.text


def test_an_application_that_is_refused_keeps_every_field(bank: Bank) -> None:
    ada = bank.client("ada")
    fields: dict[str, str | list[str]] = {
        "name": "No Name", "title": TYPED, "sex": ["F"], "group_name": ["", "cases", ""], "group_any": ["", "M81", ""],
        "group_who": ["listed", "unlisted", "listed"], "clinical_fields": [], "step": "keep",
    }  # fmt: skip
    answer = bank.post(ada, "/applications/new", **fields)
    assert says(answer, 422, "Not kept yet")
    assert (value(answer.text, "f-name"), value(answer.text, "f-title")) == ("No Name", TYPED)
    assert (value(answer.text, "g-name-1"), value(answer.text, "g-name-2")) == ("", "cases")
    assert re.findall(r'name="sex" value="(.)" checked', answer.text) == ["F"]
    assert '<option value="unlisted" selected>' in answer.text
    assert not re.search(r'name="clinical_fields" value="\w+" checked', answer.text)
    answer = bank.post(ada, "/applications/new", **{"as": "document", "document": "name: [", "step": "keep"})
    assert says(answer, 422, "Not kept yet")
    assert area(answer.text, "document") == "name: ["


def test_no_password_and_no_code_is_ever_sent_back(bank: Bank) -> None:
    ada = bank.client("ada")
    for path, fields in (
        ("/account/password", {"old": "a wrong secret 1", "new": "a wrong secret 2"}),
        ("/account/second-factor", {"old": PASSWORD, "code": "918273", "secret": _signed(ada.get("/account").text)}),
        ("/account/second-factor/off", {"old": "a wrong secret 3"}),
        ("/sign-in", {"name": "ada", "password": "a wrong secret 4", "code": "918273"}),
    ):
        answer = bank.post(ada, path, **fields)
        assert says(answer, answer.status, ""), path
        assert answer.status in (409, 422), path
        assert "a wrong secret" not in answer.text, path
        assert "918273" not in answer.text, path
        assert PASSWORD not in answer.text, path
    assert value(answer.text, "name") == "ada"


def test_a_code_that_is_mistyped_leaves_the_secret_that_the_app_has_read(bank: Bank) -> None:
    ada = bank.client("ada")
    page = ada.get("/account").text
    answer = bank.post(ada, "/account/second-factor", old=PASSWORD, code="000000", secret=_signed(page))
    assert says(answer, 422, "The code is not right")
    assert re.findall("<p><code>(.*?)</code>", page) == re.findall("<p><code>(.*?)</code>", answer.text)


def test_what_may_not_be_seen_is_not_shown_for_a_form_that_is_refused(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path)
    answer = bank.post(bank.client("olga"), f"/volumes/{VOLUME}/grants", account="olga")
    assert answer.status == 404
    assert "Who may open it" not in answer.text
    answer = bank.post(bank.client("ada"), f"/volumes/{VOLUME}/grants", account="olga")
    assert answer.status == 403
    assert "Who may open it" not in answer.text


def _signed(text: str) -> str:
    found = re.search('name="secret" value="([^"]+)"', text)
    assert found is not None
    return html.unescape(found.group(1))


def test_each_of_several_lists_of_one_name_keeps_its_own_choice() -> None:
    who = '<select name="who"><option value="a" selected>A</option><option value="b">B</option></select>'
    sent = FormData([("who", "b"), ("who", "a"), ("who", "b")])
    kept = refilled(f'<form action="/x">{who * 3}</form>', "/x", sent)
    assert re.findall(r'value="(.)" selected', kept) == ["b", "a", "b"]
    kept = refilled(f'<form action="/x">{who.replace("<select", "<select multiple")}</form>', "/x", sent)
    assert re.findall(r'value="(.)" selected', kept) == ["a", "b"]
