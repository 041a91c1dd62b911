"""Workers that come with the jobs and go after them: real Slurm and real HTCondor, kept by voxpop's own keeper."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker_engine import docker
from tests.kept_cluster import KeptCluster, kept_cluster
from tests.waiting import line_of, until
from voxpop.run.ports import JobState

pytestmark = [pytest.mark.needs("docker", "mmdebstrap"), pytest.mark.slow]
MOST = 3


@pytest.fixture(scope="module", params=["slurm", "htcondor"])
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, repo: Path, engine: str
) -> Iterator[KeptCluster]:
    request.getfixturevalue(f"{request.param}_image")
    with kept_cluster(tmp_path_factory.mktemp("kept"), repo, engine, request.param, idle_s=5, boot_s=30) as kept:
        yield kept
    assert kept.bench.parts() == []


def test_an_elastic_cluster_grows_with_its_jobs_and_shrinks_to_nothing(cluster: KeptCluster) -> None:
    assert cluster.workers == []
    jobs = [cluster.job(f"grow-{number}", "sleep 3; hostname") for number in range(2 * MOST)]
    keys = [job.key for job in jobs]
    seen: set[str] = set()
    cluster.batch.submit(jobs)

    def all_done() -> bool:
        seen.update(cluster.workers)
        return all(one.state is JobState.DONE for one in cluster.batch.look(keys).values())

    until(all_done, otherwise=cluster.bench.told)
    assert seen == {f"w{number}" for number in range(1, MOST + 1)}
    assert {one.exit_code for one in cluster.batch.look(keys).values()} == {0}
    assert {job.log.read_text().strip() for job in jobs} <= seen
    until(lambda: cluster.workers == [], otherwise=cluster.bench.told)
    assert cluster.paid_s > 0


def test_an_elastic_cluster_runs_a_job_again_whose_worker_has_died(cluster: KeptCluster) -> None:
    job = cluster.job("die", "hostname >> where; while [ ! -e go ]; do sleep 0.05; done")
    cluster.batch.submit([job])
    docker("kill", cluster.bench.machine(line_of(job.folder / "where", cluster.bench.told)))
    (job.folder / "go").touch()

    def done() -> bool:
        return cluster.batch.look([job.key])[job.key].state is JobState.DONE

    until(done, otherwise=cluster.bench.told)
    (seen,) = cluster.batch.look([job.key]).values()
    assert (seen.exit_code, len((job.folder / "where").read_text().split())) == (0, 2)
    until(lambda: cluster.workers == [], otherwise=cluster.bench.told)
