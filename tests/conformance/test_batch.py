"""What every batch queue has to do: this machine, and the real queues of appliances on a real Docker engine."""

import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from tests.docker_engine import docker
from tests.integration.test_cluster_docker import Bench, stood
from tests.queued import make_desk
from tests.waiting import line_of, until

from voxpop.appliance.model import NodeState
from voxpop.appliance.ports import Said
from voxpop.backends.batch import QueueUnanswered
from voxpop.backends.batch.htcondor import HTCondor
from voxpop.backends.batch.local import LocalBatch
from voxpop.backends.batch.slurm import Slurm
from voxpop.run.compare import compare
from voxpop.run.ports import Batch, Job, JobSeen, JobState

REAL = pytest.mark.needs("docker", "mmdebstrap")
_MORE = 5
"""Jobs, which is more than there ever are workers."""

QUEUES = {"slurm": Slurm, "htcondor": HTCondor}


@dataclass
class Place:
    """A queue, and a folder that its workers see."""

    batch: Batch
    folder: Path
    cluster: Bench | None = None

    def job(self, key: str, line: str, **needs: int) -> Job:
        folder = self.folder / key
        folder.mkdir(exist_ok=True)
        _open(folder)
        return Job(key, ("/bin/sh", "-c", line), folder, {"GREETING": 'it\'s "me"'}, folder / "log", **needs)

    def ended(self, *jobs: Job) -> list[JobSeen]:
        keys = [job.key for job in jobs]
        until(
            lambda: all(one.state is JobState.DONE for one in self.batch.look(keys).values()),
            otherwise=lambda: f"{self.batch.look(keys)} {self.cluster.told() if self.cluster else ''}",
        )
        return list(self.batch.look(keys).values())

    def again(self) -> Batch:
        """Open the queue as another process does."""
        return self.batch if self.cluster is None else QUEUES[self.cluster.queue](self.ask)

    def ask(self, command: Sequence[str], stdin: str) -> Said:
        assert self.cluster is not None
        return self.cluster.site.on_front_end(self.cluster.name, command, stdin)


@pytest.fixture(
    scope="module",
    params=["local", pytest.param("slurm", marks=REAL), pytest.param("htcondor", marks=REAL)],
)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, repo: Path) -> Iterator[Place]:
    top = tmp_path_factory.mktemp("batch")
    if request.param == "local":
        yield Place(LocalBatch(2), top)
        return
    engine = request.getfixturevalue("engine")
    request.getfixturevalue(f"{request.param}_image")
    with stood(Bench(top, repo, engine, request.param), "w1", "w2") as bench:
        made = Place(LocalBatch(1), bench.bench, bench)
        made.batch = made.again()
        yield made


def _open(folder: Path) -> None:
    folder.chmod(stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO)


def test_the_queue_says_its_name_and_is_an_entry_point(place: Place) -> None:
    assert place.batch.name in {point.name for point in entry_points(group="voxpop.batch")}


def test_exit_codes_logs_and_variables_come_back(place: Place) -> None:
    jobs = [
        place.job("codes-0", 'echo "$GREETING"; echo bad >&2; pwd'),
        place.job("codes-3", "exit 3"),
        place.job("codes-9", "kill -KILL $$"),
        place.job("codes-127", "exec no-such-program"),
    ]
    place.batch.submit(jobs)
    assert [one.exit_code for one in place.ended(*jobs)] == [0, 3, 137, 127]
    assert jobs[0].log.read_text() == f'it\'s "me"\nbad\n{jobs[0].folder}\n'
    nodes = {one.node for one in place.ended(*jobs)}
    assert nodes <= ({"w1", "w2", "w3"} if place.cluster else {""})
    assert {one.attempts for one in place.ended(*jobs)} == {1}


def test_a_job_is_submitted_once_by_its_key(place: Place) -> None:
    job = place.job("once", "echo x >> count; while [ ! -e go ]; do sleep 0.05; done")
    place.batch.submit([job])
    place.batch.submit([job])
    place.again().submit([job])
    until(lambda: (job.folder / "count").exists())
    (job.folder / "go").touch()
    place.ended(job)
    later = place.again()
    later.submit([job])
    assert later.look([job.key])[job.key].state is JobState.DONE
    assert (job.folder / "count").read_text() == "x\n"


def test_a_job_that_has_ended_is_cancelled_silently_though_its_folder_is_gone(place: Place) -> None:
    job = place.job("gone-folder", "true")
    place.batch.submit([job])
    place.ended(job)
    shutil.rmtree(job.folder)
    place.batch.cancel([job.key])


def test_a_job_waits_runs_and_has_ended(place: Place) -> None:
    jobs = [place.job(f"states-{n}", "while [ ! -e go ]; do sleep 0.05; done") for n in range(_MORE)]
    place.batch.submit(jobs)
    keys = [job.key for job in jobs]

    def states() -> list[JobState]:
        return [one.state for one in place.batch.look(keys).values()]

    until(lambda: states().count(JobState.RUNNING) >= 2, otherwise=lambda: str(states()))
    assert JobState.WAITING in states()
    for job in jobs:
        (job.folder / "go").touch()
    place.ended(*jobs)


def test_a_job_that_is_cancelled_is_gone_whether_it_runs_or_waits(place: Place) -> None:
    jobs = [
        place.job(f"cancel-{n}", "touch begun; while [ ! -e go ]; do sleep 0.05; done; touch end") for n in range(3)
    ]
    place.batch.submit(jobs)
    until(lambda: sum((job.folder / "begun").exists() for job in jobs) >= 2)  # a third worker may come for the last
    keys = [job.key for job in jobs]
    place.batch.cancel([*keys, "unknown"])
    place.batch.cancel(keys)
    until(
        lambda: {one.state for one in place.batch.look(keys).values()} == {JobState.CANCELLED},
        otherwise=lambda: str(place.batch.look(keys)),
    )
    done = place.job("cancel-after", "true")
    place.batch.submit([done])
    place.ended(done)
    place.batch.cancel([done.key])
    assert place.batch.look([done.key])[done.key].state is JobState.DONE
    assert not any((job.folder / "end").exists() for job in jobs)


def test_what_was_never_handed_over_is_lost(place: Place) -> None:
    assert place.batch.look(["never"])["never"].state is JobState.LOST


def test_a_job_that_ended_without_a_word_is_lost(place: Place) -> None:
    job = place.job("wordless", "kill -KILL $PPID; sleep 0.2")
    place.batch.submit([job])
    until(
        lambda: place.batch.look([job.key])[job.key].state is JobState.LOST,
        otherwise=lambda: f"{place.batch.look([job.key])} {place.cluster.told() if place.cluster else ''}",
    )


def test_a_front_end_that_does_not_answer_is_no_end_of_a_job(place: Place) -> None:
    if place.cluster is None:
        return
    for said in (Said(1, "", "connection refused"), Said(0, "job|once", ""), Said(0, "", "")):
        queue = QUEUES[place.cluster.queue](lambda command, stdin, said=said: said)  # type: ignore[misc]
        with pytest.raises(QueueUnanswered, match="does not answer as it should"):
            queue.look(["once"])
        with pytest.raises(QueueUnanswered):
            queue.load()


def test_a_run_on_condor_or_slurm_has_the_outputs_of_one_on_this_machine(place: Place, tmp_path: Path) -> None:
    if place.cluster is None:
        return
    desk = make_desk(place.folder / "desk", 3, place.batch, place.batch.name)
    found = place.cluster.site.find(place.cluster.name)
    assert found is not None
    desk.sandbox = place.cluster.site.sandbox(place.cluster.name, found.image)
    record = desk.start()
    alone = make_desk(tmp_path, 3, place.batch).alone()
    assert compare(alone, record).identical
    assert {step.node for step in record.steps} <= {"w1", "w2", "w3"}


def test_load_and_a_worker_lost_in_a_job_runs_it_again_elsewhere(place: Place) -> None:
    if place.cluster is None:
        return
    cluster = place.cluster
    until(lambda: set(place.batch.load().nodes.values()) == {NodeState.IDLE}, otherwise=lambda: str(place.batch.load()))  # type: ignore[attr-defined]
    assert {"w1", "w2"} <= set(place.batch.load().nodes)  # type: ignore[attr-defined]
    job = place.job("lost", "hostname >> where; while [ ! -e go ]; do sleep 0.05; done")
    place.batch.submit([job])
    first = line_of(job.folder / "where")
    until(lambda: NodeState.BUSY in place.batch.load().nodes.values())  # type: ignore[attr-defined]
    docker("kill", cluster.machine(first))
    cluster.site.remove_machines(cluster.name, [first])
    place.batch.forget([first])  # type: ignore[attr-defined]
    (job.folder / "go").touch()
    (seen,) = place.ended(job)
    assert (seen.exit_code, seen.attempts) == (0, 2)
    assert seen.node != first or cluster.queue == "slurm"  # which may have made it anew
