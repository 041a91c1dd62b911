"""The way back from a file of a result to the decision, each link checked by its digest."""

from dataclasses import replace
from pathlib import Path

import pytest

from voxpop.kernel.digests import sha256_bytes
from voxpop.kernel.ids import RunId
from voxpop.result.errors import DigestInvalid, FileAbsent, OriginUnknown
from voxpop.result.fakes import MemoryChain
from voxpop.result.model import Kind, Link, Reference, ResultFile
from voxpop.result.trace import trace

PDF = b"%PDF-1.7\n<pdf:Keywords>voxpop-run:bones-r1</pdf:Keywords>\n"


def digest(name: str) -> str:
    return sha256_bytes(name.encode())


def link(name: str, **refers: str) -> Link:
    kinds = {Kind(kind): Reference(target, digest(target)) for kind, target in refers.items()}
    return Link(name, digest(name), digest(name), {"about": name}, kinds)


LINKS = {
    (Kind.RUN, "bones-r1"): link("bones-r1", appliance="bones-a1", volume="bones-v1"),
    (Kind.APPLIANCE, "bones-a1"): link("bones-a1", application="bones"),
    (Kind.VOLUME, "bones-v1"): link("bones-v1", staging="bones-v1s"),
    (Kind.STAGING, "bones-v1s"): link("bones-v1s", cohort="bones-c1"),
    (Kind.COHORT, "bones-c1"): link("bones-c1", application="bones"),
    (Kind.APPLICATION, "bones"): link("bones"),
}
FILES = [
    ResultFile(RunId("bones-r1"), "report", "report.pdf", sha256_bytes(PDF)),
    ResultFile(RunId("bones-r1"), "output", "labels.nii.gz", digest("labels")),
]
WAY = ["result", "run", "appliance", "volume", "staging", "cohort", "application"]


def changed(kind: Kind, name: str, **changes: object) -> MemoryChain:
    return MemoryChain(FILES, {**LINKS, (kind, name): replace(LINKS[(kind, name)], **changes)})  # type: ignore[arg-type]  # the tests' own keywords


def test_a_report_leads_back_to_the_decision(tmp_path: Path) -> None:
    report = tmp_path / "renamed.pdf"
    report.write_bytes(PDF)
    steps = trace(report, MemoryChain(FILES, LINKS))
    assert [step.kind for step in steps] == WAY
    assert all(step.checked and not step.fault for step in steps)
    assert steps[-1].id == "bones"
    assert steps[0].facts["run"] == "bones-r1"


def test_any_file_that_a_run_left_leads_back_by_its_digest_alone() -> None:
    steps = trace(digest("labels"), MemoryChain(FILES, LINKS))
    assert (steps[0].id, steps[0].facts["kind"]) == ("labels.nii.gz", "output")
    assert [step.kind for step in steps] == WAY


def test_a_report_that_was_changed_is_still_traced_and_says_so(tmp_path: Path) -> None:
    report = tmp_path / "report.pdf"
    report.write_bytes(PDF + b"% a better p value")
    first, *others = trace(report, MemoryChain(FILES, LINKS))
    assert not first.checked
    assert "its content is not what was recorded" in first.fault
    assert all(step.checked for step in others)


@pytest.mark.parametrize(("kind", "name"), list(LINKS))
def test_a_link_whose_content_was_changed_is_the_one_that_is_named(kind: Kind, name: str) -> None:
    steps = trace(digest("labels"), changed(kind, name, found=digest("something else")))
    assert [step.kind for step in steps if not step.checked] == [kind.value]
    assert next(step.fault for step in steps if step.fault) == "what lies there now is not what was recorded"


@pytest.mark.parametrize(("kind", "name"), list(LINKS))
def test_a_link_whose_content_is_gone_is_named(kind: Kind, name: str) -> None:
    steps = trace(digest("labels"), changed(kind, name, found=""))
    assert [step.kind for step in steps if not step.checked] == [kind.value]


def test_a_record_and_its_content_that_were_changed_together_disagree_with_the_link_before() -> None:
    other = digest("another volume")
    steps = trace(digest("labels"), changed(Kind.VOLUME, "bones-v1", digest=other, found=other))
    (bad,) = [step for step in steps if not step.checked]
    assert (bad.kind, bad.fault) == ("volume", "the run was built on another content of it")


def test_two_links_that_name_different_applications_are_told() -> None:
    refers = {Kind.APPLICATION: Reference("brains", digest("brains"))}
    steps = trace(digest("labels"), changed(Kind.COHORT, "bones-c1", refers=refers))
    assert steps[-1].fault == "the cohort names brains in its place"


def test_a_link_without_a_record_is_told_and_so_is_what_it_would_have_named() -> None:
    links = {place: link for place, link in LINKS.items() if place[0] is not Kind.VOLUME}
    steps = trace(digest("labels"), MemoryChain(FILES, links))
    faults = {step.kind: step.fault for step in steps if step.fault}
    assert faults == {
        "volume": "there is no record of it",
        "staging": "no link before names it",
        "cohort": "no link before names it",
    }


def test_a_file_of_nobody_is_of_unknown_origin(tmp_path: Path) -> None:
    stray = tmp_path / "stray.txt"
    stray.write_bytes(PDF.replace(b"%PDF", b"text"))
    with pytest.raises(OriginUnknown, match="no run here left a file with SHA-256"):
        trace(stray, MemoryChain(FILES, LINKS))


def test_what_is_neither_a_file_nor_a_digest_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileAbsent):
        trace(tmp_path / "nothing.pdf", MemoryChain(FILES, LINKS))
    with pytest.raises(FileAbsent):
        trace(tmp_path, MemoryChain(FILES, LINKS))
    with pytest.raises(DigestInvalid):
        trace("abc", MemoryChain(FILES, LINKS))
