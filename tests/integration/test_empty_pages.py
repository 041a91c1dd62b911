"""A list with nothing in it says in one sentence what to do."""

from pathlib import Path

import pytest
from tests.bank import PROJECT, RUN, VOLUME, Bank, bank_with_results, document, empty_bank

from voxpop.application.document import read_document
from voxpop.kernel.ids import ApplicationId

EMPTY = {
    ("ada", "/"): "Nothing waits for you: what needs you will be listed here.",
    ("olga", "/"): "no project that you may read yet: write an application, or ask an applicant",
    ("aurora", "/"): "no project that you may read yet: ask an applicant to add you",
    ("ada", "/applications"): "no application that you may read yet: write one",
    ("iker", "/applications"): "no application that you may read yet: ask an applicant to add you",
    ("ada", "/volumes"): "no volume that you may see yet: one is staged once an application is approved",
    ("ada", "/appliances"): "no appliance that you may see yet: one is deployed once a volume is sealed",
    ("ada", "/runs"): "no run that you may see yet: start one from the page of an active project",
    ("ada", "/results"): "whose results you may read yet: follow your runs",
    ("mia", "/results"): "Nothing was asked to leave yet: ask on the page of a run",
    ("dolores", "/archives"): "No archive is connected yet: the data manager connects one",
    ("aurora", "/people"): "no group yet: a technical manager makes one",
    ("aurora", "/audit?action=no-such-thing"): "No event fits: search for less",
    ("ada", "/catalogue?q=no-such-thing"): "Nothing fits: search for less",
    ("ada", "/account"): "You have no token yet: make one",
    ("mia", "/account"): "You have no webhook yet: add the address",
}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return empty_bank(tmp_path_factory.mktemp("bank"))


@pytest.mark.parametrize(("person", "path"), EMPTY)
def test_an_empty_list_says_what_to_do(bank: Bank, person: str, path: str) -> None:
    answer = bank.client(person).get(path)
    assert answer.status_code == 200
    assert EMPTY[person, path] in answer.text


def test_a_draft_has_no_history_and_no_remark_and_says_how_they_begin(tmp_path: Path) -> None:
    bank = empty_bank(tmp_path)
    written = read_document(document("a-trial"), "application")
    bank.system.projects.draft(written, bank.system.access.get("ada"))
    page = bank.client("ada").get("/applications/a-trial").text
    assert "the history begins when the applicant hands the application in" in page
    assert "There is no remark yet: write the first one below." in page
    bank.system.applications.submit(ApplicationId("a-trial"), "Ada Example")
    bank.system.applications.remark(ApplicationId("a-trial"), "Ada Example", "look")
    page = bank.client("ada").get("/applications/a-trial").text
    assert "the history begins" not in page
    assert "There is no remark yet" not in page


def test_a_run_without_a_release_and_a_volume_without_a_study_say_so(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path)
    assert "Nothing of this run was asked to leave yet." in bank.client("ada").get(f"/results/{RUN}").text
    assert "No study is finished yet" in bank.client("dolores").get(f"/volumes/{VOLUME}").text
    assert bank.client("ada").get(f"/applications/{PROJECT}").status_code == 200
