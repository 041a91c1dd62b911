"""A real Docker engine as a site: images of roles, runs and terminals in containers, and nothing left of them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from unittest import mock

import httpx
import pytest
from tests.docker_engine import docker, docker_site
from tests.waiting import until

from voxpop.appliance.errors import (
    ImageUnbuilt,
    RecipeWithoutRole,
    SiteAbsent,
    SiteInUse,
    SiteKindUnknown,
    SiteNameInvalid,
    SiteSettingInvalid,
    SiteUnreachable,
    VolumeNotSealedHere,
)
from voxpop.appliance.fakes import MemoryAppliances
from voxpop.appliance.images import plan_image
from voxpop.appliance.model import Appliance, Environment, Ground
from voxpop.appliance.recipes import find_recipes
from voxpop.appliance.service import ApplianceService
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.terminals import _NOTEBOOK_LINE, _NOTEBOOK_SOCKET
from voxpop.backends import process
from voxpop.backends.jobs.cwltool.engine import CwltoolEngine
from voxpop.backends.sandbox.bubblewrap import Bubblewrap
from voxpop.backends.site.docker import open_site
from voxpop.backends.site.docker.engine import BAKING, DockerEngine
from voxpop.backends.site.local import open_site as open_local
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.digests import sha256_bytes
from voxpop.kernel.errors import Unavailable
from voxpop.kernel.ids import ApplianceId, ApplicationId, VolumeId
from voxpop.run.fakes import MemoryRuns
from voxpop.run.model import RunRecord
from voxpop.run.pipelines import load_pipeline
from voxpop.run.ports import Confinement, Sandbox, Seat
from voxpop.run.service import Order, RunService, Workplace
from voxpop.volume.seal import seal
from voxpop.web.notebooks.desk import _listens, reached
from voxpop.wiring.settings import read_settings
from voxpop.wiring.system import System
from voxpop.wiring.work import open_work

APPLICATION, VOLUME, ACTOR = ApplicationId("words"), VolumeId("words-v1"), "ada"
LONG_S = 60.0
NAME = "python-imaging"
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
RECIPE = """name: {name}
version: 1.0.0
purpose: A role to try out.
licence: Apache-2.0
needs: []
gives_on: [docker]
provides:
  kind: tool
"""
BUILD = """
import sys
from pathlib import Path
from voxpop.appliance.model import Ground
from voxpop.appliance.recipes import find_recipes
from voxpop.backends.site.docker import open_site
root = Path(sys.argv[2])
ground = Ground(root / "appliances", "bubblewrap", network=False, recipes=find_recipes(root / "recipes"))
open_site("engine", {"host": sys.argv[1]}, ground).build((), print)
"""
PROMISE = "  programs: [nosuchprogram]\n"
TASKS = """---
- name: The first
  ansible.builtin.command: "true"
- name: The second
  ansible.builtin.command: "true"
- name: The third
  ansible.builtin.shell: "{third}"
"""
real = pytest.mark.needs("docker", "mmdebstrap")


class Bench:
    """A sealed volume, the two sites, and runs on them."""

    def __init__(self, root: Path, repo: Path, engine: str) -> None:
        self.root, self.repo = root, repo
        for number in range(3):
            text = root / "volume" / f"sub-{number:03d}" / "text.txt"
            text.parent.mkdir(parents=True)
            text.write_text("word " * (number + 1))
        (root / "volume" / "participants.tsv").write_text("participant_id\n")
        self.digest = seal(root / "volume").digest
        self.docker = docker_site(root / "appliances", repo, engine)
        local = open_local("local", {}, Ground(root / "appliances", Bubblewrap().name, network=False))
        kept = MemoryAppliances()
        recipes = find_recipes(repo / "recipes")
        self.appliances = ApplianceService(kept, {"engine": self.docker, "local": local}, kept, SystemClock(), recipes)
        self.runs = MemoryRuns()
        self.service = RunService(self.runs, CwltoolEngine(), self._sandbox, self.runs, SystemClock())

    def _sandbox(self, place: Workplace) -> Sandbox:
        return self.docker.sandbox(place.appliance, place.image) if place.image else Bubblewrap()

    def planned(self, site: str) -> ApplianceId:
        environment = Environment("words", (NAME,), 2, 2, 0, 1, 1, "tiny/1.0")
        return self.appliances.plan(APPLICATION, environment, VOLUME, self.digest, site, ACTOR).id

    def deployed(self, site: str) -> ApplianceId:
        name = self.planned(site)
        self.appliances.deploy(name, self.root / "volume", self.root / "runs", ACTOR)
        return name

    def run(self, name: ApplianceId, pipeline: str = "tiny") -> RunRecord:
        _, given = self.appliances.deployed(name)
        place = Workplace(
            given.volume, self.digest, given.results, given.cores, given.memory_gb, given.sandbox,
            given.site, name, given.image,
        )  # fmt: skip
        found = load_pipeline(self.repo / "tests" / "pipelines" / pipeline)
        return self.service.start(Order(APPLICATION, name, VOLUME), found, place, ACTOR)


@pytest.fixture
def bench(tmp_path: Path, repo: Path, engine: str, image: str) -> Bench:
    del image
    return Bench(tmp_path, repo, engine)


def baking(areas: Path) -> list[str]:
    """Return what the bank with these areas makes into images now: other tests make theirs on the same engine."""
    bank = sha256_bytes(bytes(areas.absolute()))[:12]
    return containers(f"{BAKING}-{bank}")


def containers(appliance: str) -> list[str]:
    return docker("ps", "--all", "--quiet", "--filter", f"label=voxpop.appliance={appliance}").split()


@real
def test_a_run_on_docker_gives_what_it_gives_on_this_machine(bench: Bench) -> None:
    records = [bench.run(bench.deployed(site)) for site in ("engine", "local")]
    outputs = [{port: [file.sha256 for file in files] for port, files in one.outputs.items()} for one in records]
    assert outputs[0] == outputs[1]
    assert [one.sandbox for one in records] == ["docker", "bubblewrap"]
    assert records[0].environment["image"].startswith("sha256:")
    assert records[0].environment["numpy"] == records[1].environment["numpy"]
    assert containers("words-a1") == []


@real
def test_removing_an_appliance_ends_what_runs_in_it_and_leaves_nothing(bench: Bench) -> None:
    name = bench.deployed("engine")
    _, given = bench.appliances.deployed(name)
    command = [given_python(bench, name), "-c", "import signal; print('begun', flush=True); signal.pause()"]
    log = bench.root / "log"
    child = process.start(bench.docker.sandbox(name, given.image).wrap(command, Confinement((), (), 1, 1)), stdout=log)
    try:
        until(lambda: "begun" in log.read_text())
        assert len(containers(name)) == 1
        bench.appliances.remove(name, ACTOR)
        assert containers(name) == []
        assert child.wait(LONG_S) != 0
        assert [one.name for one in (bench.root / "appliances").iterdir()] == [".images.lock"]
        bench.appliances.remove(name, ACTOR)
    finally:
        child.kill()


@real
def test_a_person_at_a_terminal_sees_the_data_and_a_folder_of_their_own(bench: Bench) -> None:
    name = bench.deployed("engine")
    _, given = bench.appliances.deployed(name)
    sandbox = bench.docker.sandbox(name, given.image)
    accounts, home = bench.root / "passwd", bench.root / "home"
    accounts.write_text(f"ada:x:{sandbox.person('ada')}:{sandbox.person('ada')}::{sandbox.home(home)}:/bin/bash\n")
    home.mkdir(mode=0o700)
    seat = Seat("ada", name, given.volume, (), home, accounts, 1, 1)
    line = "cat $DATA/sub-000/text.txt; whoami; touch $DATA/x; touch /x; echo mine > note; grep Cap /proc/self/status"
    said = typed(sandbox.wrap_terminal(seat, line))
    assert said.startswith("word ada\n")
    assert said.count("Read-only file system") == 2
    assert "CapEff:\t0000000000000000" in said
    assert (home / "note").read_text() == "mine\n"
    terminal = process.open_terminal(sandbox.wrap_terminal(seat), env=ENVIRONMENT, size=(24, 80))
    until(lambda: docker("ps", "--quiet", "--filter", f"label=voxpop.appliance={name}"))
    terminal.close()
    until(lambda: not containers(name))


@real
def test_a_container_whose_starter_ended_before_it_began_goes_with_the_next(bench: Bench) -> None:
    name = bench.deployed("engine")
    _, given = bench.appliances.deployed(name)
    leases = bench.root / "appliances" / name / "leases"
    leases.mkdir()
    (leases / "old").touch()
    os.utime(leases / "old", (0, 0))
    docker("create", "--label", f"voxpop.appliance={name}", "--label", "voxpop.lease=old", given.image, "true")
    assert len(containers(name)) == 1
    bench.docker.sandbox(name, given.image).wrap(["true"], Confinement((), (), 1, 1))
    assert containers(name) == []
    assert "old" not in [one.name for one in leases.iterdir()]


@real
@pytest.mark.slow
def test_a_notebook_answers_out_of_its_container_and_ends_with_it(bench: Bench) -> None:
    name, built = ApplianceId("words-a9"), bench.docker.build(("notebook",), print)
    sandbox = bench.docker.sandbox(name, built.id)
    accounts, home = bench.root / "passwd", bench.root / "home"
    accounts.write_text(f"ada:x:{sandbox.person('ada')}:{sandbox.person('ada')}::{sandbox.home(home)}:/bin/bash\n")
    home.mkdir(mode=0o700)
    seat = Seat("ada", name, bench.root / "volume", (), home, accounts, 1, 2)
    terminal = process.open_terminal(sandbox.wrap_terminal(seat, _NOTEBOOK_LINE), env=ENVIRONMENT, size=(24, 80))
    try:
        until(lambda: _listens(home / _NOTEBOOK_SOCKET))
        with (
            reached(home / _NOTEBOOK_SOCKET) as path,
            httpx.Client(
                transport=httpx.HTTPTransport(uds=path), base_url="http://localhost", timeout=LONG_S
            ) as client,
        ):
            assert client.get("/api/contents").json()["content"] == []
            assert client.post("/api/kernels", json={"name": "python3"}).status_code == 201
    finally:
        terminal.close()
    until(lambda: not containers(name))
    assert not _listens(home / _NOTEBOOK_SOCKET)


@real
def test_an_image_that_is_gone_makes_the_appliance_lost(bench: Bench) -> None:
    name = bench.deployed("engine")
    record = bench.root / "appliances" / name / "deployment.json"
    record.write_text(record.read_text().replace('"image": "sha256:', '"image": "sha256:0'))
    assert bench.docker.state(name) is ApplianceState.LOST


@real
def test_a_volume_that_the_engine_does_not_see_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = bench.root / "elsewhere"
    elsewhere.mkdir()
    seen = DockerEngine.try_out
    monkeypatch.setattr(DockerEngine, "try_out", lambda self, *asked: seen(self, *asked[:3], elsewhere, asked[4]))
    with pytest.raises(VolumeNotSealedHere, match="is not seen by site 'engine'"):
        bench.deployed("engine")


@real
def test_a_role_that_fails_is_told_by_its_task_and_leaves_nothing(tmp_path: Path, engine: str, image: str) -> None:
    del image
    for name, third in (("pipeline-runner", "true"), ("broken", "echo no such thing >&2; false")):
        tasks = tmp_path / "recipes" / name / "tasks" / "main.yml"
        tasks.parent.mkdir(parents=True)
        (tasks.parent.parent / "recipe.yaml").write_text(RECIPE.format(name=name))
        tasks.write_text(TASKS.format(third=third))
    ground = Ground(tmp_path / "appliances", "bubblewrap", network=False, recipes=find_recipes(tmp_path / "recipes"))
    site = open_site("engine", {"host": engine}, ground)
    with pytest.raises(ImageUnbuilt, match="the task 'broken : The third' failed; its last words: no such thing"):
        site.build(("broken",), print)
    assert plan_image(("broken",), ground.recipes).layers[-1] not in docker(
        "images", "--format", "{{.Repository}}:{{.Tag}}"
    )
    assert baking(tmp_path / "appliances") == []


@real
def test_an_image_whose_making_was_killed_is_made_anew_and_nothing_of_it_stays(
    tmp_path: Path, engine: str, image: str
) -> None:
    tasks = tmp_path / "recipes" / "pipeline-runner" / "tasks" / "main.yml"
    tasks.parent.mkdir(parents=True)
    (tasks.parent.parent / "recipe.yaml").write_text(RECIPE.format(name="pipeline-runner"))
    tasks.write_text(TASKS.format(third=f"test -e /build/roles/pipeline-runner/go || sleep 600 # {tmp_path}"))
    child = subprocess.Popen([sys.executable, "-c", BUILD, engine, str(tmp_path)])
    until(lambda: baking(tmp_path / "appliances"))
    child.kill()
    child.wait(LONG_S)
    (tasks.parent.parent / "go").touch()
    ground = Ground(tmp_path / "appliances", "bubblewrap", network=False, recipes=find_recipes(tmp_path / "recipes"))
    made = open_site("engine", {"host": engine}, ground).build((), print)
    assert made.built
    assert made.id != image
    assert baking(tmp_path / "appliances") == []
    docker("rmi", "--force", made.id)


@real
def test_a_recipe_that_promises_more_than_it_brings_makes_no_image(tmp_path: Path, engine: str, image: str) -> None:
    del image
    tasks = tmp_path / "recipes" / "pipeline-runner" / "tasks" / "main.yml"
    tasks.parent.mkdir(parents=True)
    (tasks.parent.parent / "recipe.yaml").write_text(RECIPE.format(name="pipeline-runner") + PROMISE)
    tasks.write_text(TASKS.format(third="true"))
    ground = Ground(tmp_path / "appliances", "bubblewrap", network=False, recipes=find_recipes(tmp_path / "recipes"))
    site = open_site("engine", {"host": engine}, ground)
    with pytest.raises(ImageUnbuilt, match=r"recipe 'pipeline-runner' brings what it promises failed; .*nosuchprogram"):
        site.build((), print)
    assert plan_image((), ground.recipes).layers[-1] not in docker("images", "--format", "{{.Repository}}:{{.Tag}}")
    assert baking(tmp_path / "appliances") == []


@real
def test_two_deployments_at_once_are_one(bench: Bench) -> None:
    name = bench.planned("engine")
    text = bench.appliances.document(name)
    with ThreadPoolExecutor(4) as pool:
        made = [
            pool.submit(bench.docker.deploy, name, text, bench.root / "volume", bench.root / "runs") for _ in range(4)
        ]
        answers = [one.result() for one in made]
    assert all(answer == answers[0] for answer in answers)
    assert bench.docker.find(name) == answers[0]


@real
@pytest.mark.slow
def test_the_banks_own_image_serves_the_portal(repo: Path, engine: str) -> None:
    tool = [sys.executable, str(repo / "tools" / "bank_image.py"), "--host", engine, "--tag", "voxpop/bank:tried"]
    made = subprocess.run(tool, capture_output=True, text=True, check=False, timeout=580)
    assert made.returncode == 0, made.stderr
    confined = ["--security-opt", "seccomp=unconfined", "--security-opt", "systempaths=unconfined"]
    name = docker("run", "--detach", "--publish", "127.0.0.1::8321", *confined, "voxpop/bank:tried").strip()
    try:
        port = docker("port", name, "8321").strip()
        until(lambda: answers(f"http://{port}/readyz"))
        assert docker("exec", name, "id", "-un") == "voxpop\n"
        told = docker("exec", name, "voxpop", "doctor")
        assert "bubblewrap keeps runs in their place" in told
        assert "\nbad" not in told
        docker("stop", name)
        assert docker("inspect", "--format", "{{.State.ExitCode}}", name) == "0\n"
    finally:
        docker("rm", "--force", name)


def test_an_engine_that_is_not_there_is_told_in_one_sentence(tmp_path: Path) -> None:
    site = open_site("engine", {"host": f"unix://{tmp_path}/none.sock"}, Ground(tmp_path, "bubblewrap", network=False))
    with pytest.raises(SiteUnreachable, match="site 'engine' does not answer"):
        site.check()
    with pytest.raises(Unavailable):
        site.remove(ApplianceId("a1"))
    assert site.state(ApplianceId("a1")) is ApplianceState.REMOVED


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"hots": "x"}, "the setting 'hots' is none"),
        ({"host": "docker.sock"}, "must be unix:///PATH or tcp://HOST:PORT"),
        ({"host": "tcp://127.0.0.1:2375"}, "needs TLS"),
        ({"host": "tcp://127.0.0.1:2376", "tls_ca_file": "/ca"}, "give all of"),
        ({"cores": "0"}, "must be a whole number from 1 on"),
        ({"memory_gb": "much"}, "must be a whole number from 1 on"),
        ({"workers": "-1"}, "must be a whole number from 1 on"),
        ({"gpus": "all"}, "must be a whole number from 1 on"),
        ({"mirror": "file:///etc"}, "must be an address of a Debian mirror"),
    ],
)
def test_a_wrong_setting_is_refused(tmp_path: Path, settings: dict[str, str], fault: str) -> None:
    with pytest.raises(SiteSettingInvalid, match=fault):
        open_site("engine", settings, Ground(tmp_path, "bubblewrap", network=False))


def test_the_name_of_an_image_is_made_from_all_that_goes_in(tmp_path: Path, repo: Path) -> None:
    copied = tmp_path / "recipes"
    shutil.copytree(repo / "recipes", copied)
    first = plan_image((NAME,), find_recipes(repo / "recipes"))
    for left in (".cache/types.json", "__pycache__/a.pyc"):
        (copied / NAME / left).parent.mkdir()
        (copied / NAME / left).touch()
    assert plan_image((NAME,), find_recipes(copied)) == replace(first, recipes=mock.ANY)
    with (copied / "python-imaging" / "files" / "requirements.txt").open("a") as pins:
        pins.write("zipp==3.20.0\n")
    assert plan_image((NAME,), find_recipes(copied)).layers != first.layers
    assert [one.name for one in first.recipes] == ["pipeline-runner", "python-imaging"]
    mixed = [plan_image(asked, find_recipes(repo / "recipes")) for asked in (("octave", NAME), (NAME, "octave"))]
    assert mixed[0] == mixed[1]
    other = plan_image(("octave",), find_recipes(repo / "recipes"))
    assert (other.layers[0] == first.layers[0], other.tag == first.tag) == (True, False)


def test_a_queue_comes_last_in_an_image_and_brings_what_makes_a_machine_its_node(repo: Path) -> None:
    recipes = find_recipes(repo / "recipes")
    names = [recipe.name for recipe in plan_image(("slurm", NAME, "portal"), recipes).recipes]
    assert names == ["pipeline-runner", NAME, "slurm", "cluster-node"]
    assert plan_image((NAME, "slurm"), recipes).layers[:2] == plan_image((NAME,), recipes).layers


def test_a_recipe_without_a_role_is_in_no_image(tmp_path: Path, repo: Path) -> None:
    copied = tmp_path / "recipes"
    shutil.copytree(repo / "recipes", copied)
    shutil.rmtree(copied / "octave" / "tasks")
    with pytest.raises(RecipeWithoutRole, match="'octave' has no Ansible role"):
        plan_image(("octave",), find_recipes(copied))


def test_a_bank_connects_sites_and_forgets_those_that_nothing_stands_on(tmp_path: Path) -> None:
    work = open_work(tmp_path / "bank", create=True)
    system = System(work, read_settings(work.root, "Tess Technical"), SystemClock())
    with pytest.raises(SiteNameInvalid):
        system.sites.connect("local", "docker", {}, "tess")
    with pytest.raises(SiteKindUnknown, match="give one of cluster, docker"):
        system.sites.connect("engine", "dokcer", {}, "tess")
    with pytest.raises(SiteAbsent):
        system.sites.check("engine")
    system.sites.connect("engine", "docker", {"host": f"unix://{tmp_path}/none.sock"}, "tess")
    assert list(system.sites) == ["local", "engine"]
    with pytest.raises(SiteUnreachable):
        system.sites.check("engine")
    assert system.sites.check("local") == {}
    with pytest.raises(SiteNameInvalid):
        system.sites.remove("local", "tess")
    system.sites.remove("engine", "tess")
    with pytest.raises(SiteAbsent):
        system.sites.remove("engine", "tess")
    assert list(system.sites) == ["local"]
    actions = [link.event.action for link in system.ledger.links("site:engine")]
    assert actions == ["site.connected", "site.removed"]


@pytest.mark.parametrize("state", [state for state in ApplianceState if state is not ApplianceState.REMOVED])
def test_a_site_is_not_forgotten_under_an_appliance_even_one_that_is_just_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: ApplianceState
) -> None:
    work = open_work(tmp_path / "bank", create=True)
    system = System(work, read_settings(work.root, "Tess Technical"), SystemClock())
    system.sites.connect("engine", "docker", {"host": f"unix://{tmp_path}/none.sock"}, "tess")
    one = Appliance(ApplianceId("words-a1"), APPLICATION, VOLUME, "engine", state, "0" * 64, SystemClock().now())
    monkeypatch.setattr(system.appliance_records, "every", lambda: [one])
    with pytest.raises(SiteInUse, match="stands appliance 'words-a1'"):
        system.sites.remove("engine", "tess")
    monkeypatch.setattr(system.appliance_records, "every", lambda: [replace(one, state=ApplianceState.REMOVED)])
    system.sites.remove("engine", "tess")


def given_python(bench: Bench, name: ApplianceId) -> str:
    _, given = bench.appliances.deployed(name)
    return bench.docker.sandbox(name, given.image).python


def typed(command: Sequence[str]) -> str:
    """Return what a terminal's command writes to its end."""
    terminal = process.open_terminal(command, env=ENVIRONMENT, size=(24, 80))
    said = b""
    try:
        while chunk := terminal.read(LONG_S):
            said += chunk
    finally:
        terminal.close()
    return said.decode().replace("\r\n", "\n")


def answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
