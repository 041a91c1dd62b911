"""The page on security names every item of the standard, and only tests that there are."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

# OWASP ASVS 4.0.3, items of levels 1 and 2 that are in force: chapter and section to the last part of their numbers
ITEMS: Mapping[str, str] = {
    "1.1": "1 2 3 4 5 6 7", "1.2": "1 2 3 4", "1.4": "1 4 5", "1.5": "1 2 3 4", "1.6": "1 2 3 4", "1.7": "1 2",
    "1.8": "1 2", "1.9": "1 2", "1.10": "1", "1.11": "1 2", "1.12": "2", "1.14": "1 2 3 4 5 6",
    "2.1": "1 2 3 4 5 6 7 8 9 10 11 12", "2.2": "1 2 3", "2.3": "1 2 3", "2.4": "1 2 3 4 5", "2.5": "1 2 3 4 5 6 7",
    "2.6": "1 2 3", "2.7": "1 2 3 4 5 6", "2.8": "1 2 3 4 5 6 7", "2.9": "1 2 3", "2.10": "1 2 3 4",
    "3.1": "1", "3.2": "1 2 3 4", "3.3": "1 2 3 4", "3.4": "1 2 3 4 5", "3.5": "1 2 3", "3.7": "1",
    "4.1": "1 2 3 5", "4.2": "1 2", "4.3": "1 2 3",
    "5.1": "1 2 3 4 5", "5.2": "1 2 3 4 5 6 7 8", "5.3": "1 2 3 4 5 6 7 8 9 10", "5.4": "1 2 3", "5.5": "1 2 3 4",
    "6.1": "1 2 3", "6.2": "1 2 3 4 5 6", "6.3": "1 2", "6.4": "1 2",
    "7.1": "1 2 3 4", "7.2": "1 2", "7.3": "1 3 4", "7.4": "1 2 3",
    "8.1": "1 2 3 4", "8.2": "1 2 3", "8.3": "1 2 3 4 5 6 7 8",
    "9.1": "1 2 3", "9.2": "1 2 3 4",
    "10.2": "1 2", "10.3": "1 2 3",
    "11.1": "1 2 3 4 5 6 7 8",
    "12.1": "1 2 3", "12.2": "1", "12.3": "1 2 3 4 5 6", "12.4": "1 2", "12.5": "1 2", "12.6": "1",
    "13.1": "1 3 4 5", "13.2": "1 2 3 5 6", "13.3": "1 2", "13.4": "1 2",
    "14.1": "1 2 3 4", "14.2": "1 2 3 4 5 6", "14.3": "2 3", "14.4": "1 2 3 4 5 6 7", "14.5": "1 2 3 4",
}  # fmt: skip
WANTED = [f"{section}.{last}" for section, lasts in ITEMS.items() for last in lasts.split()]
PAGES = ("security.md", "threat-model.md")
_ROW = re.compile(r"^\| (\d+\.\d+\.\d+) [^|]+\|([^|]+)\|([^|]+)\|([^|]+)\|$", re.MULTILINE)
_TEST = re.compile(r"\b(test_\w+)::(test_\w+)")


@pytest.fixture(scope="module")
def there(repo: Path) -> Mapping[tuple[str, str], str]:
    """Return every test by its file's stem and its name, with what stands before it."""
    found = {}
    for file in (repo / "tests").rglob("test_*.py"):
        text = file.read_text(encoding="utf-8")
        for one in re.finditer(r"((?:^@.*\n(?:^[ )\]].*\n)*)*)^(?:async )?def (test_\w+)", text, re.MULTILINE):
            found[file.stem, one[2]] = one[1]
    return found


def rows(repo: Path) -> list[tuple[str, str]]:
    page = (repo / "docs" / "explanation" / "security.md").read_text(encoding="utf-8")
    return [(found[1], found[4].strip()) for found in _ROW.finditer(page)]


def test_every_item_of_levels_1_and_2_has_one_row_in_the_standards_order(repo: Path) -> None:
    assert [item for item, _ in rows(repo)] == WANTED


def test_every_row_names_a_test_or_says_why_there_is_none(repo: Path) -> None:
    for item, known in rows(repo):
        assert _TEST.search(known) or re.match(r"(by reading|not applicable|open): \S", known), item


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_exists(repo: Path, there: Mapping[tuple[str, str], str], page: str) -> None:
    named = _TEST.findall((repo / "docs" / "explanation" / page).read_text(encoding="utf-8"))
    assert named
    assert [name for name in named if name not in there] == []


def test_a_row_is_open_exactly_where_its_test_is_expected_to_fail(
    repo: Path, there: Mapping[tuple[str, str], str]
) -> None:
    for item, known in rows(repo):
        fails = [
            name
            for stem, name in _TEST.findall(known)
            if re.search(r"xfail\(\s*strict=True", there.get((stem, name), ""))
        ]
        says = "expected to fail" in known
        assert bool(fails) == says, (item, fails)
        assert not says or known.startswith("open: "), item


def test_the_drawing_has_a_title_and_can_be_read_in_light_and_dark(repo: Path) -> None:
    drawing = (repo / "docs" / "images" / "threat-model.svg").read_text(encoding="utf-8")
    assert re.search(r"<title[ >]", drawing)
    assert re.search(r"<desc[ >]", drawing)
    assert "prefers-color-scheme: dark" in drawing
    assert "<script" not in drawing
