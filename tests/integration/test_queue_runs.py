"""Runs whose commands a queue does: the same outcome as without, whatever happens on the way."""

import fcntl
import json
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tests.queued import FIRST, Desk, make_desk
from tests.waiting import until

from voxpop.backends.batch import QueueUnanswered
from voxpop.backends.batch.local import LocalBatch
from voxpop.backends.jobs.cwltool import dispatch
from voxpop.run.compare import compare
from voxpop.run.errors import (
    JobLost,
    JobUnfit,
    QueueSilent,
    RunInterrupted,
    RunStopped,
    StepFailed,
    WorkflowUnfit,
)
from voxpop.run.fakes import MemoryRuns
from voxpop.run.ports import Job, JobSeen, JobState
from voxpop.run.states import RunState


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path, 3, LocalBatch(2))


@pytest.fixture
def go(desk: Desk) -> Iterator[Callable[[], None]]:
    """Hold what ``_HOLD`` waits for; called, it lets go."""
    desk.folder().mkdir(parents=True)
    with (desk.folder() / "go").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield lambda: fcntl.flock(held, fcntl.LOCK_UN)


class Told(LocalBatch):
    """Writes down what it is asked."""

    def __init__(self) -> None:
        super().__init__(3)
        self.submitted: list[str] = []
        self.gpus: dict[str, int] = {}

    def submit(self, jobs: Sequence[Job]) -> None:
        self.submitted += [job.key for job in jobs]
        self.gpus |= {job.key: job.gpus for job in jobs}
        super().submit(jobs)

    def states(self) -> list[JobState]:
        """Return where all are that were handed over."""
        return [seen.state for seen in self.look(self.submitted).values()]


def test_a_run_on_a_queue_leaves_what_one_without_leaves(desk: Desk) -> None:
    record = desk.start()
    alone = desk.alone()
    assert compare(alone, record).identical
    assert record.outputs == alone.outputs
    assert {step.queue for step in record.steps} == {"local"}
    assert {step.queue for step in alone.steps} == {""}
    assert record.environment["queue"] == "local"
    assert "queue" not in alone.environment
    assert [(step.attempts, step.cores, step.memory_mb, step.node) for step in record.steps] == [(1, 1, 256, "")] * 4


def test_a_run_that_is_done_lies_in_its_results_and_nothing_is_left_on_the_bench(desk: Desk) -> None:
    desk.start()
    results = desk.runs.get(FIRST).results
    assert {path.name for path in results.iterdir()} == {
        "lock", "log.txt", "outputs", "progress.txt", "record.json", "steps",
    }  # fmt: skip
    assert {path.name for path in (results / "steps" / "count-0").iterdir()} == {"log.txt", "out", "step.json"}
    assert list(desk.folder().parent.iterdir()) == []
    assert desk.service.steps_done(FIRST) == 4
    assert "1 words" in desk.service.logs(FIRST)


def test_a_run_that_was_moved_by_a_process_that_died_just_after_is_done(desk: Desk) -> None:
    record = desk.start()
    _set_state(desk, RunState.RUNNING)
    desk.folder().mkdir()
    assert desk.execute() == record
    assert not desk.folder().exists()


def test_the_log_and_the_progress_of_a_run_that_runs_are_on_the_bench(desk: Desk) -> None:
    seen: list[tuple[int, str]] = []
    desk.start(lambda step: seen.append((desk.service.steps_done(FIRST), desk.service.logs(FIRST))))
    assert seen[0][0] >= 1
    assert "count 0" in seen[-1][1]
    assert not desk.runs.get(FIRST).results.with_name("bench").exists()


def test_streams_and_variables_and_exit_codes_are_those_of_a_run_without_a_queue(desk: Desk) -> None:
    tool = desk.pipeline.folder / "tools" / "count.cwl"
    tool.write_text(
        """\
cwlVersion: v1.2
class: CommandLineTool
requirements:
  EnvVarRequirement: {envDef: {GREETING: "it's \\"me\\""}}
  ShellCommandRequirement: {}
  InitialWorkDirRequirement:
    listing:
    - {entryname: given.txt, entry: "as it is given\\n"}
    - {entry: $(inputs.text), entryname: mine.txt, writable: true}
inputs:
  text: File
  least: int
stdin: $(inputs.text.path)
stdout: some words.txt
stderr: said.txt
successCodes: [4]
arguments:
- {shellQuote: false, valueFrom: "cat - given.txt; echo more >> mine.txt; cat mine.txt; env | sed 's/=.*//' | sort"}
- {shellQuote: false, valueFrom: "; echo \\"$GREETING\\" $LANG; pwd | sed 's/.*[/]//;s/attempt.*/attempt/'"}
- {shellQuote: false, valueFrom: "; echo bad >&2; echo '{\\"words\\": 1}' > words.json; exit 4"}
outputs:
  words: {type: File, outputBinding: {glob: words.json}}
  told: {type: stdout}
  said: {type: stderr}
"""
    )
    desk.edit("tools/count.cwl", "class: CommandLineTool", "class: CommandLineTool\nlabel: Tell all")
    record, alone = desk.start(), desk.alone()
    assert compare(alone, record).identical
    assert record.steps[0].exit_code == 4
    told = desk.runs.get(FIRST).results / "steps" / "count-0" / "out" / "some words.txt"
    assert 'it\'s "me" C.UTF-8' in told.read_text()


def test_a_limit_of_time_ends_a_job(desk: Desk) -> None:
    desk.edit("tools/count.cwl", "inputs:", "requirements: {ToolTimeLimit: {timelimit: 1}}\ninputs:")
    desk.edit("tools/count.py", "import json", "import json\nimport signal")
    desk.edit("tools/count.py", "text, least", "signal.pause()\ntext, least")
    with pytest.raises(StepFailed, match="exit code 124"):
        desk.start()
    until(lambda: not _at_work(desk))


def test_a_step_that_fails_is_named_and_the_rest_leaves_the_queue(desk: Desk, go: Callable[[], None]) -> None:
    desk.batch = told = Told()
    desk.edit("tools/count.py", "text, least", _HOLD + "text, least")
    desk.edit("pipeline.yaml", "least: 0", "least: 2")
    with pytest.raises(StepFailed, match="step 'count', execution 0, ended with exit code 3"):
        desk.start()
    assert "too few words" in desk.service.logs(FIRST)
    assert desk.state() is RunState.FAILED
    assert told.states().count(JobState.CANCELLED) >= 2  # of the third nothing is known any more
    go()
    with pytest.raises(StepFailed, match="exit code 3"):
        desk.execute()
    assert len(set(told.submitted)) > 3


def test_what_nobody_waited_for_is_asked_for_once_when_the_run_goes_on(desk: Desk, go: Callable[[], None]) -> None:
    desk.batch = told = Told()
    desk.edit("tools/count.py", "text, least", _HOLD + _FAIL_ONCE + "text, least")
    with pytest.raises(StepFailed, match="exit code 7"):
        desk.start()
    before = len(told.submitted)
    go()
    assert [step.exit_code for step in desk.execute().steps] == [0, 0, 0, 0]
    assert len(told.submitted) - before == 4  # each of the three texts, and what adds the counts up


_HOLD = """\
import fcntl
if len(Path(sys.argv[1]).read_text().split()) > 1:
    with (Path.cwd().parents[2] / "go").open() as go:
        fcntl.flock(go, fcntl.LOCK_SH)
"""
"""Longer texts wait for a lock on a file in the run's folder."""

_FAIL_ONCE = """\
once = Path.cwd().parents[2] / "once"
if not once.exists():
    once.touch()
    sys.exit(7)
"""


@pytest.mark.parametrize("ends", ["while it waits", "while its job runs", "after its job has ended"])
def test_a_killed_run_takes_up_what_its_queue_does_or_has_done(desk: Desk, ends: str, go: Callable[[], None]) -> None:
    desk.batch = told = Told()
    alone = desk.alone()
    desk.edit("tools/count.py", "text, least", _HOLD + "text, least")
    folder = desk.folder()

    def kill(step: str) -> None:
        (child,) = _children()
        child.send_signal(signal.SIGKILL)
        if ends == "after its job has ended":
            go()
            until(lambda: len(list((folder / "jobs").glob("*.log.exit"))) == 2)

    with pytest.raises(RunInterrupted):
        desk.start(kill)
    assert desk.state() is RunState.LOST
    if ends == "while its job runs":
        until(lambda: len(list((folder / "jobs").glob("*.log.began"))) == 2)
    before = set(told.submitted)
    go()
    record = desk.execute()
    assert compare(alone, record).identical
    assert [step.attempts for step in record.steps] == [1] * 4
    assert len(set(told.submitted) - before) == 1  # what adds the counts up


def _at_work(desk: Desk) -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cmdline"]) if str(desk.folder()) in str(one.info)]


@pytest.mark.usefixtures("go")
def test_a_cancelled_run_takes_its_jobs_out_of_the_queue(desk: Desk) -> None:
    desk.batch = told = Told()
    desk.edit("tools/count.py", "text, least", _HOLD + "text, least")
    with pytest.raises(RunStopped):
        desk.start(lambda step: desk.service.cancel(FIRST, "ann", "not needed any more"))
    assert told.states().count(JobState.CANCELLED) >= 2  # of the third nothing is known any more
    until(lambda: not _at_work(desk))
    assert _children() == []
    assert not desk.folder().exists()
    assert "words" in desk.service.logs(FIRST)


@pytest.mark.usefixtures("go")
def test_a_run_that_nobody_carries_out_is_cancelled_with_its_jobs_and_its_place_on_the_bench(desk: Desk) -> None:
    desk.batch = told = Told()
    desk.edit("tools/count.py", "text, least", _HOLD + "text, least")

    def kill(step: str) -> None:
        (child,) = _children()
        child.send_signal(signal.SIGKILL)

    with pytest.raises(RunInterrupted):
        desk.start(kill)
    until(lambda: len(_at_work(desk)) >= 2)
    desk.service.discard(FIRST, desk.pipeline, desk.place)
    assert _at_work(desk) != []  # it was not cancelled
    desk.service.cancel(FIRST, "ann", "not needed any more")
    desk.service.discard(FIRST, desk.pipeline, desk.place)
    desk.service.discard(FIRST, desk.pipeline, desk.place)
    until(lambda: not _at_work(desk))
    assert told.states().count(JobState.CANCELLED) >= 2  # of the third nothing is known any more
    assert list(desk.folder().parent.iterdir()) == []


def test_gpus_are_asked_of_the_queue_and_not_of_this_machine(desk: Desk) -> None:
    desk.batch = told = Told()
    desk.place = replace(desk.place, worker_gpus=1)
    cuda = "{'cwltool:CUDARequirement': {cudaVersionMin: '11.0', cudaComputeCapability: '3.0', cudaDeviceCountMin: %s}}"
    desk.edit(
        "tools/count.cwl",
        "inputs:",
        f"$namespaces: {{cwltool: 'http://commonwl.org/cwltool#'}}\nhints: {cuda % 1}\ninputs:",
    )
    desk.start()
    assert sorted(told.gpus.values()) == [0, 1, 1, 1]
    desk.edit("tools/count.cwl", "cudaDeviceCountMin: 1", "cudaDeviceCountMin: 2")
    with pytest.raises(WorkflowUnfit, match="a tool asks for 2 GPUs, a worker of the queue has 1"):
        desk.start()


class Forgetful(Told):
    """Loses the first so many jobs that it is given."""

    def __init__(self, lost: int) -> None:
        super().__init__()
        self._lost = lost

    def submit(self, jobs: Sequence[Job]) -> None:
        kept = jobs[self._lost :]
        self._lost = max(self._lost - len(jobs), 0)
        super().submit(kept)


def test_a_job_that_its_queue_lost_is_done_again_under_another_key(desk: Desk) -> None:
    desk.batch = told = Forgetful(2)
    record = desk.start()
    assert len(record.steps) == 4
    assert len([key for key in told.submitted if key.endswith("-r2")]) == 2
    assert list(desk.folder().parent.iterdir()) == []


def test_a_job_that_is_begun_again_finds_its_folder_as_it_was(desk: Desk) -> None:
    class Crashing(Told):
        """Runs each first attempt, and then forgets that it ended."""

        def look(self, keys: Sequence[str]) -> Mapping[str, JobSeen]:
            return {key: JobSeen(JobState.LOST) if key in crashed else one for key, one in super().look(keys).items()}

        def submit(self, jobs: Sequence[Job]) -> None:
            super().submit(jobs)
            crashed.update(job.key for job in jobs if "-r" not in job.key)

    crashed: set[str] = set()
    desk.batch = Crashing()
    desk.edit("tools/count.py", "text, least", _CRASH_ONCE + "text, least")
    record = desk.start()
    assert [step.attempts for step in record.steps] == [2, 2, 2, 1]
    assert all(list(step.outputs) == ["words"] for step in record.steps[:3])
    out = desk.runs.get(FIRST).results / "steps" / "count-0" / "out"
    assert [path.name for path in out.iterdir()] == ["words.json"]


_CRASH_ONCE = """\
import os, signal
mark = Path.cwd().parent / "crashed"
Path("half.json").write_text("{")
if not mark.exists():
    mark.touch()
    os.kill(os.getppid(), signal.SIGKILL)
    signal.pause()
Path("half.json").unlink()
assert os.listdir() == []
"""


def test_a_job_that_is_lost_again_and_again_fails_the_run_in_one_sentence(desk: Desk) -> None:
    desk.batch = told = Forgetful(100)
    with pytest.raises(JobLost, match=r"queue 'local' lost a job of step 'count' 3 times") as lost:
        desk.start()
    assert str(lost.value).count(". ") == 0
    assert desk.state() is RunState.FAILED
    desk.batch = told = Told()
    assert len(desk.execute().steps) == 4
    assert not [key for key in told.submitted if "-r" not in key and key.endswith("-0")][3:]


class Mute(Told):
    """Does not answer for a while."""

    def __init__(self, silent: int) -> None:
        super().__init__()
        self._silent = silent

    def submit(self, jobs: Sequence[Job]) -> None:
        self._silent -= 1
        if self._silent >= 0:
            if self._silent == 0:
                super().submit(jobs)  # its answer is lost
            raise QueueUnanswered("local", "connection refused")
        super().submit(jobs)


def test_a_queue_that_does_not_answer_is_asked_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_ASK_AGAIN_S", 0.05)
    desk.batch = Mute(2)
    record = desk.start()
    assert [step.attempts for step in record.steps] == [1] * 4


def test_a_queue_that_stays_silent_leaves_a_run_that_can_go_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_ASK_AGAIN_S", 0.05)
    monkeypatch.setattr(dispatch, "_PATIENCE_S", 0.2)
    desk.batch = Mute(10_000)
    with pytest.raises(QueueSilent, match="does not answer"):
        desk.start()
    assert desk.state() is RunState.LOST
    assert _children() == []
    desk.batch = Told()
    assert len(desk.execute().steps) == 4


def test_a_tool_that_asks_for_more_than_a_worker_has_is_refused(desk: Desk) -> None:
    desk.edit("tools/count.cwl", "inputs:", "requirements: {ResourceRequirement: {coresMin: 2}}\ninputs:")
    with pytest.raises(WorkflowUnfit, match="a tool asks for 2 cores, a worker of the queue has 1"):
        desk.start()


_ASK = {
    "step": "count", "command": ["touch", "made"], "folder": "", "environment": {},
    "cores": 1, "memory_mb": 1, "gpus": 0,
}  # fmt: skip
_NAME = f"{'a' * 32}-0.json"


def _elsewhere(desk: Desk) -> str:
    return json.dumps({**_ASK, "folder": f"{desk.folder()}/../../outside"})


def _greedy(desk: Desk) -> str:
    return json.dumps({**_ASK, "folder": str(desk.folder()), "cores": 1000})


def _strange(desk: Desk) -> str:
    return json.dumps({**_ASK, "folder": str(desk.folder()), "environment": {"A B": "x"}})


@pytest.mark.parametrize(
    "content",
    [_elsewhere, _greedy, _strange, lambda desk: "[" * 100_000, lambda desk: "null", lambda desk: "x" * 3_000_000],
    ids=["elsewhere", "greedy", "strange", "deep", "null", "large"],
)
def test_what_is_no_request_stops_the_run(desk: Desk, content: Callable[[Desk], str]) -> None:
    jobs = desk.folder() / "jobs"
    jobs.mkdir(parents=True)
    (jobs / _NAME).write_text(content(desk))
    with pytest.raises(JobUnfit, match="asked its queue for a job that can't be one"):
        desk.start()
    assert _children() == []
    assert not (desk.folder().parent / "outside").exists()


def test_a_link_among_the_requests_is_not_followed(desk: Desk, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({**_ASK, "folder": str(desk.folder())}))
    jobs = desk.folder() / "jobs"
    jobs.mkdir(parents=True)
    (jobs / _NAME).symlink_to(secret)
    desk.batch = told = Told()
    desk.start()
    assert len(told.submitted) == 4
    assert not (desk.folder() / "made").exists()


def _children() -> list[psutil.Process]:
    found = psutil.Process().children(recursive=True)
    return [one for one in found if "voxpop.backends.jobs.cwltool.child" in one.cmdline()]


def _set_state(desk: Desk, state: RunState) -> None:
    assert isinstance(desk.runs, MemoryRuns)
    desk.runs._runs[FIRST] = replace(desk.runs.get(FIRST), state=state)
