"""Site im when its service is down, slow, broken, or no longer knows us: one sentence each, and nothing left behind."""

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fake_infrastructure_manager import Fake, Infrastructure, NoSsh, fake_infrastructure_manager

from voxpop.appliance.errors import SiteSettingInvalid
from voxpop.appliance.model import Environment, Ground, Workers
from voxpop.appliance.ports import Said
from voxpop.appliance.recipes import Recipe, RecipeKind, find_recipes
from voxpop.appliance.roles import packed
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.tosca import document
from voxpop.backends.site.im import ImSite, open_site
from voxpop.backends.site.im.errors import FrontEndUnreachable
from voxpop.backends.site.im.infrastructure import Infrastructures
from voxpop.backends.site.im.setup import read_setup
from voxpop.kernel.errors import Refused, Unavailable, VoxpopError
from voxpop.kernel.ids import ApplianceId
from voxpop.volume.seal import seal
from voxpop.wiring.sites import HoldsRuns

APPLIANCE = ApplianceId("bone-density-a1")
ALL = r"/infrastructures"
ONE = r"/infrastructures/[^/]+"
SLURM = Recipe("slurm", "1.0.0", "a queue", "GPL-2.0-or-later", RecipeKind.BATCH_QUEUE)
OCTAVE = Recipe("octave", "1.0.0", "GNU Octave", "GPL-3.0-or-later", RecipeKind.TOOL)
ENVIRONMENT = Environment("bone-density", ("slurm",), 4, 4, 0, 1, 30, "bone-density/1.0.0", Workers(0, 4, 1, 1))


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with fake_infrastructure_manager(tmp_path) as running:
        yield running


def site_of(fake: Fake, tmp_path: Path, **settings: str) -> ImSite:
    given = {**fake.settings(), **settings}
    ground = Ground(tmp_path / "appliances", "bubblewrap", network=False)
    return ImSite("cloud", ground, read_setup("cloud", given), NoSsh)


def written(tmp_path: Path, environment: Environment = ENVIRONMENT) -> str:
    volume = tmp_path / "volume"
    if not volume.exists():
        volume.mkdir()
        (volume / "README").write_text("images\n")
    recipes = {"slurm": SLURM, "octave": OCTAVE}
    return document(environment, application="bone-density", volume_digest=seal(volume).digest, recipes=recipes)


def deploy(site: ImSite, tmp_path: Path, environment: Environment = ENVIRONMENT) -> None:
    site.deploy(APPLIANCE, written(tmp_path, environment), tmp_path / "volume", tmp_path / "results")


def refused(site: ImSite, tmp_path: Path) -> str:
    with pytest.raises(VoxpopError) as caught:
        deploy(site, tmp_path)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    return str(caught.value)


def nothing_is_left(fake: Fake, site: ImSite, tmp_path: Path) -> bool:
    users = json.loads(fake.users.read_text())["users"]
    folder = tmp_path / "appliances"
    kept = [*folder.iterdir()] if folder.exists() else []
    return (fake.infrastructures, users, kept, site.find(APPLIANCE)) == ({}, [], [], None)


def test_machines_that_can_not_be_configured_are_destroyed_and_their_last_words_told(
    fake: Fake, tmp_path: Path
) -> None:
    fake.ends = "unconfigured"
    site = site_of(fake, tmp_path)
    told = refused(site, tmp_path)
    assert "its machines being unconfigured, and nothing of it is left; the last words of its log: fatal" in told
    assert "ERROR executing task voxpop_front" in told
    assert nothing_is_left(fake, site, tmp_path)


def test_machines_that_are_not_configured_in_time_are_destroyed(fake: Fake, tmp_path: Path) -> None:
    fake.ends = "running"
    site = site_of(fake, tmp_path, patience_s="1")
    assert "not being configured within 1 s" in refused(site, tmp_path)
    assert nothing_is_left(fake, site, tmp_path)


@pytest.mark.parametrize(
    ("method", "path", "fault", "sentence"),
    [
        ("POST", ALL, 500, "site 'cloud' does not answer (it answers with status 500)"),
        ("POST", ALL, 400, "site 'cloud' refuses it; its words: Error: it went wrong"),
        ("POST", ALL, -1.0, "site 'cloud' does not answer (no Infrastructure Manager is there)"),
        ("POST", ALL, 2.0, "site 'cloud' does not answer (it takes too long)"),
        ("GET", ALL, 401, "site 'cloud' does not accept our credentials, or no longer"),
        ("POST", ONE + "/authorization", 500, "site 'cloud' does not answer (it answers with status 500)"),
        ("PUT", ONE + "/reconfigure", 500, "site 'cloud' does not answer (it answers with status 500)"),
        ("PUT", ONE + "/reconfigure", 401, "site 'cloud' does not accept our credentials, or no longer"),
        ("GET", ONE + "/state", 500, "site 'cloud' does not answer (it answers with status 500)"),
        ("GET", ONE + "/state", 404, "its machines being gone, and nothing of it is left"),
        ("GET", ONE + "/contmsg", 503, "site 'cloud' does not answer (it answers with status 503)"),
    ],
)
def test_a_fault_in_the_middle_is_one_sentence_and_nothing_is_left(
    fake: Fake, tmp_path: Path, method: str, path: str, fault: float, sentence: str
) -> None:
    site = site_of(fake, tmp_path, answer_s="1")
    fake.faults[method, path] = fault
    assert sentence in refused(site, tmp_path)
    fake.faults.clear()
    site.remove(APPLIANCE)
    assert nothing_is_left(fake, site, tmp_path)
    deploy(site, tmp_path)
    assert site.state(APPLIANCE) is ApplianceState.DEPLOYED


def test_a_retry_after_a_lost_answer_makes_one_appliance(fake: Fake, tmp_path: Path) -> None:
    site = site_of(fake, tmp_path)
    fake.faults |= {("POST", ALL): -1.0, ("DELETE", ONE): 500}
    told = refused(site, tmp_path)
    assert "could not be removed from site 'cloud' then: `voxpop appliance remove bone-density-a1` does" in told
    (made,) = fake.infrastructures
    fake.faults.clear()
    deploy(site, tmp_path)
    assert [*fake.infrastructures] == [made]


def test_two_deployments_at_once_make_one_appliance(fake: Fake, tmp_path: Path) -> None:
    site = site_of(fake, tmp_path)
    text = written(tmp_path)
    with ThreadPoolExecutor(3) as pool:
        where = tmp_path / "volume", tmp_path / "results"
        made = [*pool.map(lambda _: site.deploy(APPLIANCE, text, *where), range(3))]
    assert made[0] == made[1] == made[2]
    assert len(fake.infrastructures) == 1


def test_another_document_is_another_infrastructure(fake: Fake, tmp_path: Path) -> None:
    site = site_of(fake, tmp_path)
    deploy(site, tmp_path)
    (first,) = fake.infrastructures
    deploy(site, tmp_path, replace(ENVIRONMENT, days=60))
    (second,) = fake.infrastructures
    assert first != second


def test_two_appliances_have_two_users_and_know_nothing_of_each_other(fake: Fake, tmp_path: Path) -> None:
    site = site_of(fake, tmp_path)
    text = written(tmp_path)
    for name in ("bone-density-a1", "bone-density-a2"):
        site.deploy(ApplianceId(name), text, tmp_path / "volume", tmp_path / "results")
    users = {one["username"] for one in json.loads(fake.users.read_text())["users"]}
    assert [len(one.owners & users) for one in fake.infrastructures.values()] == [1, 1]
    assert len(users) == 2
    site.remove(ApplianceId("bone-density-a1"))
    (left,) = fake.infrastructures.values()
    assert "bone-density-a2" in left.document


def test_one_user_for_all_is_told_and_finds_its_own_by_name(fake: Fake, tmp_path: Path) -> None:
    fake.users.write_text(json.dumps({"users": [{"username": "bank", "password": "hunter2hunter2"}]}))
    ours = tmp_path / "im-auth"
    ours.write_text("type = InfrastructureManager; username = bank; password = hunter2hunter2\n")
    ours.chmod(0o600)
    settings = {key: value for key, value in fake.settings().items() if key != "user_db"}
    setup = read_setup("cloud", {**settings, "im_auth_file": str(ours)})
    site = ImSite("cloud", Ground(tmp_path / "appliances", "bubblewrap", network=False), setup, NoSsh)
    assert site.check()["users_of_the_service"] == "one for all infrastructures"
    text = written(tmp_path)
    for name in ("bone-density-a1", "bone-density-a2"):
        site.deploy(ApplianceId(name), text, tmp_path / "volume", tmp_path / "results")
    site.remove(ApplianceId("bone-density-a1"))
    (left,) = fake.infrastructures.values()
    assert "bone-density-a2" in left.document
    assert site.state(ApplianceId("bone-density-a2")) is ApplianceState.DEPLOYED


def test_a_state_that_can_not_be_read_is_lost_and_workers_are_not_known_to_be_gone(fake: Fake, tmp_path: Path) -> None:
    site = site_of(fake, tmp_path)
    deploy(site, tmp_path)
    fake.faults["GET", ALL] = 500
    assert site.state(APPLIANCE) is ApplianceState.LOST
    with pytest.raises(Unavailable):
        site.machines(APPLIANCE)
    fake.faults.clear()
    fake.infrastructures.clear()
    assert site.state(APPLIANCE) is ApplianceState.LOST
    with pytest.raises(Unavailable, match="has no machines of appliance 'bone-density-a1'"):
        site.machines(APPLIANCE)


def test_a_worker_that_has_died_is_made_anew(fake: Fake, tmp_path: Path) -> None:
    site = site_of(fake, tmp_path)
    deploy(site, tmp_path)
    site.add_machines(APPLIANCE, ["w1", "w2"])
    (one,) = fake.infrastructures.values()
    dead = next(number for number, machine in one.machines.items() if machine["id"] == "w1")
    one.machines[dead]["state"] = "failed"
    assert [worker.up for worker in site.machines(APPLIANCE)] == [False, True]
    site.add_machines(APPLIANCE, ["w1", "w2"])
    assert [worker.up for worker in site.machines(APPLIANCE)] == [True, True]
    assert dead not in one.machines


def test_a_worker_that_is_not_there_yet_is_not_made_anew(fake: Fake, tmp_path: Path) -> None:
    site = site_of(fake, tmp_path)
    deploy(site, tmp_path)
    site.add_machines(APPLIANCE, ["w1"])
    (one,) = fake.infrastructures.values()
    coming = next(number for number, machine in one.machines.items() if machine["id"] == "w1")
    for state in ("pending", "unknown", "running"):
        one.machines[coming]["state"] = state
        site.add_machines(APPLIANCE, ["w1"])
        assert [*one.machines] == ["0", coming]


def test_a_service_that_is_away_for_a_while_costs_nobody_the_machines_that_stood(fake: Fake, tmp_path: Path) -> None:
    site = site_of(fake, tmp_path)
    deploy(site, tmp_path)
    there = dict(fake.infrastructures)
    fake.faults["GET", ALL] = 500
    assert "does not answer (it answers with status 500)" in refused(site, tmp_path)
    fake.faults.clear()
    next(iter(there.values())).machines["0"]["state"] = "off"  # so that it is configured again
    fake.faults["PUT", ONE + "/reconfigure"] = 503
    assert "does not answer (it answers with status 503)" in refused(site, tmp_path)
    fake.faults.clear()
    assert fake.infrastructures == there
    deploy(site, tmp_path)
    assert fake.infrastructures == there
    assert site.state(APPLIANCE) is ApplianceState.DEPLOYED


def test_what_the_service_lists_after_it_was_destroyed_is_told_and_its_user_stays(fake: Fake, tmp_path: Path) -> None:
    site = site_of(fake, tmp_path)
    deploy(site, tmp_path)
    fake.keeps = True
    with pytest.raises(Unavailable, match="still lists machines of appliance 'bone-density-a1'"):
        site.remove(APPLIANCE)
    assert len(json.loads(fake.users.read_text())["users"]) == 1
    fake.keeps = False
    site.remove(APPLIANCE)
    assert nothing_is_left(fake, site, tmp_path)


def test_all_that_an_appliances_users_have_goes_with_it_whatever_it_is_called(fake: Fake, tmp_path: Path) -> None:
    site = site_of(fake, tmp_path)
    deploy(site, tmp_path)
    (name,) = (one["username"] for one in json.loads(fake.users.read_text())["users"])
    fake.infrastructures["by-a-lost-answer"] = Infrastructure({name}, "tosca_definitions_version: x\n", {})
    fake.faults["GET", "/infrastructures/by-a-lost-answer/tosca"] = 404
    assert site.state(APPLIANCE) is ApplianceState.DEPLOYED
    site.remove(APPLIANCE)
    assert nothing_is_left(fake, site, tmp_path)


def test_a_user_that_a_cut_short_deployment_left_goes_with_the_next(fake: Fake, tmp_path: Path) -> None:
    site = site_of(fake, tmp_path)
    text = written(tmp_path)
    with Infrastructures("cloud", site._setup, tmp_path / "appliances").made(APPLIANCE, text):
        pass
    users = json.loads(fake.users.read_text())["users"]
    maker = {"username": f"{users[0]['username']}-maker", "password": "left"}
    fake.users.write_text(json.dumps({"users": [*users, maker]}))
    deploy(site, tmp_path)
    assert json.loads(fake.users.read_text())["users"] == users


def test_a_deployment_that_is_interrupted_leaves_nothing(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_of(fake, tmp_path)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(NoSsh, "do", interrupted)
        with pytest.raises(KeyboardInterrupt):
            deploy(site, tmp_path)
    assert nothing_is_left(fake, site, tmp_path)


def test_a_front_end_whose_sshd_begins_again_is_waited_for(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_of(fake, tmp_path)
    tries: list[Sequence[str]] = []
    well = NoSsh.do

    def later(self: NoSsh, command: Sequence[str], stdin: str = "") -> Said:
        tries.append(command)
        if len(tries) == 1:
            raise FrontEndUnreachable(APPLIANCE, "connection refused")
        return well(self, command, stdin)

    monkeypatch.setattr(NoSsh, "do", later)
    deploy(site, tmp_path)
    assert tries == [["voxpop-node", "check"]] * 2
    assert site.state(APPLIANCE) is ApplianceState.DEPLOYED


def test_an_environment_without_a_queue_is_for_another_site(fake: Fake, tmp_path: Path) -> None:
    plain = replace(ENVIRONMENT, recipes=("octave",), workers=None)
    with pytest.raises(Refused, match="the application asks for no batch queue"):
        deploy(site_of(fake, tmp_path), tmp_path, plain)
    assert fake.asked == []


def test_no_run_goes_to_the_banks_own_machine_instead(fake: Fake, tmp_path: Path) -> None:
    site = site_of(fake, tmp_path)
    assert isinstance(site, HoldsRuns)
    with pytest.raises(Refused, match="its machines on site 'cloud' do not see the data; deploy on another site"):
        site.sandbox(APPLIANCE, "image")


def test_what_the_service_is_sent_holds_no_secret(fake: Fake, tmp_path: Path) -> None:
    site = site_of(fake, tmp_path)
    deploy(site, tmp_path)
    password = json.loads(fake.users.read_text())["users"][0]["password"]
    sent = "\n".join(one for one in fake.asked if "/authorization" not in one)
    assert "hunter2" not in sent
    assert password not in sent
    assert "PRIVATE KEY" not in sent
    private = next((tmp_path / "appliances").rglob("front-key"))
    assert private.stat().st_mode & 0o077 == 0
    assert (tmp_path / "appliances" / ".infrastructures").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"url": "http://im.example.org:8800"}, "must begin with https"),
        ({"url": "im.example.org"}, "must be an address"),
        ({"image": ""}, "'image' is missing"),
        ({"im_auth_file": "/x"}, "give one of them"),
        ({"patience_s": "soon"}, "must be a whole number from 1 on"),
        ({"roles_url": "ftp://x"}, "must be an address"),
        ({"verify": "no"}, "is none: it has"),
    ],
)
def test_a_wrong_setting_is_one_sentence(fake: Fake, tmp_path: Path, changed: dict[str, str], sentence: str) -> None:
    with pytest.raises(SiteSettingInvalid, match=sentence):
        open_site("cloud", {**fake.settings(), **changed}, Ground(tmp_path, "bubblewrap", network=False))


def test_the_services_file_of_users_stays_its_owners_and_keeps_the_others(fake: Fake, tmp_path: Path) -> None:
    other = {"username": "somebody", "password": "else"}
    fake.users.write_text(json.dumps({"users": [other]}))
    fake.users.chmod(0o640)
    os.chown(fake.users, 12345 if os.geteuid() == 0 else -1, -1)
    owner = fake.users.stat().st_uid
    site = site_of(fake, tmp_path)
    deploy(site, tmp_path)
    site.remove(APPLIANCE)
    assert json.loads(fake.users.read_text())["users"] == [other]
    assert (fake.users.stat().st_uid, fake.users.stat().st_mode & 0o777) == (owner, 0o640)


@pytest.mark.parametrize("content", ["", "[]", '{"users": 3}', '{"users": ["x"]}'])
def test_a_file_of_users_that_is_none_is_one_sentence(fake: Fake, tmp_path: Path, content: str) -> None:
    fake.users.write_text(content)
    assert "which is no JSON with a list 'users': mend that" in refused(site_of(fake, tmp_path), tmp_path)


def test_credentials_that_others_may_read_are_not_used(fake: Fake, tmp_path: Path) -> None:
    fake.cloud_auth.chmod(0o640)
    assert "which others may read: `chmod 600" in refused(site_of(fake, tmp_path), tmp_path)
    assert fake.infrastructures == {}


def test_a_role_is_packed_into_the_same_bytes_each_time(repo: Path) -> None:
    recipe = find_recipes(repo / "recipes")["octave"]
    assert packed(recipe) == packed(recipe)
    assert packed(recipe).name.startswith("octave-")


def test_machines_fetch_roles_by_their_digest(fake: Fake, tmp_path: Path, repo: Path) -> None:
    ground = Ground(tmp_path / "appliances", "bubblewrap", network=False, recipes=find_recipes(repo / "recipes"))
    setup = read_setup("cloud", {**fake.settings(), "roles_url": "https://bank.example.org/roles"})
    site = ImSite("cloud", ground, setup, NoSsh)
    deploy(site, tmp_path, replace(ENVIRONMENT, recipes=("slurm", "octave")))
    sent = next(one for one in fake.asked if one.startswith("PUT"))
    name = packed(ground.recipes["octave"]).name
    assert f"https://bank.example.org/roles/{name}" in sent
    assert f"checksum: sha256:{name.removeprefix('octave-').removesuffix('.tar.gz')}" in sent
