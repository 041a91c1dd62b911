"""An appliance from its document to a run: site local, the real engine, each sandbox."""

from pathlib import Path

import pytest

from voxpop.appliance.fakes import MemoryAppliances
from voxpop.appliance.model import Environment, Ground
from voxpop.appliance.recipes import find_recipes
from voxpop.appliance.service import ApplianceService
from voxpop.backends.jobs.cwltool.engine import CwltoolEngine
from voxpop.backends.sandbox.bubblewrap import Bubblewrap
from voxpop.backends.sandbox.filemodes import FileModes
from voxpop.backends.site.local import open_site
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.ids import ApplicationId, VolumeId
from voxpop.run.fakes import MemoryRuns
from voxpop.run.model import RunRecord
from voxpop.run.pipelines import load_pipeline
from voxpop.run.service import Order, RunService, Workplace
from voxpop.volume.seal import seal

APPLICATION, VOLUME, ACTOR = ApplicationId("words"), VolumeId("words-v1"), "ada"
SANDBOXES = {"bubblewrap": Bubblewrap, "file modes": FileModes}
KINDS = [pytest.param("bubblewrap", marks=pytest.mark.needs("bubblewrap")), "file modes"]


def _volume(folder: Path) -> str:
    for number in range(3):
        text = folder / f"sub-{number:03d}" / "text.txt"
        text.parent.mkdir(parents=True)
        text.write_text("word " * (number + 1))
    (folder / "participants.tsv").write_text("participant_id\n")
    return seal(folder).digest


def _run(root: Path, repo: Path, kind: str) -> RunRecord:
    digest = _volume(root / "volume")
    sandbox = SANDBOXES[kind]()
    site = open_site("local", {}, Ground(root / "appliances", sandbox.name, sandbox.network))
    kept = MemoryAppliances()
    recipes = find_recipes(repo / "recipes")
    appliances = ApplianceService(kept, {"local": site}, kept, SystemClock(), recipes)
    environment = Environment("words", ("python-imaging",), 2, 2, 0, 1, 1, "tiny/1.0")
    planned = appliances.plan(APPLICATION, environment, VOLUME, digest, "local", ACTOR)
    appliances.deploy(planned.id, root / "volume", root / "runs", ACTOR)
    appliance, deployment = appliances.newest(APPLICATION)
    runs = MemoryRuns()
    service = RunService(runs, CwltoolEngine(), lambda place: SANDBOXES[place.sandbox](), runs, SystemClock())
    place = Workplace(
        deployment.volume, digest, deployment.results, deployment.cores, deployment.memory_gb, deployment.sandbox
    )
    pipeline = load_pipeline(repo / "tests" / "pipelines" / "tiny")
    record = service.start(Order(APPLICATION, appliance.id, VOLUME), pipeline, place, ACTOR)
    assert list((root / "volume").rglob("*.tmp")) == []
    appliances.remove(appliance.id, ACTOR)
    assert list((root / "appliances").iterdir()) == []
    return record


@pytest.mark.parametrize("kind", KINDS)
def test_a_deployed_appliance_runs_a_pipeline_and_the_record_says_in_which_sandbox(
    tmp_path: Path, repo: Path, kind: str
) -> None:
    record = _run(tmp_path, repo, kind)
    assert record.sandbox == kind
    assert [step.exit_code for step in record.steps] == [0, 0, 0, 0]
    assert (tmp_path / "runs" / record.run / "outputs" / "table.tsv").is_file()


@pytest.mark.needs("bubblewrap")
def test_both_sandboxes_give_the_same_outputs(tmp_path: Path, repo: Path) -> None:
    records = [_run(tmp_path / kind, repo, kind) for kind in SANDBOXES]
    digests = [{port: [file.sha256 for file in files] for port, files in record.outputs.items()} for record in records]
    assert digests[0] == digests[1]
