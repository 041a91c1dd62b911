"""What voxpop adds to a pipeline's findings."""

from pathlib import Path

from voxpop.kernel.digests import Json
from voxpop.result.assembly import _key_figure, _told
from voxpop.result.model import Figure, Findings, Section


def figures(name: str, number: int) -> tuple[Figure, ...]:
    return tuple(Figure(Path(f"{name}{n}.png"), name, name) for n in range(number))


def findings(*sections: Section, key_figure: Figure | None = None) -> Findings:
    return Findings("T", "", (), sections, (), (), key_figure)


def test_the_figure_of_results_goes_to_the_first_page_and_not_one_of_a_single_participant() -> None:
    sections = (
        Section("Segmentations", figures=figures("sub", 24)),
        Section("Groups", figures=figures("groups", 2)),
        Section("Words"),
    )
    key_figure, left = _key_figure(findings(*sections))
    assert key_figure == sections[1].figures[0]
    assert [len(section.figures) for section in left] == [24, 1, 0]
    assert "stands on the first page" in left[1].paragraphs[-1]


def test_the_pipelines_own_key_figure_comes_first_and_nothing_moves() -> None:
    (own,) = figures("own", 1)
    sections = (Section("Groups", figures=figures("groups", 2)),)
    assert _key_figure(findings(*sections, key_figure=own)) == (own, sections)


def test_a_report_without_figures_has_no_key_figure() -> None:
    assert _key_figure(findings(Section("Words"))) == (None, (Section("Words"),))


def test_a_query_reads_as_words() -> None:
    group: Json = {"name": "osteoporotic", "icd10_any": ["M80", "M81"], "number": 12, "unlisted": False, "none": []}
    assert _told([group]) == "name: osteoporotic; icd10_any: M80, M81; number: 12"
    assert _told({"age_min": 0}) == "age_min: 0"
    assert _told(True) == "true"
    assert _told(0) == "0"
    assert _told(["CT", "MR"]) == "CT, MR"
