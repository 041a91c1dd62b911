"""Appliances with a queue on a real Docker engine: a front end, workers that come and go, and nothing left of them."""

import http.server
import json
import socketserver
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.docker_engine import docker, docker_site
from tests.waiting import until

from voxpop.appliance import card
from voxpop.appliance.errors import ClusterNotMade, FrontEndAway, NoWorkersHere, WorkersNotGiven
from voxpop.appliance.model import Deployment, Environment, Workers
from voxpop.appliance.ports import CanResize, HasFrontEnd
from voxpop.appliance.recipes import find_recipes
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.tosca import document
from voxpop.backends.site.docker import DockerSite, room
from voxpop.backends.site.docker.cluster import Cluster
from voxpop.kernel.digests import sha256_file
from voxpop.kernel.ids import ApplianceId
from voxpop.volume.model import MANIFEST
from voxpop.volume.seal import seal

pytestmark = pytest.mark.needs("docker", "mmdebstrap")
NODE = "/usr/local/sbin/voxpop-node"
PERSON = "2000000100"
# what a job finds out of its place, a line each
JOB = """#!/bin/sh
cd {work} || exit 9
cat {volume}/README
{{
  hostname
  id -u
  touch {bench}/mine 2>&1 | grep -o "Permission denied"
  touch {volume}/mine 2>&1 | grep -o "Read-only file system"
  touch {pipelines}/mine 2>&1 | grep -o "Read-only file system"
  grep -h -e CapEff -e NoNewPrivs /proc/self/status | cut -f 2
  cat /run/voxpop/queue.key 2>&1 | grep -o "Permission denied"
  ls /run/voxpop /var/run/docker.sock 2>&1 | tail -n +2
  /usr/bin/python3 -c "{look}"
}} > {work}/seen
exit 3
"""
LOOK = (  # the second is the host, if it has an address there; 110, 113, 101: nobody answers, no route, no network
    "import socket, struct; socket.setdefaulttimeout(1.5); "
    "host = socket.inet_ntoa(struct.pack('<L', int(open('/proc/net/route').read().split()[13], 16))); "
    "print('out:', [a for a in ('1.1.1.1', host) if socket.socket().connect_ex((a, 22)) not in (11, 110, 113, 101)])"
)


class Gate(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers a front end as voxpop does, and keeps what was asked."""

    daemon_threads = True

    def __init__(self, bench: "Bench") -> None:
        self.bench, self.asked, self.gives = bench, list[tuple[str, list[str]]](), True
        super().__init__(str(bench.bench.parent / "gate" / "gate.sock"), Asked)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class Asked(http.server.BaseHTTPRequestHandler):
    """One question at the gate."""

    server: Gate

    def address_string(self) -> str:
        return "front"

    def log_message(self, *_: object) -> None:
        return

    def do_POST(self) -> None:
        bench = self.server.bench
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = (bench.bench.parent / "secrets" / "gate.key").read_text().strip()
        if (self.path, self.headers["Authorization"]) != (f"/appliances/{bench.name}/workers", f"Bearer {key}"):
            self.send_error(403)
            return
        self.server.asked.append((content["do"], content["workers"]))
        if content["do"] != "resume":
            bench.site.remove_machines(bench.name, content["workers"])
        elif self.server.gives:
            bench.site.add_machines(bench.name, content["workers"])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Bench:
    """A sealed volume, one of its own or ``volume``, and a cluster that sees it."""

    def __init__(
        self,
        root: Path,
        repo: Path,
        engine: str,
        queue: str,
        volume: Path | None = None,
        tools: Sequence[str] = ("python-imaging",),
        **ground: int,
    ) -> None:
        self.root, self.repo, self.queue = root, repo, queue
        self.name = ApplianceId(f"{queue}-a1")
        self.volume = volume or root / "volume"
        if volume is None:
            self.volume.mkdir()
            (self.volume / "README").write_text("images\n")
            seal(self.volume)
        environment = Environment("bone-density", (*tools, queue), 4, 4, 0, 1, 30, "bone-density/1.0.0")
        self.text = document(
            environment,
            application="bone-density",
            volume_digest=sha256_file(self.volume / MANIFEST),
            recipes=find_recipes(repo / "recipes"),
        )
        self.site: DockerSite = docker_site(root / "appliances", repo, engine, workers="3", **ground)

    def deploy(self) -> Deployment:
        return self.site.deploy(self.name, self.text, self.volume, self.root / "results")

    @property
    def bench(self) -> Path:
        return self.root / "appliances" / self.name / "bench"

    @property
    def work(self) -> Path:
        """What on the bench is for jobs to write in."""
        return self.bench / "work"

    def ask(self, *command: str, stdin: str = "") -> str:
        said = self.site.on_front_end(self.name, command, stdin)
        assert said.exit_code == 0, said
        return said.stdout

    def registered(self, *names: str) -> bool:
        return self.site.on_front_end(self.name, (NODE, "check", *names)).exit_code == 0

    def submit(self, *words: str) -> None:
        """Hand the job over, as who runs are."""
        self.work.mkdir(exist_ok=True)
        self.work.chmod(0o777)
        script = self.work / "job"
        look = LOOK.replace('"', '\\"')
        script.write_text(
            JOB.format(
                bench=self.bench, work=self.work, volume=self.volume, pipelines=self.repo / "pipelines", look=look
            )
        )
        script.chmod(0o755)
        if self.queue == "slurm":
            command, stdin = ["sbatch", f"--output={self.work}/log", f"--chdir={self.work}", *words, str(script)], ""
        else:
            command, stdin = ["condor_submit"], f"executable = {script}\noutput = {self.work}/log\nqueue\n"
        self.ask("runuser", "-u", "project", "--", *command, stdin=stdin)

    def ended(self) -> str:
        """Return the exit code of the job that ended; empty before."""
        if self.queue == "slurm":
            told = json.loads(self.ask("squeue", "--states=all", "--json"))["jobs"]
            return "".join(
                str(one["exit_code"]["return_code"]["number"])
                for one in told
                if one["end_time"]["number"] and one["job_state"] in (["COMPLETED"], ["FAILED"])
            )
        return self.ask("condor_history", "-af", "ExitCode").strip()

    def told(self) -> str:
        """Return what the queue and the front end say, for a test that has failed."""
        asked = "scontrol show node; squeue --states=all; condor_q -better-analyze; cat /var/log/voxpop-gate.log"
        said = self.site.on_front_end(self.name, ("sh", "-c", asked))
        return said.stdout + said.stderr + self.site._engine.last_words(self.name, "front")

    def send_away(self, *names: str) -> None:
        """Remove workers, as who makes the queue shrink does; Slurm asks for it itself."""
        if self.queue == "slurm":
            self.ask("scontrol", "update", f"nodename={','.join(names)}", "state=power_down_force")
            until(lambda: not {one.name for one in self.site.machines(self.name)} & set(names))
        self.site.remove_machines(self.name, names)

    def parts(self) -> list[str]:
        """Return what of this bank is on the engine."""
        mine = f"label=voxpop.bank={self.site._engine.bank}"
        there = docker("ps", "--all", "--filter", mine, "--format", "{{.Names}}")
        return sorted([*there.split(), *docker("network", "ls", "--filter", mine, "--format", "{{.Name}}").split()])

    def machine(self, name: str) -> str:
        return self.site._engine.named(self.name, name)


@contextmanager
def stood(bench: Bench, *workers: str) -> Iterator[Bench]:
    """Deploy a cluster with a gate and with workers, and take it all away; nothing of it is left."""
    bench.deploy()
    gate = Gate(bench)
    try:
        bench.site.add_machines(bench.name, workers)
        until(lambda: bench.registered(*workers), otherwise=bench.told)
        yield bench
    finally:
        gate.shutdown()
        gate.server_close()
        bench.site.remove(bench.name)
    assert bench.parts() == []


@pytest.fixture(scope="module", params=["slurm", "htcondor"])
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, repo: Path, engine: str
) -> Iterator[Bench]:
    request.getfixturevalue(f"{request.param}_image")
    with stood(Bench(tmp_path_factory.mktemp("cluster"), repo, engine, request.param)) as bench:
        yield bench


@pytest.fixture
def slurm(tmp_path: Path, repo: Path, engine: str, slurm_image: str) -> Iterator[Bench]:
    del slurm_image
    bench = Bench(tmp_path, repo, engine, "slurm", boot_s=15, idle_s=4)
    yield bench
    bench.site.remove(bench.name)


def test_a_job_runs_on_a_worker_that_was_added_and_reaches_nothing_but_its_place(cluster: Bench) -> None:
    assert isinstance(cluster.site, CanResize)
    assert isinstance(cluster.site, HasFrontEnd)
    cluster.site.add_machines(cluster.name, ["w1"])
    until(lambda: cluster.registered("w1"))
    cluster.submit()
    until(cluster.ended, otherwise=lambda: cluster.site._engine.last_words(cluster.name, "w1"))
    assert cluster.ended() == "3"
    assert (cluster.work / "log").read_text() == "images\n"
    read_only, nothing = "Read-only file system", "0000000000000000"
    assert (cluster.work / "seen").read_text().splitlines() == [
        "w1", PERSON, "Permission denied", read_only, read_only, nothing, "1",
        "Permission denied", "/run/voxpop:", "queue.key", "out: []",
    ]  # fmt: skip


def test_secrets_of_a_cluster_are_in_files_alone(cluster: Bench) -> None:
    secrets = cluster.bench.parent / "secrets"
    keys = [secrets / "queue.key", secrets / "gate.key"]
    assert [oct(path.stat().st_mode & 0o777) for path in (secrets, *keys)] == ["0o700", "0o400", "0o400"]
    shown = docker("inspect", cluster.machine("front"))
    assert all(key.read_text().strip() not in shown for key in keys)
    assert "docker.sock" not in shown
    told = json.loads(shown)[0]
    assert (told["HostConfig"]["CapDrop"], told["HostConfig"]["SecurityOpt"]) == (["ALL"], ["no-new-privileges"])
    assert {mount["Type"] for mount in told["Mounts"]} == {"bind"}  # no volume, which would be left behind
    assert cluster.ask("cat", "/run/voxpop/gate.key") == keys[1].read_text()


def test_there_are_never_more_workers_than_the_site_gives(cluster: Bench) -> None:
    found = cluster.site.find(cluster.name)
    assert found is not None
    assert (found.queue, found.bench, found.workers) == (cluster.queue, cluster.bench, Workers(0, 3, 1, 1))
    assert found.not_given == ("asked up to 4 workers, site engine gives 3: there are never more",)
    with pytest.raises(WorkersNotGiven, match="may have 3 workers, w1 to w3, and no other"):
        cluster.site.add_machines(cluster.name, ["w3", "w4"])
    assert "w3" not in [one.name for one in cluster.site.machines(cluster.name)]
    with pytest.raises(NoWorkersHere, match="'other-a1' has no queue on site 'engine'"):
        cluster.site.add_machines(ApplianceId("other-a1"), ["w1"])


def test_a_worker_that_died_is_made_anew_and_one_that_runs_stays(cluster: Bench) -> None:
    cluster.site.add_machines(cluster.name, ["w1", "w2"])
    docker("kill", cluster.machine("w2"))
    assert [(one.name, one.up) for one in cluster.site.machines(cluster.name)] == [("w1", True), ("w2", False)]
    before = docker("inspect", "--format", "{{.Id}}", cluster.machine("w1"))
    cluster.site.add_machines(cluster.name, ["w1", "w2"])
    assert [one.up for one in cluster.site.machines(cluster.name)] == [True, True]
    assert docker("inspect", "--format", "{{.Id}}", cluster.machine("w1")) == before
    cluster.send_away("w1", "w2")
    cluster.site.remove_machines(cluster.name, ["w2"])
    assert cluster.site.machines(cluster.name) == []


def test_a_front_end_that_was_killed_is_lost_and_deploying_brings_its_queue_back(cluster: Bench) -> None:
    (cluster.work / "seen").unlink(missing_ok=True)
    if cluster.queue == "slurm":
        cluster.submit("--hold", "--job-name=kept")
        written = ("grep", "--quiet", "kept", "/var/spool/slurmctld/job_state")  # some seconds after it was taken
        until(lambda: cluster.site.on_front_end(cluster.name, written).exit_code == 0)
    else:
        cluster.submit()
    docker("kill", cluster.machine("front"))
    assert cluster.site.state(cluster.name) is ApplianceState.LOST
    with pytest.raises(FrontEndAway, match="can't be reached: deploy the appliance again"):
        cluster.site.on_front_end(cluster.name, ["true"])
    with ThreadPoolExecutor(2) as pool:  # at once, they are one
        assert len({asked.result() for asked in [pool.submit(cluster.deploy) for _ in range(2)]}) == 1
    assert cluster.site.state(cluster.name) is ApplianceState.DEPLOYED
    cluster.site.add_machines(cluster.name, ["w3"])
    until(lambda: cluster.registered("w3"))
    if cluster.queue == "slurm":
        cluster.ask("scontrol", "release", cluster.ask("squeue", "--noheader", "--format=%i", "--states=PD").strip())
    until((cluster.work / "seen").exists, otherwise=cluster.told)
    docker("rm", "--force", cluster.machine("front"))
    assert cluster.site.state(cluster.name) is ApplianceState.LOST
    cluster.deploy()
    assert cluster.registered()


def test_a_redeployment_that_fails_costs_nobody_what_stands_or_lies_there(
    cluster: Bench, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    def fails(*_: object) -> None:
        raise ClusterNotMade(cluster.name, "engine", "it is tried out", "")

    cluster.deploy()
    (cluster.bench / "note").write_text("kept")
    before = cluster.parts()
    other = docker_site(cluster.root / "appliances", cluster.repo, engine, workers="2")
    with monkeypatch.context() as patched:
        patched.setattr(Cluster, "put_up", fails)
        with pytest.raises(ClusterNotMade):
            cluster.deploy()
        assert cluster.parts() == before
        assert cluster.site.state(cluster.name) is ApplianceState.DEPLOYED
        for _ in range(2):  # another making: what was begun of it goes, twice
            with pytest.raises(ClusterNotMade):
                other.deploy(cluster.name, cluster.text, cluster.volume, cluster.root / "results")
    assert (cluster.bench / "note").read_text() == "kept"
    cluster.deploy()
    assert cluster.registered()
    (cluster.bench / "note").unlink()


def test_slurm_asks_for_workers_by_the_gate_and_gives_up_those_that_never_come(slurm: Bench) -> None:
    slurm.deploy()
    gate = Gate(slurm)
    try:
        gate.gives = False
        slurm.submit()
        until(lambda: ("fail", ["w1"]) in gate.asked)
        gate.gives = True
        until(lambda: slurm.ended() == "3", otherwise=lambda: slurm.ask("cat", "/var/log/voxpop-gate.log"))
        until(lambda: slurm.site.machines(slurm.name) == [])
        assert [verb for verb, _ in gate.asked][:2] == ["resume", "fail"]
        assert gate.asked[-1][0] == "suspend"
        log = slurm.ask("cat", "/var/log/voxpop-gate.log")
        assert "resume w1: 200" in log
        assert (slurm.bench.parent / "secrets" / "gate.key").read_text().strip() not in log
    finally:
        gate.shutdown()
        gate.server_close()


def test_a_slurm_cluster_that_fails_half_way_leaves_nothing(slurm: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(card, "_FORMAT", 99)
        with pytest.raises(ClusterNotMade, match=r"its front end has ended.*has the format 99") as failed:
            slurm.deploy()
    assert "\n" not in str(failed.value)
    assert slurm.parts() == []
    assert [path.name for path in (slurm.root / "appliances").iterdir()] == [".images.lock"]
    assert slurm.site.state(slurm.name) is ApplianceState.REMOVED
    monkeypatch.setattr(room, "asked_workers", lambda asked: Workers(1, 2, 1, 1))
    slurm.deploy()
    assert slurm.registered("w1")
    assert slurm.ask("scontrol", "show", "config").count("SuspendExcNodes         = w1\n") == 1
    slurm.site.remove(slurm.name)
    assert slurm.parts() == []
    assert [path.name for path in (slurm.root / "appliances").iterdir()] == [".images.lock"]
