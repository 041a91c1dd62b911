"""Site im, with the real Infrastructure Manager and with the fake one that stands for it where faults are wanted.

One deployment serves all that is asserted of the real service; the tests go through its life in their order.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.docker_engine import docker
from tests.fake_infrastructure_manager import NoSsh, fake_infrastructure_manager
from tests.infrastructure_manager import Manager
from tests.waiting import until

from voxpop.appliance.model import Environment, Ground, Workers
from voxpop.appliance.recipes import Recipe, RecipeKind
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.tosca import document
from voxpop.backends.site.im import ImSite
from voxpop.backends.site.im.infrastructure import Infrastructures
from voxpop.backends.site.im.setup import read_setup
from voxpop.kernel.errors import Refused, Unavailable
from voxpop.kernel.ids import ApplianceId
from voxpop.volume.seal import seal

APPLIANCE = ApplianceId("bone-density-a1")
SLURM = Recipe("slurm", "1.0.0", "a queue", "GPL-2.0-or-later", RecipeKind.BATCH_QUEUE, programs=("sbatch",))
PARTS = ("docker", "mmdebstrap", "docker-registry", "infrastructure-manager", "sshpass")
REAL = pytest.param("real", marks=pytest.mark.needs(*PARTS))
everywhere = pytest.mark.parametrize("place", ["fake", REAL], indirect=True)
on_the_real_one = pytest.mark.parametrize("place", [REAL], indirect=True)

_CONFIGURED_S = 300  # Ansible begins on every machine again, beside whatever else the tests do


@dataclass
class Place:
    """A service with a site on it, and what is deployed there."""

    site: ImSite
    url: str
    users: Path
    cloud_auth: Path
    folder: Path
    document: str
    before: set[str]
    engine: bool

    def deploy(self) -> object:
        """Deploy, or deploy again."""
        return self.site.deploy(APPLIANCE, self.document, self.folder / "volume", self.folder / "results")

    def log(self) -> str:
        """Return what the last configuration of the machines wrote."""
        with Infrastructures("cloud", self.site._setup, self.folder / "appliances").of(APPLIANCE) as infrastructure:
            return infrastructure.log()

    def infrastructures(self) -> list[str]:
        """Ask the service what the appliance's user has; nothing once there is no such user."""
        users = json.loads(self.users.read_text())["users"]
        found: list[str] = []
        for one in users:
            line = f"type = InfrastructureManager; username = {one['username']}; password = {one['password']}"
            headers = {"authorization": f"{line}\\n{self.cloud_auth.read_text().strip()}", "accept": "application/json"}
            listed = httpx.get(f"{self.url}/infrastructures", headers=headers, trust_env=False, timeout=30).json()
            found += [uri["uri"].rpartition("/")[2] for uri in listed["uri-list"]]
        return found


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("bank")
    volume = folder / "volume"
    volume.mkdir()
    (volume / "README").write_text("images\n")
    environment = Environment("bone-density", ("slurm",), 2, 2, 0, 1, 30, "bone-density/1.0.0", Workers(1, 2, 1, 1))
    text = document(
        environment, application="bone-density", volume_digest=seal(volume).digest, recipes={"slurm": SLURM}
    )
    ground = Ground(folder / "appliances", "bubblewrap", network=False)
    if request.param == "real":
        manager: Manager = request.getfixturevalue("manager")
        site = ImSite("cloud", ground, read_setup("cloud", manager.settings()))
        before = _of_engine()
        made = Place(site, manager.url, manager.users, manager.cloud_auth, folder, text, before, engine=True)
        yield from _until_removed(made)
    else:
        with fake_infrastructure_manager(tmp_path_factory.mktemp("fake")) as fake:
            site = ImSite("cloud", ground, read_setup("cloud", fake.settings()), NoSsh)
            yield from _until_removed(
                Place(site, fake.url, fake.users, fake.cloud_auth, folder, text, set(), engine=False)
            )


def _until_removed(made: Place) -> Iterator[Place]:
    try:
        yield made
    finally:
        made.site.remove(APPLIANCE)


def _of_engine() -> set[str]:
    """Name the networks and containers that the service makes on the engine; others of the tests have names."""
    networks = docker("network", "ls", "--format", "{{.Name}}", "--filter", "name=im_").split()
    containers = docker("ps", "--all", "--format", "{{.ID}} {{.Image}}").splitlines()
    return {*networks, *(line for line in containers if "voxpop-im-node" in line)}


@everywhere
def test_a_site_that_is_there_says_who_it_is_for_whom(place: Place) -> None:
    told = place.site.check()
    assert told["users_of_the_service"] == "one an infrastructure"
    assert told["infrastructure_manager"] in ("2.0.0", "fake")
    assert json.loads(place.users.read_text())["users"] == []


@everywhere
def test_a_deployment_that_was_cut_short_goes_on_with_what_was_made(place: Place) -> None:
    setup = place.site._setup
    with Infrastructures("cloud", setup, place.folder / "appliances").made(APPLIANCE, place.document) as begun:
        first = begun.id
    assert place.site.state(APPLIANCE) is ApplianceState.REMOVED
    deployment = place.deploy()
    assert place.infrastructures() == [first]
    assert place.site.find(APPLIANCE) == deployment
    assert place.site.state(APPLIANCE) is ApplianceState.DEPLOYED


@everywhere
def test_deploying_twice_is_one_deployment(place: Place) -> None:
    first = place.site.find(APPLIANCE)
    assert place.deploy() == first
    assert len(place.infrastructures()) == 1


@everywhere
def test_the_least_workers_are_there_and_the_queue_has_them(place: Place) -> None:
    (worker,) = place.site.machines(APPLIANCE)
    assert (worker.name, worker.up) == ("w1", True)
    said = place.site.on_front_end(APPLIANCE, ["voxpop-node", "check", "w1"])
    assert (said.exit_code, said.stderr) == (0, "")


@everywhere
def test_more_workers_than_were_granted_are_refused(place: Place) -> None:
    with pytest.raises(Refused, match="may have 2 workers, w1 to w2"):
        place.site.add_machines(APPLIANCE, ["w3"])
    assert [worker.name for worker in place.site.machines(APPLIANCE)] == ["w1"]


@on_the_real_one
def test_a_job_runs_on_a_worker(place: Place) -> None:
    said = place.site.on_front_end(APPLIANCE, ["srun", "--ntasks", "1", "hostname"])
    assert (said.stdout, said.exit_code) == ("w1\n", 0)


@on_the_real_one
def test_nothing_on_a_node_opens_the_cloud_and_no_secret_shows(place: Place) -> None:
    key = place.site.on_front_end(APPLIANCE, ["cat", "/run/voxpop/queue.key"]).stdout.strip()
    password = json.loads(place.users.read_text())["users"][0]["password"]
    sought = ["sh", "-c", "grep -rlF -f - /etc /root /var/tmp/.im /home /tmp 2>/dev/null; true"]
    cloud = place.cloud_auth.read_text().rpartition("host = ")[2].strip()
    assert place.site.on_front_end(APPLIANCE, sought, stdin=cloud).stdout == ""
    # the service's inventory names the user that made the machines, who is gone: nobody gets in with that
    told = place.site.on_front_end(
        APPLIANCE, ["grep", "-rhoE", "voxpop-[0-9a-z-]+-maker:[^\"' ]+", "/var/tmp/.im"]
    ).stdout
    user, _, old = told.splitlines()[0].partition(":")
    line = f"type = InfrastructureManager; username = {user}; password = {old}"
    assert httpx.get(f"{place.url}/infrastructures", headers={"authorization": line}).status_code == 401
    containers = [line.split()[0] for line in _of_engine() - place.before if " " in line]
    shown = docker("inspect", *containers)
    log = place.log()
    for secret in (key, password):
        assert len(secret) > 16
        assert secret not in shown
        assert secret not in log


@everywhere
def test_a_worker_more_and_one_less(place: Place) -> None:
    place.site.add_machines(APPLIANCE, ["w1", "w2"])
    assert [worker.name for worker in place.site.machines(APPLIANCE)] == ["w1", "w2"]
    asked = ["voxpop-node", "check", "w1", "w2"]
    until(
        lambda: place.site.on_front_end(APPLIANCE, asked).exit_code == 0,
        otherwise=lambda: place.log()[-2000:],
        patience_s=_CONFIGURED_S,
    )
    first, second = place.site.machines(APPLIANCE)
    assert first.since < second.since or not place.engine
    place.site.remove_machines(APPLIANCE, ["w2"])
    place.site.remove_machines(APPLIANCE, ["w2"])
    assert [worker.name for worker in place.site.machines(APPLIANCE)] == ["w1"]
    assert place.site.state(APPLIANCE) is ApplianceState.DEPLOYED


@on_the_real_one
def test_a_front_end_with_another_key_is_not_spoken_to(place: Place) -> None:
    hosts = next((place.folder / "appliances").rglob("front-hosts"))
    known = hosts.read_text()
    try:
        hosts.write_text(
            "voxpop-bone-density-a1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGwh9AZ2Y1o0QCwqhqVqJvKZlK0c8dQ2b1d0\n"
        )
        with pytest.raises(Unavailable, match="front end of appliance 'bone-density-a1' can't be reached"):
            place.site.on_front_end(APPLIANCE, ["true"])
    finally:
        hosts.write_text(known)


@everywhere
def test_what_is_removed_leaves_nothing(place: Place) -> None:
    place.site.remove(APPLIANCE)
    place.site.remove(APPLIANCE)
    assert place.site.state(APPLIANCE) is ApplianceState.REMOVED
    assert place.infrastructures() == []
    assert json.loads(place.users.read_text())["users"] == []
    assert [*(place.folder / "appliances").iterdir()] == []
    assert (place.folder / "results").is_dir()
    if place.engine:
        assert _of_engine() <= place.before
