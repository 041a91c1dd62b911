"""A person's terminal in a cluster: the queue's own commands, the person's own number on every machine, and no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docker_engine import docker
from tests.integration.test_cluster_docker import Bench, stood
from tests.waiting import until

from voxpop.appliance.errors import AccountTaken
from voxpop.backends import process
from voxpop.backends.site.docker.sandbox import DockerSandbox
from voxpop.run.ports import CanHostTerminal, Seat

pytestmark = pytest.mark.needs("docker", "mmdebstrap")
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
LONG_S = 120.0
FIRST = 2_000_001_001
# hands a job over that says who and where it is, waits for its end, and shows what it wrote
LINES = {
    "slurm": """
cat > job <<'END'
#!/bin/sh
{job}
END
sbatch --wait --output=out job && cat out && squeue --noheader --me && echo queue
""",
    "htcondor": """
printf '#!/bin/sh\\n{job}\\n' > job; chmod +x job
cat > job.sub <<'END'
executable = job
output = out
log = log
should_transfer_files = NO
queue
END
condor_submit -terse job.sub && condor_wait -wait 100 log && cat out && condor_q -af Owner && echo queue
""",
}
JOB = "id -un; id -u; hostname; pwd; cat {volume}/README; touch {volume}/x; true"


@pytest.fixture(scope="module", params=["slurm", "htcondor"])
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, repo: Path, engine: str
) -> Iterator[Bench]:
    request.getfixturevalue(f"{request.param}_image")
    with stood(Bench(tmp_path_factory.mktemp("cluster"), repo, engine, request.param), "w1") as bench:
        yield bench


def sandbox_of(cluster: Bench) -> DockerSandbox:
    found = cluster.site.find(cluster.name)
    assert found is not None
    sandbox = cluster.site.sandbox(cluster.name, found.image)
    assert isinstance(sandbox, CanHostTerminal)
    return sandbox


def said(cluster: Bench, account: str, line: str) -> str:
    """Return what a line writes in a terminal of its own."""
    sandbox = sandbox_of(cluster)
    assert sandbox.people is not None
    home = sandbox.people / account
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    sandbox.people.chmod(0o711)
    seat = Seat(account, cluster.name, cluster.volume, (), home, cluster.root / "unused", 1, 1)
    terminal = process.open_terminal(sandbox.wrap_terminal(seat, line), env=ENVIRONMENT, size=(24, 200))
    written = b""
    try:
        while chunk := terminal.read(LONG_S):
            written += chunk
    finally:
        terminal.close()
    return written.decode().replace("\r\n", "\n")


def terminals(cluster: Bench) -> str:
    """Name the containers of terminals that are there."""
    of_it = ("--filter", f"label=voxpop.appliance={cluster.name}", "--filter", "label=voxpop.lease")
    return docker("ps", "--all", "--quiet", *of_it)


def test_a_person_hands_a_job_to_the_queue_which_is_theirs_on_the_worker_too(cluster: Bench) -> None:
    job = JOB.format(volume=cluster.volume)
    told = said(cluster, "ada", LINES[cluster.queue].format(job=job))
    home = cluster.bench / "people" / "ada"
    assert told.endswith("queue\n"), told + cluster.told()
    name, number, host, folder, readme = (home / "out").read_text().splitlines()[:5]
    assert (name, number, folder, readme) == ("ada", str(FIRST), str(home), "images")
    assert host in {"w1", "w2", "w3"}
    assert (home / "out").stat().st_uid == FIRST
    assert not (cluster.volume / "x").exists()


def test_python_in_it_is_the_images(cluster: Bench) -> None:
    line = "python3 -c 'import nibabel, sys; print(sys.executable)'; echo $PATH"
    assert said(cluster, "ada", line).splitlines() == [
        "/opt/voxpop/bin/python3",
        "/opt/voxpop/bin:/usr/local/bin:/usr/bin:/bin",
    ]


def test_another_person_has_another_number_and_sees_nothing_of_the_first(cluster: Bench) -> None:
    said(cluster, "ada", "echo mine > note")
    told = said(
        cluster, "ben", f"id -u; cat {cluster.bench}/people/ada/note; whoami; getent passwd ada | cut -d : -f 1"
    )
    assert told.splitlines()[0] == str(FIRST + 1)
    assert "No such file" in told or "Permission denied" in told
    assert told.splitlines()[-2:] == ["ben", "ada"]
    assert sandbox_of(cluster).person("ada") == FIRST


def test_a_terminal_in_a_cluster_opens_nothing_of_it(cluster: Bench) -> None:
    told = said(
        cluster,
        "ada",
        "grep -h -e CapEff -e NoNewPrivs /proc/self/status | cut -f 2; cat /run/voxpop/queue.key; cat $DATA/README;"
        " touch $DATA/x; touch /x; ls /run/voxpop/gate; kill -0 1;"
        ' python3 -c "import socket; socket.setdefaulttimeout(2);'
        " print(socket.socket().connect_ex(('1.1.1.1', 80)))\"",
    )
    lines = told.splitlines()
    assert lines[:3] == ["0000000000000000", "1", "cat: /run/voxpop/queue.key: Permission denied"]
    assert lines[3] == "images"
    assert told.count("Read-only file system") == 2
    assert "ls: cannot access '/run/voxpop/gate'" in told
    munge = "Permission denied" if cluster.queue == "slurm" else "No such file or directory"
    assert said(cluster, "ada", "cat /etc/munge/munge.key") == f"cat: /etc/munge/munge.key: {munge}\n"
    assert "Operation not permitted" in told
    assert lines[-1] != "0"
    assert terminals(cluster) == ""


@pytest.mark.parametrize("account", ["root", "project", "daemon"])
def test_nobody_is_called_like_an_account_of_the_machines(cluster: Bench, account: str) -> None:
    with pytest.raises(AccountTaken, match=f"have an account '{account}' that is no person's"):
        sandbox_of(cluster).person(account)


def test_a_terminal_that_is_closed_leaves_no_container(cluster: Bench) -> None:
    sandbox = sandbox_of(cluster)
    assert sandbox.people is not None
    home = sandbox.people / "ada"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    seat = Seat("ada", cluster.name, cluster.volume, (), home, cluster.root / "unused", 1, 1)
    terminal = process.open_terminal(sandbox.wrap_terminal(seat), env=ENVIRONMENT, size=(24, 80))
    until(lambda: terminals(cluster) != "")
    terminal.close()
    until(lambda: terminals(cluster) == "")
