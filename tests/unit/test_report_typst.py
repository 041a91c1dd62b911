"""The report as PDF: its words, its pages, its bytes; whatever the words are."""

import json
import re
import shutil
import subprocess
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voxpop.backends.report.typst import open_typesetter
from voxpop.kernel.digests import sha256_bytes, sha256_file
from voxpop.kernel.errors import VoxpopError
from voxpop.kernel.ids import RunId
from voxpop.kernel.ledger import Event
from voxpop.result.assembly import assemble, digests
from voxpop.result.document import read_report
from voxpop.result.errors import ReportNotSet
from voxpop.result.facts import (
    ApplianceFacts,
    ApplicationFacts,
    CohortFacts,
    DecisionFacts,
    FateFacts,
    ReportFacts,
    RunFacts,
    StagingFacts,
    StepFacts,
    VolumeFacts,
)
from voxpop.result.fakes import MemoryResults
from voxpop.result.model import Column, Figure, Report, Section, Table
from voxpop.result.service import ResultService
from voxpop.result.trace import trace

LEVELS = ("T12", "L1", "L2", "L3", "L4", "L5")
BEGAN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
HOSTILE = (
    "#panic()",
    '#read("report.json")',
    "*bold* _it_ `raw` $x^2$",
    "= no heading",
    "<label> @cite",
    '"quotes" \\ back {braces} [brackets]',
    "\u201ctyped\u201d \u2212 \u2265 µ é ñ ß Ω",
    "../../etc/passwd",
    "%s {0} \\u{41}",
    "a--b ... 'x'",
)


def digest(name: str) -> str:
    return sha256_bytes(name.encode())


@pytest.fixture
def figure(tmp_path: Path) -> Figure:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    drawing, axes = plt.subplots(figsize=(4, 3))
    axes.plot([1, 3, 2])
    path = tmp_path / "drawn.png"
    drawing.savefig(path)
    plt.close(drawing)
    return Figure(path, "Mean HU by level.", "A line that rises and falls.")


def report(*sections: Section, **changes: object) -> Report:
    plain = Report("Bone density", "24 participants", ("They differ.",), sections, {}, RunId("bones-r1"))
    return replace(plain, **changes)  # type: ignore[arg-type]  # the tests' own keywords


def by_participant() -> Table:
    columns = (Column("Participant"), *(Column(level, "HU", "right") for level in LEVELS), Column("Quality"))
    rows = [(f"sub-p{n:03d}", *(f"{100 + n + k}.5" for k in range(len(LEVELS))), "good") for n in range(24)]
    return Table("Mean HU by participant and level", columns, tuple(rows))


def facts() -> ReportFacts:
    query = {"modality": "CT", "groups": [{"name": "osteoporotic", "icd10_any": ["M80", "M81"], "number": 12}]}
    return ReportFacts(
        ApplicationFacts(
            "bones",
            "Bone density",
            digest("application"),
            "EX-14",
            ("Ada Ferrer",),
            (DecisionFacts("mira", BEGAN, "approved", "sound and small"),),
        ),
        CohortFacts("bones-c1", json.dumps(query), digest("index"), digest("list"), BEGAN),
        StagingFacts(
            57,
            65,
            FateFacts("staged", "", 24, 24),
            (FateFacts("not selected", "the modality is not CT", 20, 25),),
            {"osteoporotic": 12, "control": 12},
            "PS3.15 basic",
            digest("profile"),
            digest("staging"),
        ),
        VolumeFacts("bones-v1", digest("manifest"), 80, 312_000_000, BEGAN),
        ApplianceFacts(
            "bones-a1",
            "local",
            digest("tosca"),
            "bubblewrap",
            network=False,
            asked={"cores": "16", "GPUs": "1"},
            given={"cores": "2", "GPUs": "0"},
            not_given=("14 of 16 cores", "1 GPU"),
        ),
        RunFacts(
            RunId("bones-r1"),
            "bone-density/1.0.0",
            digest("pipeline"),
            BEGAN,
            BEGAN + timedelta(seconds=30),
            "bubblewrap",
            (StepFacts("measure", 24, 0, "measure.py", digest("tool")),),
            {"python": "3.11.7"},
            {"min_volume_ml": 3.0},
            digest("record"),
        ),
    )


def findings_folder(folder: Path, figure: Figure) -> Path:
    folder.mkdir(exist_ok=True)
    shutil.copyfile(figure.path, folder / "groups.png")
    table = by_participant()
    section = {
        "title": "Measurements",
        "tables": [
            {
                "caption": table.caption,
                "columns": [{"name": c.name, "unit": c.unit, "align": c.align} for c in table.columns],
                "rows": table.rows,
            }
        ],
        "figures": [{"path": "groups.png", "caption": figure.caption, "alt": figure.alt}],
    }
    whole = {"title": "Bone density", "summary": ["They differ."], "sections": [section], "methods": ["We measured."]}
    (folder / "report.json").write_text(json.dumps(whole), encoding="utf-8")
    return folder


def words_of(path: Path) -> str:
    done = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True)
    return done.stdout


def squeezed(text: str) -> str:
    return "".join(text.replace("\u200b", "").split())


def set_report(folder: Path, what: Report) -> Path:
    target = folder / "report.pdf"
    open_typesetter().set(what, target)
    return target


class MemoryLedger:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        self.events.append(event)

    def move(self, *_: object) -> None:
        raise AssertionError


@pytest.mark.needs("poppler")
def test_the_tables_and_every_digest_are_words_of_the_pdf(tmp_path: Path, figure: Figure) -> None:
    whole = assemble(read_report(findings_folder(tmp_path / "findings", figure)), facts())
    words = words_of(set_report(tmp_path, whole))
    for participant in by_participant().rows:
        assert participant[0] in words
        assert participant[3] in words
    for name, value in digests(facts()).items():
        assert value in words, name
    assert digest("tool") in words
    for told in ("14 of 16 cores; 1 GPU", "sound and small", "the modality is not CT", "M80, M81", "3.11.7"):
        assert told in words
    assert "Each of the 57 studies" in words
    assert re.search(r"not staged +other reasons +- +-\n", words)


@pytest.mark.needs("poppler")
def test_small_counts_of_studies_are_dashes_and_no_total_gives_them_away(tmp_path: Path, figure: Figure) -> None:
    hidden = replace(facts().staging, studies=None, series=None, staged=FateFacts("staged", "", None, None), others=())
    whole = assemble(read_report(findings_folder(tmp_path / "findings", figure)), replace(facts(), staging=hidden))
    words = words_of(set_report(tmp_path, whole))
    assert "Each of the studies that the archive" in words
    for row in (r"staged +- +- +-", r"not staged +other reasons +- +-", r"all +- +-"):
        assert re.search(rf"^ *{row}$", words, re.MULTILINE), row


@pytest.mark.needs("poppler")
def test_every_page_can_be_drawn_and_has_its_number(tmp_path: Path, figure: Figure) -> None:
    many = Section("Pictures", figures=(figure,) * 9, tables=(by_participant(),) * 4)
    path = set_report(tmp_path, report(many, key_figure=figure))
    subprocess.run(["pdftoppm", "-r", "30", "-png", path, tmp_path / "page"], check=True)
    pages = sorted(tmp_path.glob("page-*.png"))
    assert len(pages) > 3
    words = words_of(path)
    assert all(f"{number} of {len(pages)}" in words for number in range(1, len(pages) + 1))


@pytest.mark.needs("poppler")
def test_a_long_table_repeats_its_header_on_each_page(tmp_path: Path) -> None:
    rows = tuple((f"sub-{n:03d}", f"{n}") for n in range(150))
    table = Table("Long", (Column("Participant"), Column("Wholly", "HU")), rows)
    path = set_report(tmp_path, report(Section("S", tables=(table,))))
    pages = words_of(path).split("\f")
    with_rows = [page for page in pages if "sub-" in page]
    assert len(with_rows) > 2
    assert all("Wholly" in page for page in with_rows)


@pytest.mark.needs("poppler")
@pytest.mark.parametrize("columns", [7, 12, 18])
def test_a_wide_table_stays_on_the_page(tmp_path: Path, columns: int) -> None:
    table = Table(
        "Wide",
        tuple(Column(f"Column{n}", "HU", "right") for n in range(columns)),
        (tuple(f"{n}00.5" for n in range(columns)), tuple("x" * 50 for _ in range(columns))),
    )
    path = set_report(tmp_path, report(Section("S", tables=(table,))))
    boxes = subprocess.run(["pdftotext", "-bbox", path, "-"], capture_output=True, text=True, check=True).stdout
    width = 0.0
    seen = 0
    for line in boxes.splitlines():
        parts = dict(part.split("=") for part in line.split() if "=" in part and part.count("=") == 1)
        if "<page" in line:
            width = float(parts["width"].strip('">'))
        elif "<word" in line:
            seen += 1
            assert float(parts["xMax"].strip('"')) <= width - 50
    assert seen > columns


def test_the_same_report_twice_is_the_same_bytes(tmp_path: Path, figure: Figure) -> None:
    one = report(Section("S", tables=(by_participant(),), figures=(figure,)), key_figure=figure)
    first = sha256_file(set_report(tmp_path, one))
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    other = replace(figure, path=moved / "other.png")
    shutil.copyfile(figure.path, other.path)
    again = report(Section("S", tables=(by_participant(),), figures=(other,)), key_figure=other)
    assert sha256_file(set_report(moved, again)) == first


@pytest.mark.needs("poppler")
def test_words_that_look_like_source_are_shown_as_they_are(tmp_path: Path) -> None:
    table = Table(HOSTILE[0], tuple(Column(text, text) for text in HOSTILE[:3]), (HOSTILE[3:6],))
    section = Section(HOSTILE[1], HOSTILE, (table,))
    path = set_report(tmp_path, report(section, title=HOSTILE[2], subtitle=HOSTILE[3], summary=HOSTILE))
    words = squeezed(words_of(path))
    for text in HOSTILE:
        assert words.count(squeezed(text)) >= 2, text


PLAIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40)


@pytest.mark.needs("poppler")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PLAIN, PLAIN)
def test_any_plain_words_are_shown_as_they_are(tmp_path: Path, one: str, other: str) -> None:
    table = Table("T", (Column("C"),), ((one,),))
    path = set_report(tmp_path, report(Section("S", (other,), (table,))))
    words = squeezed(words_of(path))
    assert squeezed(one) in words
    assert squeezed(other) in words


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=20))
def test_any_words_at_all_are_printed(tmp_path: Path, text: str) -> None:
    path = set_report(tmp_path, report(Section("S", (text,)), title=f"T{text}"))
    assert path.read_bytes().startswith(b"%PDF-")


@pytest.mark.needs("poppler")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bone is \u9aa8\u5bc6\u5ea6", "bone is \ufffd\ufffd\ufffd"),
        ("well done \U0001f600!", "well done \ufffd!"),
        ("a\u0007b\u0000c\ufeffd", "a\ufffdb\ufffdc\ufffdd"),
        ("half \ud83d of a pair", "half \ufffd of a pair"),
        ("cafe\u0301 a\u1dc4", "caf\u00e9 a\ufffd"),
        ("\ue0ff \U000f0000", "\ue0ff \ufffd"),
    ],
)
def test_a_character_without_a_glyph_is_replaced_and_the_first_page_says_so(
    tmp_path: Path, text: str, shown: str
) -> None:
    table = Table(text, (Column(text),), ((text,),))
    path = set_report(tmp_path, report(Section(text, (text,), (table,)), title=text, summary=(text,)))
    words = unicodedata.normalize("NFC", words_of(path))
    assert squeezed(words).count(squeezed(shown)) >= 5
    assert "could not be printed and stand here as \ufffd" in words.split("\f")[0]
    assert "pages of this run" in words.split("\f")[0]


@pytest.mark.needs("poppler")
@pytest.mark.parametrize(
    "text", ["\u0646\u0635 \u0627\u0644\u0639\u0638\u0627\u0645", "\u05d0\u05d1", "na\u0308ive \u00d7 \u03a9"]
)
def test_a_report_that_can_be_printed_says_nothing_of_it(tmp_path: Path, text: str) -> None:
    words = words_of(set_report(tmp_path, report(Section("S", (text,)), title=text)))
    assert "\ufffd" not in words
    assert "could not be printed" not in words


def test_a_report_with_replaced_characters_is_the_same_bytes_twice(tmp_path: Path) -> None:
    strange = report(Section("S", ("\u9aa8 \U0001f600 a\u1dc4",)))
    assert set_report(tmp_path, strange).read_bytes() == set_report(tmp_path, strange).read_bytes()


def test_a_picture_that_is_none_is_an_error_and_keeps_the_report_that_was_there(tmp_path: Path) -> None:
    before = set_report(tmp_path, report()).read_bytes()
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    with pytest.raises(ReportNotSet, match="the report cannot be set"):
        set_report(tmp_path, report(Section("S", figures=(Figure(broken, "c", "a"),))))
    assert (tmp_path / "report.pdf").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.png", "report.pdf"]


def test_a_picture_cannot_bring_other_files_in(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"\x89PNG\r\n\x1a\nsecret")
    sly = tmp_path / "sly.svg"
    sly.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9">'
        f'<image xlink:href="file://{secret}" width="9" height="9"/><image xlink:href="{secret}" width="9" height="9"/>'
        "</svg>",
        encoding="utf-8",
    )
    try:
        path = set_report(tmp_path, report(Section("S", figures=(Figure(sly, "c", "a"),))))
    except ReportNotSet:
        return
    assert b"secret" not in path.read_bytes()


def test_writing_a_report_twice_leaves_one_file_and_one_event(tmp_path: Path, figure: Figure) -> None:
    results, ledger = MemoryResults(), MemoryLedger()
    service = ResultService(results, open_typesetter(), ledger)
    findings = findings_folder(tmp_path / "findings", figure)
    first = service.write_report(findings, facts(), tmp_path / "results")
    assert service.write_report(findings, facts(), tmp_path / "results") == first
    assert service.of_run(RunId("bones-r1")) == [first]
    assert [event.action for event in ledger.events] == ["report.written"]
    assert ledger.events[0].facts["sha256"] == sha256_file(tmp_path / "results" / "report.pdf")
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["report.pdf"]


SLY = "<pdf:Keywords>voxpop-run:sly</pdf:Keywords>"


def test_a_changed_report_still_says_which_run_it_is_of(tmp_path: Path, figure: Figure) -> None:
    class NoRecords:
        def run_of_output(self, sha256: str) -> None:
            return None

        def link(self, kind: object, name: str) -> object:
            raise VoxpopError(f"asked for {name}")

    path = set_report(
        tmp_path, report(Section(SLY, (SLY,), figures=(replace(figure, alt=SLY, caption=SLY),)), title=SLY)
    )
    with pytest.raises(VoxpopError, match=r"asked for bones-r1"):
        trace(path, NoRecords())  # type: ignore[arg-type]  # only as much of a chain as this needs
