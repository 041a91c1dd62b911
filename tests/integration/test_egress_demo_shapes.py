"""The checks over what the bone density pipeline leaves, and over a report that our own typesetter set."""

import json
from pathlib import Path

import matplotlib as mpl
import pytest

from voxpop.backends.report.typst import open_typesetter
from voxpop.kernel.ids import RunId
from voxpop.result.egress.checks import Context, look
from voxpop.result.egress.fakes import FixedIdentities
from voxpop.result.egress.model import Finding, Limits, Severity
from voxpop.result.egress.opening import open_file
from voxpop.result.model import Column, Figure, Report, Section, Table

mpl.use("agg")

LABEL = "q6eqvtatra"
KNOWN = FixedIdentities((b"HC89770800",), frozenset({LABEL}), frozenset({"control", "osteoporotic"}))


@pytest.fixture
def figure(tmp_path: Path) -> Path:
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(2, 1))
    canvas.subplots().plot([1, 2], [2, 1])
    path = tmp_path / "figure.png"
    canvas.savefig(path, metadata={"Description": "mean by age"})
    return path


def found(file: Path, path: str, source: bytes | None = None) -> set[tuple[str, Severity]]:
    opened = open_file(file, path, Limits(), source)
    findings: list[Finding] = look(opened, Context(KNOWN, Limits()))
    return {(one.check, one.severity) for one in findings}


def typeset(tmp_path: Path, table: Table, figures: tuple[Figure, ...] = ()) -> Path:
    section = Section("Participants", ("Mean trabecular density by level.",), (table,), figures)
    report = Report("Bone density", "A test", ("Two groups.",), (section,), {"run": "ab" * 32}, RunId("bones-r1"))
    path = tmp_path / "report.pdf"
    open_typesetter().set(report, path)
    return path


AGGREGATE = Table("By group", (Column("group"), Column("n")), (("control", "12"), ("osteoporotic", "14")))


def test_a_report_of_groups_alone_may_leave(tmp_path: Path) -> None:
    assert found(typeset(tmp_path, AGGREGATE), "report.pdf") == set()


def test_a_report_with_a_row_for_each_participant_needs_permission(tmp_path: Path, figure: Path) -> None:
    rows = Table("By participant", (Column("participant"), Column("L1")), ((f"sub-{LABEL}", "141"),))
    overlay = Figure(figure, f"sub-{LABEL}: measured", "The spine from the side")
    assert found(typeset(tmp_path, rows, (overlay,)), "report.pdf") == {
        ("row-level", Severity.NEEDS_PERMISSION),
        ("images", Severity.NEEDS_PERMISSION),
    }


def test_a_known_value_in_the_shown_text_of_a_report_stops_it(tmp_path: Path) -> None:
    table = Table("By group", (Column("group"), Column("note")), (("control", "patient HC89770800 left out"),))
    assert ("identity", Severity.STOPS) in found(typeset(tmp_path, table), "report.pdf")


def test_a_report_is_held_to_the_small_cells_of_what_it_was_made_from(tmp_path: Path) -> None:
    source = {"sections": [{"tables": [{"columns": [{"name": "level"}, {"name": "control"}], "rows": [["T11", "2"]]}]}]}
    path = typeset(tmp_path, AGGREGATE)
    assert found(path, "report.pdf", json.dumps(source).encode()) == {("small-cell", Severity.STOPS)}


def test_a_figure_of_the_pipeline_is_to_be_looked_at_and_a_vector_one_is_read(tmp_path: Path, figure: Path) -> None:
    assert found(figure, "outputs/figure-age.png") == {("images", Severity.LOOK)}
    from matplotlib.figure import Figure as Canvas

    for suffix in ("pdf", "svg"):
        canvas = Canvas(figsize=(2, 1))
        canvas.text(0.1, 0.5, "patient HC89770800")
        path = tmp_path / f"figure.{suffix}"
        with mpl.rc_context({"svg.fonttype": "none"}):
            canvas.savefig(path)
        assert ("identity", Severity.STOPS) in found(path, f"outputs/figure.{suffix}"), suffix


def test_measurements_as_the_pipeline_writes_them_need_permission(tmp_path: Path) -> None:
    image = f"sub-{LABEL}_ses-3dmh7g76ir_run-2_ct.nii.gz"
    row = {"participant": f"sub-{LABEL}", "session": "ses-3dmh7g76ir", "image": image, "level": "L1", "mean_hu": 204.3}
    table = tmp_path / "measurements.tsv"
    table.write_text("\t".join(row) + "\n" + "\t".join(map(str, row.values())) + "\n")
    listed = tmp_path / "measurements.json"
    listed.write_text(json.dumps([row]))
    for file in (table, listed):
        assert found(file, f"outputs/{file.name}") == {("row-level", Severity.NEEDS_PERMISSION)}


@pytest.mark.parametrize(("control", "stops"), [(10, False), (2, True)])
def test_group_counts_of_the_comparison_are_held_to_ten(tmp_path: Path, control: int, stops: bool) -> None:
    file = tmp_path / "group.json"
    effect = {"control": control, "osteoporotic": 12, "difference": -73.86, "p_value": 3.3e-10, "reason": ""}
    file.write_text(json.dumps({"auc": 1.0, "effects": {"T11": {"welch": effect}}}))
    assert found(file, "outputs/group.json") == ({("small-cell", Severity.STOPS)} if stops else set())


def test_the_pipelines_own_sources_may_leave_in_the_research_object(repo: Path) -> None:
    pipeline = repo / "pipelines" / "bone-density"
    files = [
        file
        for file in pipeline.rglob("*")
        if file.suffix in {".py", ".cwl", ".md", ".yaml"} and "test" not in str(file)
    ]
    assert len(files) > 5
    for file in files:
        path = f"crate/workflow/{file.name}"
        stopping = {check for check, severity in found(file, path) if severity is Severity.STOPS}
        assert stopping == set(), file
