"""A recipe of a researcher's own: added, read, approved and withdrawn by pages, by the API and by commands."""

from base64 import b64encode
from pathlib import Path

import pytest
from tests.api import caller, remote
from tests.bank import Bank, empty_bank
from tests.own_recipe import own_folder

from voxpop.appliance.parcel import packed


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return empty_bank(tmp_path / "bank")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return own_folder(tmp_path)


def test_the_whole_way_by_the_api(bank: Bank, folder: Path) -> None:
    ada, teo = caller(bank, "ada"), caller(bank, "teo")
    sent = {"archive": b64encode(packed(folder)).decode()}
    added = ada.post("/recipes", json=sent)
    assert (added.status_code, added.json()["state"]) == (200, "added")
    assert caller(bank, "aurora").post("/recipes", json=sent).status_code == 403
    assert ada.post("/recipes/my-tool/1.0.0/approve", json={"reason": "mine"}).status_code == 403
    assert teo.post("/recipes/my-tool/1.0.0/approve", json={"reason": "read"}).json()["state"] == "approved"
    states = {one["recipe"]: one["state"] for one in ada.get("/recipes", params={"limit": 100}).json()["items"]}
    assert (states["my-tool"], states["octave"]) == ("approved", "ships")
    assert teo.post("/recipes/my-tool/1.0.0/withdraw", json={"reason": "old"}).json()["state"] == "withdrawn"
    assert teo.post("/recipes/my-tool/9.9.9/approve", json={"reason": "x"}).status_code == 404
    spoilt = ada.post("/recipes", json={"archive": b64encode(b"no archive").decode()})
    assert (spoilt.status_code, spoilt.json()["code"]) == (422, "recipe-archive-invalid")


def test_nobody_approves_what_they_added_by_the_api(bank: Bank, folder: Path) -> None:
    teo = caller(bank, "teo")
    assert teo.post("/recipes", json={"archive": b64encode(packed(folder)).decode()}).status_code == 200
    refused = teo.post("/recipes/my-tool/1.0.0/approve", json={"reason": "mine"})
    assert (refused.status_code, refused.json()["code"]) == (409, "recipe-of-ones-own")


def test_the_whole_way_by_pages(bank: Bank, folder: Path) -> None:
    ada, teo = bank.client("ada"), bank.client("teo")
    csrf = ada.headers["x-test-csrf"]
    file = {"archive": ("my-tool.zip", packed(folder), "application/zip")}
    assert ada.post("/catalogue/recipes", data={"csrf": csrf}, files=file).status_code == 303
    assert "my-tool 1.0.0" in ada.get("/catalogue").text
    assert ada.get("/catalogue/recipes/my-tool/1.0.0").status_code == 403
    assert "ansible.builtin.apt" in teo.get("/catalogue/recipes/my-tool/1.0.0").text
    assert bank.post(teo, "/catalogue/recipes/my-tool/1.0.0/approve", reason="read").status == 303
    assert 'value="my-tool"' in ada.get("/applications/new").text or "my-tool" in ada.get("/applications/new").text
    assert bank.post(teo, "/catalogue/recipes/my-tool/1.0.0/withdraw", reason="old").status == 303
    assert "my-tool" not in ada.get("/applications/new").text


def test_a_page_refuses_what_is_no_recipe_in_one_sentence(bank: Bank) -> None:
    ada = bank.client("ada")
    data = {"csrf": ada.headers["x-test-csrf"]}
    answer = ada.post("/catalogue/recipes", data=data, files={"archive": ("x.zip", b"no", "application/zip")})
    assert answer.status_code == 422
    assert "send its folder as a ZIP file, by a page of at most 1 MB" in answer.text
    assert "was not sent" in ada.post("/catalogue/recipes", data=data).text


def test_the_files_of_a_recipe_are_shown_as_text(bank: Bank, folder: Path) -> None:
    (folder / "files").mkdir()
    (folder / "files" / "x.txt").write_text("<script>alert(1)</script>")
    bank.system.recipe_book.add(folder, "Ada Example")
    page = bank.client("teo").get("/catalogue/recipes/my-tool/1.0.0").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_the_client_sends_and_decides(bank: Bank, folder: Path) -> None:
    assert remote(bank, "ada").catalogue.add_recipe(packed(folder)).state == "added"
    assert remote(bank, "teo").catalogue.approve_recipe("my-tool", "1.0.0", "read").state == "approved"
    assert remote(bank, "teo").catalogue.withdraw_recipe("my-tool", "1.0.0", "old").state == "withdrawn"
