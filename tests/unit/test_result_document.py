"""The pipeline's part of the report comes out of a sandbox and is read with suspicion."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxpop.result.document import read_report
from voxpop.result.errors import ReportAbsent, ReportInvalid
from voxpop.result.model import Exclusion

PNG = b"\x89PNG\r\n\x1a\n"


def written(folder: Path, **changes: Any) -> Path:
    (folder / "figures").mkdir(exist_ok=True)
    (folder / "figures" / "groups.png").write_bytes(PNG)
    section = {
        "title": "Groups",
        "paragraphs": ["They differ."],
        "tables": [
            {
                "caption": "By level",
                "columns": [{"name": "Level"}, {"name": "Mean", "unit": "HU", "align": "right"}],
                "rows": [["L1", "120.1"], ["L2", None]],
            }
        ],
        "figures": [{"path": "figures/groups.png", "caption": "Groups", "alt": "Two boxes"}],
    }
    whole = {
        "title": "Bone density",
        "subtitle": "24 participants",
        "summary": ["They differ."],
        "sections": [section],
        "methods": ["We measured."],
        "exclusions": [{"participant": "sub-1a", "reason": "not measurable: no spine"}],
    }
    section.update(changes.pop("section", {}))
    whole.update(changes)
    (folder / "report.json").write_text(json.dumps(whole), encoding="utf-8")
    return folder


def test_a_report_is_read_with_its_tables_and_figures(tmp_path: Path) -> None:
    findings = read_report(written(tmp_path))
    (section,) = findings.sections
    assert section.tables[0].rows == (("L1", "120.1"), ("L2", ""))
    assert section.tables[0].columns[1].unit == "HU"
    assert section.figures[0].path == tmp_path / "figures" / "groups.png"
    assert findings.exclusions == (Exclusion("sub-1a", "not measurable: no spine"),)


def test_without_a_report_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ReportAbsent, match=r"left no report\.json"):
        read_report(tmp_path)


@pytest.mark.parametrize("path", ["../secret.png", "/etc/passwd", "figures/../../secret.png", "outside.png"])
def test_a_figure_outside_the_folder_is_not_read(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.png").write_bytes(PNG)
    folder = tmp_path / "findings"
    folder.mkdir()
    (folder / "outside.png").symlink_to(tmp_path / "secret.png")
    written(folder, section={"figures": [{"path": path, "caption": "c", "alt": "a"}]})
    with pytest.raises(ReportInvalid, match="leads out of the report's folder"):
        read_report(folder)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"titel": "x"}, "the top: it has the unknown key 'titel'"),
        ({"title": 3}, "the top: `title` is not text"),
        ({"summary": "x"}, "the top: `summary` is not a list"),
        ({"summary": [1]}, r"summary\[1\]: it is not text"),
        ({"section": {"figures": [{"path": "no.png", "caption": "", "alt": ""}]}}, "its file is not there"),
        ({"section": {"figures": [{"path": "report.json", "caption": "", "alt": ""}]}}, "neither a PNG nor an SVG"),
        ({"section": {"figures": [{"path": "figures/groups.png", "caption": ""}]}}, "`alt` is not text"),
        (
            {"section": {"tables": [{"caption": "c", "columns": [{"name": "a"}], "rows": [["1", "2"]]}]}},
            r"sections\[1\]\.tables\[1\]\.rows\[1\]: it is not a list of 1 cells",
        ),
        ({"section": {"tables": [{"caption": "c", "columns": [], "rows": []}]}}, "it has no columns"),
        ({"section": {"tables": [{"caption": "c", "columns": [{"name": "a", "align": "up"}]}]}}, "`align` is not"),
        ({"exclusions": [["sub-1"]]}, r"exclusions\[1\]: it is not an object"),
    ],
)
def test_a_wrong_report_is_named_with_its_place(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ReportInvalid, match=sentence):
        read_report(written(tmp_path, **changes))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 200_000, b"[]"])
def test_what_is_no_json_object_is_a_wrong_report(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "report.json").write_bytes(content)
    with pytest.raises(ReportInvalid):
        read_report(tmp_path)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda t: st.lists(t, max_size=3))
KEYS = st.sampled_from(["title", "subtitle", "summary", "sections", "methods", "exclusions", "key_figure", "x"])


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(KEYS, JSON | st.lists(st.dictionaries(KEYS, JSON, max_size=3), max_size=2)))
def test_no_json_brings_the_reader_down(tmp_path_factory: pytest.TempPathFactory, whole: dict[str, Any]) -> None:
    folder = tmp_path_factory.mktemp("findings")
    (folder / "report.json").write_text(json.dumps(whole), encoding="utf-8")
    try:
        findings = read_report(folder)
    except ReportInvalid:
        return
    assert findings.title == whole["title"]
