"""Site cluster: a Slurm and an HTCondor that others keep, by ssh, with the bank's runs on them."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.others_cluster import OthersCluster, others_cluster
from tests.queued import Desk, make_desk
from tests.waiting import until

from voxpop.appliance.errors import SiteSettingInvalid
from voxpop.appliance.model import Environment, Ground, Workers
from voxpop.appliance.recipes import find_recipes
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.tosca import document, read
from voxpop.backends.sandbox.bubblewrap import Bubblewrap
from voxpop.backends.site.cluster import ClusterSite, open_site
from voxpop.backends.site.cluster.errors import ClusterBusy, ClusterUnfit, ClusterUnreachable
from voxpop.backends.site.cluster.jobs import Hold
from voxpop.backends.site.cluster.trial import Trial
from voxpop.kernel.ids import ApplianceId
from voxpop.run.compare import compare
from voxpop.run.ports import Job, JobSeen, JobState
from voxpop.volume.seal import seal
from voxpop.wiring.sites import CanBeChecked, KeptByOthers

APPLIANCE = ApplianceId("words-a1")
PERSON = 2_000_000_100
REAL = pytest.mark.needs("docker", "mmdebstrap", "bubblewrap")


@pytest.fixture(scope="module", params=["slurm", "htcondor"])
def others(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, repo: Path, engine: str
) -> Iterator[OthersCluster]:
    request.getfixturevalue(f"{request.param}_image")
    with others_cluster(tmp_path_factory.mktemp("others"), repo, engine, request.param) as cluster:
        yield cluster


@pytest.fixture
def site(others: OthersCluster, tmp_path: Path) -> Iterator[ClusterSite]:
    opened = others.site(tmp_path / "appliances")
    yield opened
    opened.remove(APPLIANCE)


def written(others: OthersCluster, volume: Path, *more: str) -> str:
    recipes = find_recipes(others.bench.repo / "recipes")
    asked = ("python-imaging", *more, others.bench.queue)
    environment = Environment("bone-density", asked, 4, 4, 0, 1, 30, "bone-density/1.0.0", Workers(0, 2, 1, 1))
    return document(environment, application="words", volume_digest=seal(volume).digest, recipes=recipes)


def left(others: OthersCluster) -> list[str]:
    """Name what a bank has on the cluster's file system."""
    return sorted(path.name for path in others.bench.bench.glob("voxpop-*"))


def in_queue(others: OthersCluster) -> str:
    command = ["squeue", "-h"] if others.bench.queue == "slurm" else ["condor_q", "-allusers", "-af", "JobStatus"]
    return others.bench.ask(*command)


@REAL
def test_a_cluster_that_others_keep_holds_an_appliance(
    site: ClusterSite, others: OthersCluster, tmp_path: Path
) -> None:
    assert isinstance(site, CanBeChecked)
    assert isinstance(site, KeptByOthers)
    assert site.check()["account"] == str(PERSON)
    text, volume = written(others, others.bench.volume, "octave"), others.bench.volume
    assert site.foretell(text) == ()
    made = site.deploy(APPLIANCE, text, volume, tmp_path / "results")
    assert (made.queue, made.workers) == (others.bench.queue, Workers(0, 2, 1, 1))
    assert made.recipes == ("python-imaging", others.bench.queue)
    assert made.not_given == ("asked octave: the program 'octave-cli' is not installed on site institute",)
    assert site.state(APPLIANCE) is ApplianceState.DEPLOYED
    assert site.deploy(APPLIANCE, text, volume, tmp_path / "results") == made
    site.remove(APPLIANCE)
    site.remove(APPLIANCE)
    assert site.state(APPLIANCE) is ApplianceState.REMOVED
    assert left(others) == []
    assert [*(tmp_path / "appliances").iterdir()] == []


@REAL
def test_a_run_on_it_leaves_what_one_here_leaves(site: ClusterSite, others: OthersCluster, tmp_path: Path) -> None:
    killed = site._bench(APPLIANCE) / "trial-of-a-killed-one"
    killed.mkdir(parents=True)
    (killed / "log.exit").write_text("0\n")
    site.deploy(APPLIANCE, written(others, others.bench.volume), others.bench.volume, tmp_path / "results")
    top = others.bench.bench / "desk"
    desk = _desk(site, top)
    try:
        record = desk.start()
        assert compare(desk.alone(), record).identical
    finally:
        shutil.rmtree(top)
    assert {step.queue for step in record.steps} == {others.bench.queue}
    assert {step.node for step in record.steps} <= {"w1", "w2", "w3"}  # its keepers make workers for jobs
    bench = others.bench.bench / left(others)[0]
    assert [*bench.iterdir()] == []
    assert (bench.stat().st_uid, bench.stat().st_mode & 0o777) == (os.geteuid(), 0o711)


def _desk(site: ClusterSite, top: Path) -> Desk:
    given = site.find(APPLIANCE)
    assert given is not None
    desk = make_desk(top, 3, site.batch(APPLIANCE), given.queue, Bubblewrap([], site.account()))
    desk.place = replace(desk.place, bench=given.bench)
    return desk


@REAL
def test_a_volume_that_its_machines_do_not_see_read_only_is_refused_and_nothing_is_left(
    site: ClusterSite, others: OthersCluster, tmp_path: Path
) -> None:
    unseen, owned = tmp_path / "volume", others.bench.bench / "owned"
    for folder in (unseen, owned):
        folder.mkdir()
        (folder / "README").write_text("images\n")
    with pytest.raises(ClusterUnfit, match="do not see the volume under its name here"):
        site.deploy(APPLIANCE, written(others, unseen), unseen, tmp_path / "results")
    text = written(others, owned)
    os.chown(owned, PERSON, PERSON)
    for path in owned.iterdir():
        os.chown(path, PERSON, PERSON)
    with pytest.raises(ClusterUnfit, match="the account of its jobs owns the volume and could write to it"):
        site.deploy(APPLIANCE, text, owned, tmp_path / "results")
    shutil.rmtree(owned)
    assert left(others) == []
    assert site.state(APPLIANCE) is ApplianceState.REMOVED
    assert site.find(APPLIANCE) is None


@REAL
def test_what_is_removed_leaves_no_job(site: ClusterSite, others: OthersCluster, tmp_path: Path) -> None:
    made = site.deploy(APPLIANCE, written(others, others.bench.volume), others.bench.volume, tmp_path / "results")
    assert made.bench is not None
    folder = made.bench / "words-r1"
    folder.mkdir()
    os.chown(folder, PERSON, PERSON)
    line = "echo here >> seen; while :; do sleep 0.1; echo >> seen; done"
    jobs = [Job(f"stays-{n}", ("/bin/sh", "-c", line), folder, {}, folder / f"log-{n}") for n in range(3)]
    site.batch(APPLIANCE).submit(jobs)
    until((folder / "seen").exists, otherwise=others.bench.told)
    others.site(tmp_path / "appliances").remove(APPLIANCE)  # another process
    assert left(others) == []
    until(lambda: not in_queue(others), otherwise=others.bench.told)


@REAL
def test_a_cluster_that_is_not_who_it_was_is_lost_and_not_spoken_to(
    site: ClusterSite, others: OthersCluster, tmp_path: Path
) -> None:
    text = written(others, others.bench.volume)
    site.deploy(APPLIANCE, text, others.bench.volume, tmp_path / "results")
    known = others.known_hosts.read_text()
    other = "AAAAC3NzaC1lZDI1NTE5AAAAIGwh9AZ2Y1o0QCwqhqVqJvKZlK0c8dQ2b1d0"
    try:
        others.known_hosts.write_text(f"[127.0.0.1]:{others.port} ssh-ed25519 {other}\n")
        assert site.state(APPLIANCE) is ApplianceState.LOST
        with pytest.raises(ClusterUnreachable, match="site 'institute' can't be reached where jobs are handed in"):
            site.batch(APPLIANCE).look(["a"])
    finally:
        others.known_hosts.write_text(known)
    assert site.state(APPLIANCE) is ApplianceState.DEPLOYED


class Waiting:
    """A queue that does not come to a job."""

    name = "slurm"

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def submit(self, jobs: Sequence[Job]) -> None:
        """Take jobs."""
        self.keys |= {job.key for job in jobs}

    def look(self, keys: Sequence[str]) -> Mapping[str, JobSeen]:
        """Say that they wait."""
        return {key: JobSeen(JobState.WAITING) for key in keys}

    def cancel(self, keys: Sequence[str]) -> None:
        """Forget jobs."""
        self.keys -= {*keys}


def test_a_cluster_that_is_too_busy_says_so_and_has_nothing_of_the_trial(tmp_path: Path, repo: Path) -> None:
    queue, recipes = Waiting(), find_recipes(repo / "recipes")
    environment = Environment("bone-density", ("octave", "slurm"), 4, 4, 0, 1, 30, "bone-density/1.0.0")
    blueprint = read(document(environment, application="words", volume_digest="a" * 64, recipes=recipes))
    trial = Trial("institute", APPLIANCE, blueprint, tmp_path, tmp_path, tmp_path)
    with pytest.raises(ClusterBusy, match="'institute' has not done the job that tries it out within 0 s"):
        trial.carry_out(queue, 0)
    assert queue.keys == set()


def test_jobs_of_root_are_refused(tmp_path: Path) -> None:
    settings = {"queue": "slurm", "folder": str(tmp_path), "workers": "1", "cores": "1", "memory_gb": "1"}
    site = open_site("own", settings, Ground(tmp_path / "appliances", "bubblewrap", network=False))
    if os.geteuid() != 0:
        assert site.account() == os.geteuid()
        return
    with pytest.raises(ClusterUnfit, match="jobs would be root's"):
        site.account()
    named = open_site("own", {**settings, "account": "nobody"}, Ground(tmp_path, "bubblewrap", network=False))
    assert named.account() == int(named.on_front_end(APPLIANCE, ["id", "-u"]).stdout)


def test_in_a_container_a_job_sees_its_run_the_data_and_no_network(tmp_path: Path) -> None:
    bench, volume, image = tmp_path / "bench", tmp_path / "volume", tmp_path / "tools.sif"
    run = bench / "words-r1"
    job = Job("a", ("count", "x y"), run / "attempt", {"PATH": "/bank", "A": "b c"}, run / "jobs" / "log", gpus=1)
    held = Hold("/usr/bin", image, (volume,), bench).held(job)
    words = list(held.command)
    assert words[:2] == ["apptainer", "exec"]
    assert words[words.index(str(image)) + 1 :] == ["env", "-i", "A=b c", "PATH=/usr/bin", "count", "x y"]
    binds = [words[n + 1] for n, word in enumerate(words) if word == "--bind"]
    assert binds == [f"{volume}:{volume}:ro", f"{run}:{run}:rw"]
    assert {"--containall", "--no-home", "--nv"} <= {*words}
    assert words[words.index("--network") + 1] == "none"
    assert "--nv" not in Hold("/usr/bin", image, (), bench).held(replace(job, gpus=0)).command
    bare = Hold("/usr/bin", None, (), bench).held(job)
    assert (bare.command, bare.environment) == (job.command, {"PATH": "/usr/bin", "A": "b c"})


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"queue": "pbs"}, "'queue' must be one of slurm, htcondor"),
        ({"queue": ""}, "'queue' is missing"),
        ({"host": "cluster.example.org"}, "must be ACCOUNT@HOST"),
        ({"host": "-oProxyCommand=x@h"}, "must be ACCOUNT@HOST"),
        ({"key_file": ""}, "'key_file' is missing"),
        ({"folder": "shared"}, "must be an absolute path"),
        ({"workers": "many"}, "must be a whole number from 1 on"),
        ({"account": "ann"}, "is for jobs that are handed in here"),
        ({"password": "x"}, "is none: it has"),
    ],
)
def test_a_wrong_setting_is_one_sentence(tmp_path: Path, changed: dict[str, str], sentence: str) -> None:
    settings = {
        "queue": "slurm", "folder": "/shared", "workers": "2", "cores": "4", "memory_gb": "8",
        "host": "ann@cluster.example.org", "key_file": "/keys/id", "known_hosts_file": "/keys/hosts", **changed,
    }  # fmt: skip
    with pytest.raises(SiteSettingInvalid, match=sentence):
        open_site("own", settings, Ground(tmp_path, "bubblewrap", network=False))
