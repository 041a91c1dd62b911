"""The research object of a real run, held against the profile by roc-validator."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from voxpop.backends.jobs.cwltool.engine import CwltoolEngine
from voxpop.flow.crate import Cover, crate_of_run
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.digests import sha256_file
from voxpop.kernel.ids import ApplianceId, ApplicationId, VolumeId
from voxpop.provenance.facts import ChainLink, DocumentFacts
from voxpop.run.fakes import MemoryRuns
from voxpop.run.model import Pipeline, RunRecord
from voxpop.run.pipelines import load_pipeline
from voxpop.run.ports import Confinement
from voxpop.run.service import Order, RunService, Workplace

TESTS = Path(__file__).parent.parent
ROC = TESTS.parent / ".venv-roc" / "bin"
COVER = Cover("Words", "How many words there are.", "https://spdx.org/licenses/CC-BY-4.0", "The operating site")
CHAIN = (
    ChainLink("application", "words", "a1" * 32, {"state": "approved", "at": "2026-01-02T03:04:05+00:00"}),
    ChainLink("cohort", "words-c1", "b2" * 32, {"query": "modality CT", "selected": 3}),
    ChainLink("staging", "words-s1", "c3" * 32, {"profile": "basic", "refused": 0}),
    ChainLink("volume", "words-v1", "d4" * 32),
    ChainLink("appliance", "words-a1", "e5" * 32),
)


class NoSandbox:
    """Confines nothing."""

    name = "none"
    python = sys.executable

    def wrap(self, command: Sequence[str], confinement: Confinement) -> Sequence[str]:
        del confinement
        return command


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunRecord, Pipeline, Path]:
    volume = tmp_path_factory.mktemp("volume")
    for label in ("a", "b", "c"):
        (volume / f"sub-{label}").mkdir()
        (volume / f"sub-{label}" / "text.txt").write_text(label)
    (volume / "participants.tsv").write_text("participant_id\n")
    (volume / "manifest-sha256.txt").write_text("")
    runs = MemoryRuns()
    service = RunService(runs, CwltoolEngine(), lambda name: NoSandbox(), runs, SystemClock())
    folder = tmp_path_factory.mktemp("runs")
    place = Workplace(volume, sha256_file(volume / "manifest-sha256.txt"), folder, 2, 4, "none")
    order = Order(ApplicationId("words"), ApplianceId("words-a1"), VolumeId("words-v1"))
    pipeline = load_pipeline(TESTS / "pipelines" / "tiny")
    return service.start(order, pipeline, place, "ann"), pipeline, folder / "words-r1"


@pytest.fixture
def crate(run: tuple[RunRecord, Pipeline, Path], tmp_path: Path) -> Path:
    report = tmp_path / "report.pdf"
    report.write_bytes(b"%PDF-1.7")
    also = [*CHAIN, DocumentFacts("report.pdf", report, "Report", "application/pdf")]
    return crate_of_run(tmp_path / "crate", *run, COVER, also).parent


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("roc") / "cache"
    subprocess.run([ROC / "python", TESTS / "data" / "jsonld" / "seed_roc_cache.py", cache], check=True)
    return cache


def _validate(crate: Path, contexts: Path) -> tuple[int, str]:
    command = [ROC / "rocrate-validator", "-y", "validate", "--offline", "--cache-path", contexts, "--no-paging"]
    command += ["-p", "provenance-run-crate-0.5", crate]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def _entities(crate: Path) -> dict[str, dict[str, Any]]:
    graph = json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert len(entities) == len(graph)
    return entities


def _types(entity: dict[str, Any]) -> list[str]:
    kinds = entity["@type"]
    return kinds if isinstance(kinds, list) else [kinds]


@pytest.mark.needs("roc-validator")
def test_roc_validator_accepts_the_crate(crate: Path, contexts: Path) -> None:
    code, report = _validate(crate, contexts)
    assert code == 0, report


@pytest.fixture
def queued(run: tuple[RunRecord, Pipeline, Path], tmp_path: Path) -> Path:
    record, pipeline, folder = run
    steps = [replace(step, queue="slurm", node="w1", attempts=2, cores=1, memory_mb=256) for step in record.steps]
    environment = {**record.environment, "image": f"sha256:{'ab' * 32}", "queue": "slurm"}
    record = replace(record, steps=tuple(steps), environment=environment)
    return crate_of_run(tmp_path / "queued", record, pipeline, folder, COVER, CHAIN).parent


@pytest.mark.needs("roc-validator")
def test_roc_validator_accepts_the_crate_of_a_run_on_a_queue(queued: Path, contexts: Path) -> None:
    code, report = _validate(queued, contexts)
    assert code == 0, report


def test_a_crate_says_where_and_with_what_each_execution_was_done(queued: Path) -> None:
    entities = _entities(queued)
    execution = entities["#execution/count/0"]
    assert "Done by the queue 'slurm' on worker 'w1', begun 2 times." in execution["description"]
    assert entities[execution["containerImage"]["@id"]]["sha256"] == "ab" * 32
    given = {entities[one["@id"]]["name"]: entities[one["@id"]]["value"] for one in execution["resourceUsage"]}
    assert given == {"cores": "1", "memory": "256"}
    assert not [
        entity for entity in entities if "pypi.org/project/image" in entity or "pypi.org/project/queue" in entity
    ]


@pytest.mark.needs("roc-validator")
@pytest.mark.parametrize("kind", ["CreateAction", "ControlAction", "OrganizeAction"])
def test_roc_validator_refuses_actions_without_their_instruments(crate: Path, contexts: Path, kind: str) -> None:
    path = crate / "ro-crate-metadata.json"
    document = json.loads(path.read_text())
    for entity in document["@graph"]:
        if kind in _types(entity):
            del entity["instrument"]
    path.write_text(json.dumps(document))
    code, _ = _validate(crate, contexts)
    assert code != 0


@pytest.mark.needs("roc-validator")
def test_roc_validator_refuses_a_crate_whose_file_is_missing(crate: Path, contexts: Path) -> None:
    (crate / "outputs" / "table.tsv").unlink()
    code, _ = _validate(crate, contexts)
    assert code != 0


def test_there_is_one_activity_for_each_job_and_one_for_the_run(
    crate: Path, run: tuple[RunRecord, Pipeline, Path]
) -> None:
    actions = [entity for entity in _entities(crate).values() if "CreateAction" in _types(entity)]
    of_run = [action for action in actions if not action["@id"].startswith("#chain/")]
    assert len(of_run) == len(run[0].steps) + 1 == 5
    assert len(actions) - len(of_run) == len(CHAIN)


def test_every_link_points_at_an_entity(crate: Path) -> None:
    entities = _entities(crate)
    outside = ("https://bioschemas.org/", "https://w3id.org/", "https://www.commonwl.org/")
    targets = {target for entity in entities.values() for target in _targets(entity)}
    assert {target for target in targets if target not in entities and not target.startswith(outside)} == set()


def test_the_files_of_the_crate_are_as_it_says(crate: Path) -> None:
    entities = _entities(crate)
    lying = {path.relative_to(crate).as_posix() for path in crate.rglob("*") if path.is_file()}
    described = {name for name, entity in entities.items() if "File" in _types(entity) and not name.startswith("ni:")}
    assert lying - {"ro-crate-metadata.json"} == described
    for name in described - {"README.md"}:
        assert sha256_file(crate / name) == entities[name]["sha256"]
        assert str((crate / name).stat().st_size) == entities[name]["contentSize"]


def test_the_volume_is_named_by_its_digest_and_not_copied(crate: Path) -> None:
    entities = _entities(crate)
    volume = next(entity for entity in entities.values() if entity.get("identifier") == "words-v1")
    assert volume["@type"] == "Dataset"
    assert {entities[part["@id"]]["name"] for part in volume["hasPart"]} == {
        "participants.tsv",
        "sub-a/text.txt",
        "sub-b/text.txt",
        "sub-c/text.txt",
    }
    assert list(crate.rglob("text.txt")) == []


def test_the_way_back_leads_from_the_report_figure_to_the_application(crate: Path) -> None:
    entities = _entities(crate)
    action = next(
        entity
        for entity in entities.values()
        if "CreateAction" in _types(entity) and "outputs/table.tsv" in _targets({"result": entity.get("result")})
    )
    seen: set[str] = set()
    waiting = {action["@id"]}
    made_by = {
        target: entity["@id"]
        for entity in entities.values()
        if "CreateAction" in _types(entity)
        for target in _targets({"result": entity.get("result")})
    }
    run = next(name for name in entities if name.startswith("#run/") and "/" not in name.removeprefix("#run/"))
    waiting.add(run)
    while waiting:
        name = waiting.pop()
        seen.add(name)
        objects = _targets({"object": entities[name].get("object")})
        waiting |= {made_by[target] for target in objects if target in made_by} - seen
    assert {f"#chain/{link.kind}/{link.id}/action" for link in CHAIN} <= seen


def test_the_same_run_makes_the_same_bytes(crate: Path, run: tuple[RunRecord, Pipeline, Path], tmp_path: Path) -> None:
    also = [*CHAIN, DocumentFacts("report.pdf", tmp_path / "report.pdf", "Report", "application/pdf")]
    again = crate_of_run(tmp_path / "again", *run, COVER, also).parent
    names = sorted(path.relative_to(crate) for path in crate.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert all((crate / name).read_bytes() == (again / name).read_bytes() for name in names)


def test_a_crate_written_again_replaces_the_one_before(crate: Path, run: tuple[RunRecord, Pipeline, Path]) -> None:
    (crate / "left over").touch()
    crate_of_run(crate, *run, COVER)
    assert not (crate / "left over").exists()
    assert not (crate / "report.pdf").exists()


def test_editing_a_crate_does_not_reach_the_pipeline(crate: Path, run: tuple[RunRecord, Pipeline, Path]) -> None:
    script = run[1].folder / "tools" / "count.py"
    before = script.read_bytes()
    (crate / "workflow" / "tools" / "count.py").write_text("other")
    assert script.read_bytes() == before


def test_no_path_of_this_machine_is_in_the_crate(crate: Path, run: tuple[RunRecord, Pipeline, Path]) -> None:
    text = (crate / "ro-crate-metadata.json").read_text() + (crate / "README.md").read_text()
    for path in (run[1].folder, run[2], crate, Path.home()):
        assert str(path) not in text
    shutil.rmtree(crate)


def _targets(entity: dict[str, Any]) -> set[str]:
    found = set()
    for name, value in entity.items():
        if name == "@id":
            continue
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, dict):
                found.add(entry["@id"])
    return found
