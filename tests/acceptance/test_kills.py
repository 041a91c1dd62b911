"""`kill -9` in each stage: the same command again goes on, and ends as if nothing had happened."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.project import APPLICATION, VOLUME, Project, assert_sound, copy_of
from voxpop.demo.archive import TestArchive
from voxpop.demo.archive.model import Faults
from voxpop.demo.population import Population

pytestmark = [pytest.mark.slow]
RUN = f"{APPLICATION}-r1"


@pytest.fixture(scope="module")
def archive(population: Population, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestArchive]:
    """An archive that takes its time, so that a transfer can be caught."""
    slow = Faults(delay_s=0.01)
    with TestArchive([population.dicom], workdir=tmp_path_factory.mktemp("archive"), faults=slow) as server:
        yield server


@pytest.fixture(scope="module")
def unkilled(approved: Project, archive: TestArchive, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_of(approved, tmp_path_factory.mktemp("unkilled"))
    project.connect("dicomweb", url=archive.dicomweb_url)
    project.stage()
    assert project.voxpop("worker").returncode == 0
    return project


def _digest(project: Project) -> str:
    return str(project.asked("volume", "show", VOLUME)["manifest_sha256"])


def test_a_staging_killed_in_each_of_its_stages_ends_as_one_that_never_was(
    approved: Project, unkilled: Project, archive: TestArchive, tmp_path: Path
) -> None:
    project = copy_of(approved, tmp_path)
    project.connect("dicomweb", url=archive.dicomweb_url)
    stage = ("stage", APPLICATION)

    project.killed_when(lambda: bool(project.protected_files("*/*/*/.retrieved.partial/part-*")), *stage)
    project.killed_when(lambda: bool(project.protected_files("*/*/*/scrubbed/*")), *stage)
    project.killed_when(lambda: bool(project.protected_files("*/*/*/converted/*")), *stage)
    project.killed_when(lambda: bool(project.rows("select 1 from staged_study")), *stage)
    assert not (project.work / "volumes" / VOLUME).exists()
    project.killed_when((project.building / "participants.tsv").exists, *stage)
    project.killed_in("voxpop.volume.service:seal", *stage)
    project.killed_in("voxpop.volume.service:seal", *stage, after=True)
    assert not (project.work / "volumes" / VOLUME).exists()
    project.killed_in("voxpop.store.volumes:SqlVolumes.sealed", *stage)
    assert [state for (state,) in project.rows("select state from volume")] == ["building"]

    project.stage()
    assert_sound(project)
    assert _digest(project) == _digest(unkilled)
    assert {fate for fate, _ in project.fates().values()} == {"staged"}


def test_a_run_its_report_and_its_repeat_killed_in_the_middle_go_on(unkilled: Project) -> None:
    project = unkilled
    steps = project.work / "results" / RUN / "steps"
    start = ("run", "start", APPLICATION)

    project.killed_when(lambda: bool(list(steps.glob("*/attempt-*"))), *start)
    project.killed_when(lambda: len(list(steps.glob("*/step.json"))) >= 3, *start)
    kept = {path: path.stat().st_mtime_ns for path in steps.glob("*/step.json")}
    assert len(kept) >= 3
    project.killed_in("voxpop.store.ledger:SqlLedger.move", *start)
    project.killed_in("voxpop.flow.reporting:crate_of_run", *start)
    assert project.rows(f"select state from run where id = '{RUN}'") == [("done",)]
    assert {path: path.stat().st_mtime_ns for path in kept} == kept

    assert project.voxpop("worker").returncode == 0
    written = project.asked("report", RUN)
    assert Path(written["report"]).read_bytes().startswith(b"%PDF-")
    crate = json.loads((Path(written["crate"]) / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    assert len(crate["@graph"]) > 20

    repeat = ("run", "repeat", RUN)
    again = project.work / "results" / f"{APPLICATION}-r2" / "steps"
    project.killed_when(lambda: len(list(again.glob("*/step.json"))) >= 2, *repeat)
    project.killed_in("voxpop.run.service:compare", *repeat)
    compared = project.asked(*repeat)
    assert (compared["identical"], compared["repeat"]) == (True, f"{APPLICATION}-r2")
    assert [row[0] for row in project.rows("select id from run order by id")] == [RUN, f"{APPLICATION}-r2"]
    assert_sound(project)
