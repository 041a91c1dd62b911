"""Site local: the working area, what it can't give, and what it refuses."""

import json
import os
from pathlib import Path

import pytest

from voxpop.appliance.errors import ApplianceNameInvalid, VolumeNotSealedHere, WorkingAreaUnwritable
from voxpop.appliance.model import Environment, Ground
from voxpop.appliance.recipes import find_recipes
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.tosca import document
from voxpop.backends.site.local import LocalSite, Machine, open_site, this_machine
from voxpop.kernel.ids import ApplianceId
from voxpop.volume.seal import reopen, seal

APPLIANCE = ApplianceId("bone-density-a1")
SMALL = Machine(cores=2, memory_gb=8, gpus=0, has_program=lambda _: False, has_module=lambda name: name != "cv2")


class Bench:
    def __init__(self, root: Path, repo: Path) -> None:
        self.appliances = root / "appliances"
        self.area = self.appliances / APPLIANCE
        self.results = root / "results"
        self.volume = root / "volume"
        self.volume.mkdir()
        (self.volume / "README").write_text("images\n")
        self.digest = seal(self.volume).digest
        self.recipes = find_recipes(repo / "recipes")
        self.site: LocalSite = open_site(
            "local", {}, Ground(self.appliances, sandbox="file modes", network=True), machine=SMALL
        )

    def document(self, **changed: object) -> str:
        asked = {
            "name": "bone-density",
            "recipes": (),
            "cores": 1,
            "memory_gb": 2,
            "gpus": 0,
            "storage_gb": 1,
            "days": 9,
            "pipeline": "bone-density/1.0.0",
        } | changed
        environment = Environment(**asked)  # type: ignore[arg-type]  # the keys are the test's own
        return document(environment, application="bone-density", volume_digest=self.digest, recipes=self.recipes)

    def deploy(self, **changed: object):
        return self.site.deploy(APPLIANCE, self.document(**changed), self.volume, self.results)


@pytest.fixture
def bench(tmp_path: Path, repo: Path) -> Bench:
    return Bench(tmp_path, repo)


def test_what_fits_is_given_whole(bench: Bench) -> None:
    given = bench.deploy(recipes=("python-imaging",))
    assert (given.cores, given.memory_gb, given.not_given) == (1, 2, ())
    assert (given.recipes, given.sandbox, given.network) == (("python-imaging",), "file modes", True)


def test_what_cannot_be_given_is_said_in_clauses(bench: Bench) -> None:
    given = bench.deploy(
        cores=200,
        memory_gb=64,
        gpus=1,
        storage_gb=10**9,
        recipes=("portal", "htcondor", "octave", "python-imaging", "caffe-models"),
    )
    assert (given.cores, given.memory_gb, given.recipes) == (2, 8, ("python-imaging",))
    clauses = list(given.not_given)
    assert clauses.pop(3).startswith("asked 1000000000 GB of storage, ")
    assert clauses == [
        "asked 200 cores, this machine has 2: jobs run on 2",
        "asked 64 GB of memory, this machine has 8 GB: jobs get 8 GB",
        "asked 1 GPU: none on site local",
        "asked a portal (portal): not on site local",
        "asked a batch queue (htcondor): site local runs jobs itself",
        "asked octave: the program 'octave-cli' is not installed on this machine",
        "asked caffe-models: the Python module 'cv2' is not installed on this machine",
    ]


def test_notebooks_are_given_where_jupyterlab_is_there_and_said_to_be_missing_where_not(bench: Bench) -> None:
    assert bench.deploy(recipes=("notebook",)).recipes == ("notebook",)
    bare = Machine(cores=2, memory_gb=8, gpus=0, has_module=lambda name: name != "jupyterlab")
    bench.site = open_site("local", {}, Ground(bench.appliances, sandbox="file modes", network=True), machine=bare)
    given = bench.deploy(recipes=("notebook",))
    assert given.recipes == ()
    assert given.not_given == ("asked notebook: the Python module 'jupyterlab' is not installed on this machine",)


@pytest.mark.parametrize(
    ("changed", "field", "value"),
    [
        ({"cores": 2}, "cores", 2),
        ({"memory_gb": 5}, "memory_gb", 5),
        ({"days": 10}, "days", 10),
        ({"recipes": ("python-imaging",)}, "recipes", ("python-imaging",)),
        ({"pipeline": "other/2.0.0"}, "pipelines", ("other/2.0.0",)),
    ],
)
def test_a_changed_property_changes_the_deployment(
    bench: Bench, changed: dict[str, object], field: str, value: object
) -> None:
    before = bench.deploy()
    after = bench.deploy(**changed)
    assert getattr(before, field) != value
    assert getattr(after, field) == value
    assert bench.site.find(APPLIANCE) == after
    assert (bench.area / "appliance.tosca.yaml").read_text() == bench.document(**changed)


def test_the_working_area_shows_the_data_and_the_results(bench: Bench) -> None:
    bench.deploy()
    assert (bench.area / "data" / "README").read_text() == "images\n"
    (bench.area / "results" / "x").write_text("a result")
    assert (bench.results / "x").is_file()


def test_the_same_document_again_touches_nothing(bench: Bench) -> None:
    bench.deploy()
    before = (bench.area / "deployment.json").stat()
    bench.deploy()
    assert (bench.area / "deployment.json").stat().st_ino == before.st_ino


def test_a_deployment_that_was_cut_short_is_failed_and_is_made_again(bench: Bench) -> None:
    bench.deploy()
    (bench.area / "deployment.json").unlink()
    (bench.area / ".deployment.json.new").write_text("{")
    assert bench.site.state(APPLIANCE) is ApplianceState.FAILED
    bench.deploy()
    assert bench.site.state(APPLIANCE) is ApplianceState.DEPLOYED
    assert not (bench.area / ".deployment.json.new").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 2}', "\x00"])
def test_a_record_that_cannot_be_read_is_lost_and_never_deployed(bench: Bench, content: str) -> None:
    bench.deploy()
    (bench.area / "deployment.json").write_text(content)
    assert bench.site.state(APPLIANCE) is ApplianceState.LOST
    assert bench.site.find(APPLIANCE) is None
    bench.deploy()
    assert bench.site.state(APPLIANCE) is ApplianceState.DEPLOYED


@pytest.mark.parametrize("key", ["cores", "volume", "network", "pipelines", "document_sha256"])
def test_a_record_with_a_wrong_kind_of_value_is_lost(bench: Bench, key: str) -> None:
    bench.deploy()
    content = json.loads((bench.area / "deployment.json").read_text())
    (bench.area / "deployment.json").write_text(json.dumps(content | {key: None}))
    assert bench.site.state(APPLIANCE) is ApplianceState.LOST


def test_an_appliance_whose_volume_is_gone_is_lost(bench: Bench) -> None:
    bench.deploy()
    bench.volume.rename(bench.volume.with_name("elsewhere"))
    assert bench.site.state(APPLIANCE) is ApplianceState.LOST


def test_removal_leaves_no_trace_but_the_results_and_the_volume(bench: Bench) -> None:
    bench.deploy()
    (bench.results / "report.pdf").write_text("a result")
    bench.site.remove(APPLIANCE)
    assert list(bench.appliances.iterdir()) == []
    assert (bench.results / "report.pdf").is_file()
    assert (bench.volume / "README").is_file()


def test_a_volume_with_another_digest_is_refused(bench: Bench) -> None:
    text = bench.document()
    reopen(bench.volume)
    (bench.volume / "more").write_text("x")
    seal(bench.volume)
    with pytest.raises(VolumeNotSealedHere, match="not the one that the document names"):
        bench.site.deploy(APPLIANCE, text, bench.volume, bench.results)
    assert not bench.area.exists()


def test_a_volume_that_can_be_written_to_is_refused(bench: Bench) -> None:
    (bench.volume / "README").chmod(0o644)
    with pytest.raises(VolumeNotSealedHere, match="can be written to"):
        bench.deploy()


def test_a_folder_that_was_never_sealed_is_refused(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(VolumeNotSealedHere, match="no manifest"):
        bench.site.deploy(APPLIANCE, bench.document(), tmp_path / "nothing", bench.results)


@pytest.mark.parametrize("name", ["", "..", "a/b", "../x", "A", "a\n"])
def test_an_id_that_is_no_folder_of_ours_is_refused(bench: Bench, name: str) -> None:
    with pytest.raises(ApplianceNameInvalid):
        bench.site.remove(ApplianceId(name))


def test_a_working_area_that_cannot_be_written_is_one_sentence(bench: Bench) -> None:
    bench.appliances.mkdir()
    bench.results.write_text("a file where the results should be")
    with pytest.raises(WorkingAreaUnwritable, match="could not write the working area of appliance 'bone-density-a1'"):
        bench.deploy()


def test_this_machine_is_what_this_process_may_use() -> None:
    machine = this_machine()
    assert machine.cores == len(os.sched_getaffinity(0))
    assert machine.memory_gb >= 1
    assert machine.has_module("numpy")
    assert machine.has_program("env")
    assert not machine.has_program("no-such-program")
