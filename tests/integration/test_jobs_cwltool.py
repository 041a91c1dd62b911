"""Runs by cwltool: records, reuse after a kill, failures, repeats."""

import getpass
import json
import platform
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from voxpop.backends.jobs.cwltool.engine import CwltoolEngine
from voxpop.backends.sandbox.bubblewrap import Bubblewrap
from voxpop.backends.sandbox.filemodes import FileModes
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.digests import sha256_file
from voxpop.kernel.errors import IllegalMove
from voxpop.kernel.ids import ApplianceId, ApplicationId, RunId, VolumeId
from voxpop.run.errors import (
    DiskFull,
    NotRepeatable,
    RunBusy,
    RunInterrupted,
    RunStopped,
    StepFailed,
    WorkflowUnfit,
)
from voxpop.run.fakes import MemoryRuns
from voxpop.run.model import Pipeline, RunRecord
from voxpop.run.pipelines import load_pipeline
from voxpop.run.ports import Confinement, Sandbox
from voxpop.run.service import Order, RunService, Workplace
from voxpop.run.states import RunState

TINY = Path(__file__).parent.parent / "pipelines" / "tiny"
ORDER = Order(ApplicationId("words"), ApplianceId("words-a1"), VolumeId("words-v1"))
FIRST = RunId("words-r1")


class NoSandbox:
    """Confines nothing."""

    name = "none"
    python = sys.executable

    def wrap(self, command: Sequence[str], confinement: Confinement) -> Sequence[str]:
        del confinement
        return command


SANDBOXES = [
    pytest.param(NoSandbox(), id="none"),
    pytest.param(FileModes(), id="file modes"),
    pytest.param(Bubblewrap(), id="bubblewrap", marks=pytest.mark.needs("bubblewrap")),
]


@dataclass
class Bench:
    """A pipeline, a volume and the service to run the one over the other."""

    pipeline: Pipeline
    place: Workplace
    runs: MemoryRuns
    service: RunService

    def start(self, tick: Callable[[str], None] = lambda step: None) -> RunRecord:
        return self.service.start(ORDER, self.pipeline, self.place, "ann", tick)

    def execute(self, tick: Callable[[str], None] = lambda step: None) -> RunRecord:
        return self.service.execute(FIRST, self.pipeline, self.place, "ann", tick)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.pipeline.folder / path
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
        self.pipeline = load_pipeline(self.pipeline.folder)

    def state(self, run: RunId = FIRST) -> RunState:
        return self.runs.get(run).state


def _seal(volume: Path) -> str:
    files = sorted(path for path in volume.rglob("*") if path.is_file() and path.name != "manifest-sha256.txt")
    lines = [f"{sha256_file(path)}  {path.relative_to(volume).as_posix()}\n" for path in files]
    (volume / "manifest-sha256.txt").write_text("".join(lines))
    return sha256_file(volume / "manifest-sha256.txt")


@pytest.fixture
def bench_of(tmp_path: Path) -> Callable[[int], Bench]:
    def make(texts: int) -> Bench:
        pipeline = tmp_path / "pipelines" / "tiny" / "1.0"
        shutil.copytree(TINY, pipeline)
        volume = tmp_path / "volume"
        for number in range(texts):
            folder = volume / f"sub-{number:03d}"
            folder.mkdir(parents=True)
            (folder / "text.txt").write_text("word " * (number + 1))
        (volume / "participants.tsv").write_text("participant_id\n")
        runs = MemoryRuns()
        service = RunService(runs, CwltoolEngine(), lambda name: NoSandbox(), runs, SystemClock())
        place = Workplace(volume, _seal(volume), tmp_path / "runs", cores=2, memory_gb=4, sandbox="none")
        return Bench(load_pipeline(pipeline), place, runs, service)

    return make


@pytest.fixture
def bench(bench_of: Callable[[int], Bench]) -> Bench:
    return bench_of(4)


def test_every_execution_is_recorded_in_workflow_order(bench: Bench) -> None:
    ticks: list[str] = []
    record = bench.start(ticks.append)
    executions = [(step.step, step.position) for step in record.steps]
    assert executions == [("count", 0), ("count", 1), ("count", 2), ("count", 3), ("add", 0)]
    assert sorted(ticks) == ["add", "count", "count", "count", "count"]
    count, add = record.steps[2], record.steps[4]
    assert [(file.root, file.path) for file in count.inputs["text"]] == [("volume", "sub-002/text.txt")]
    assert [(file.root, file.path) for file in count.inputs["script"]] == [("pipeline", "tools/count.py")]
    assert count.inputs["least"] == 0
    assert (count.tool, count.exit_code) == ("tools/count.cwl", 0)
    assert count.tool_sha256 == sha256_file(bench.pipeline.folder / "tools" / "count.cwl")
    assert [file.path for file in add.inputs["counts"]] == [f"steps/count-{n}/out/words.json" for n in range(4)]
    assert record.started_at <= count.started_at < count.ended_at <= add.started_at < add.ended_at <= record.ended_at


def test_the_outputs_lie_in_the_runs_folder_as_the_record_says(bench: Bench) -> None:
    record = bench.start()
    folder = bench.runs.get(FIRST).results
    files = [file for port in record.outputs.values() for file in port]
    assert {file.path for file in files} == {
        "outputs/table.tsv",
        "outputs/words.json",
        "outputs/words_2.json",
        "outputs/words_3.json",
        "outputs/words_4.json",
    }
    assert all(sha256_file(folder / file.path) == file.sha256 for file in files)
    assert (folder / "outputs" / "table.tsv").read_text() == "text\twords\n1\t1\n2\t2\n3\t3\n4\t4\n"
    assert not (folder / "scratch").exists()


def test_as_many_records_as_jobs_with_many_in_parallel(bench_of: Callable[[int], Bench]) -> None:
    record = bench_of(40).start()
    assert len(record.steps) == 41
    spans = sorted((step.started_at, step.ended_at) for step in record.steps)
    assert any(later[0] < earlier[1] for earlier, later in pairwise(spans))


def test_on_one_core_no_two_tools_run_at_once(bench: Bench) -> None:
    bench.place = replace(bench.place, cores=1)
    spans = sorted((step.started_at, step.ended_at) for step in bench.start().steps)
    assert all(later[0] >= earlier[1] for earlier, later in pairwise(spans))


def test_the_record_names_no_path_host_or_user(bench: Bench) -> None:
    bench.start()
    folder = bench.runs.get(FIRST).results
    written = [folder / "record.json", *folder.glob("steps/*/step.json")]
    assert len(written) == 6
    for path in written:
        text = path.read_text()
        assert str(folder.parent) not in text
        assert str(bench.place.volume) not in text
        assert str(Path.home()) not in text
        assert platform.node() not in text
        values = [value for value in _texts(json.loads(text)) if value.startswith("/") or value == getpass.getuser()]
        assert values == []


def test_the_environment_names_the_software(bench: Bench) -> None:
    environment = bench.start().environment
    assert environment["python"] == platform.python_version()
    assert {"cwltool", "numpy", "voxpop", "machine"} <= set(environment)


def test_a_run_needs_no_home(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    assert len(bench.start().steps) == 5


def test_a_run_that_is_done_returns_its_record(bench: Bench) -> None:
    record = bench.start()
    assert bench.execute() == record
    assert [event.action for event in bench.runs.events] == ["run.created", "run.started", "run.done"]


def test_a_record_left_by_a_process_that_died_just_after_is_taken(bench: Bench) -> None:
    record = bench.start()
    bench.runs._runs[FIRST] = replace(bench.runs.get(FIRST), state=RunState.RUNNING)
    assert bench.execute() == record
    assert bench.state() is RunState.DONE


@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_a_killed_run_goes_on_with_what_was_done(bench_of: Callable[[int], Bench], sandbox: Sandbox) -> None:
    bench = bench_of(40)
    bench.service = RunService(bench.runs, CwltoolEngine(), lambda name: sandbox, bench.runs, SystemClock())
    seen: list[str] = []

    def kill_at_the_third(step: str) -> None:
        seen.append(step)
        if len(seen) == 3:
            _children()[0].send_signal(signal.SIGKILL)

    with pytest.raises(RunInterrupted, match="goes on where it was"):
        bench.start(kill_at_the_third)
    assert bench.state() is RunState.LOST
    folder = bench.runs.get(FIRST).results
    done = {path.parent.name: path.read_bytes() for path in folder.glob("steps/*/step.json")}
    assert 3 <= len(done) < 41
    again: list[str] = []
    record = bench.execute(again.append)
    assert record.sandbox == sandbox.name
    assert len(again) == len(record.steps) == 41
    assert all((folder / "steps" / name / "step.json").read_bytes() == content for name, content in done.items())
    assert record.started_at <= min(step.started_at for step in record.steps)
    whole = bench.service.repeat(FIRST, bench.pipeline, bench.place, "ann")
    assert whole.identical


def test_what_was_edited_meanwhile_is_done_again(bench: Bench) -> None:
    record = bench.start()
    folder = bench.runs.get(FIRST).results
    (folder / "record.json").unlink()
    edited = folder / "steps" / "count-1" / "out" / "words.json"
    edited.unlink()
    edited.write_text('{"words": 99}')
    bench.runs._runs[FIRST] = replace(bench.runs.get(FIRST), state=RunState.RUNNING)
    again = bench.execute()
    assert again.outputs == record.outputs
    assert again.steps[0] == record.steps[0]
    assert again.steps[1].started_at > record.ended_at


def test_an_interrupted_parent_takes_its_child_along(bench_of: Callable[[int], Bench]) -> None:
    def interrupt(step: str) -> None:
        raise KeyboardInterrupt

    bench = bench_of(20)
    with pytest.raises(KeyboardInterrupt):
        bench.start(interrupt)
    assert _children() == []
    assert bench.state() is RunState.RUNNING
    assert len(bench.execute().steps) == 21


def test_two_processes_do_not_carry_out_one_run(bench_of: Callable[[int], Bench]) -> None:
    bench = bench_of(100)
    refused: list[type] = []
    ticks: list[str] = []

    def second(step: str) -> None:
        ticks.append(step)
        if not refused:
            try:
                bench.execute()
            except RunBusy as busy:
                refused.append(type(busy))

    assert len(bench.start(second).steps) == 101
    assert refused == [RunBusy]
    assert len(ticks) == 101
    assert bench.state() is RunState.DONE


def test_a_failing_step_is_named_with_its_exit_code(bench: Bench) -> None:
    bench.edit("pipeline.yaml", "least: 0", "least: 3")
    bench.place = replace(bench.place, cores=1)
    with pytest.raises(StepFailed) as failed:
        bench.start()
    assert (failed.value.step, failed.value.position, failed.value.exit_code) == ("count", 0, 3)
    assert "step 'count', execution 0, ended with exit code 3" in str(failed.value)
    assert "too few words" not in str(failed.value)
    assert "too few words" in bench.service.logs(FIRST)
    assert bench.state() is RunState.FAILED
    assert bench.runs.events[-1].reason == str(failed.value)


def test_a_failed_run_can_be_tried_again(bench: Bench) -> None:
    broken = bench.pipeline.folder / "tools" / "broken"
    bench.edit("tools/count.py", "text, least", f'if Path("{broken}").exists():\n    sys.exit(7)\ntext, least')
    marker = bench.pipeline.folder / "tools" / "__pycache__"
    marker.mkdir()
    bench.edit("tools/count.py", str(broken), str(marker / "broken"))
    (marker / "broken").touch()
    with pytest.raises(StepFailed, match="exit code 7"):
        bench.start()
    (marker / "broken").unlink()
    assert len(bench.execute().steps) == 5
    assert bench.state() is RunState.DONE


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("baseCommand: python3", "baseCommand: no-such-program", "exit code 127|could not be carried out"),
        ("glob: words.json", "glob: other.json", "ended without an output that the workflow expects"),
    ],
)
def test_a_tool_that_can_not_do_its_work_fails_the_run(bench: Bench, old: str, new: str, sentence: str) -> None:
    bench.edit("tools/count.cwl", old, new)
    with pytest.raises(StepFailed, match=sentence):
        bench.start()


class SmallDisk(NoSandbox):
    """Gives a run one megabyte for what its steps write."""

    def wrap(self, command: Sequence[str], confinement: Confinement) -> Sequence[str]:
        steps = str(confinement.read_write[0] / "steps")
        return ["bwrap", "--dev-bind", "/", "/", "--size", "1000000", "--tmpfs", steps, *command]


@pytest.mark.needs("bubblewrap")
def test_a_full_disk_is_named_and_the_run_goes_on_once_there_is_room(bench: Bench) -> None:
    bench.edit("tools/count.py", "text, least", 'Path("large").write_bytes(bytes(3_000_000))\ntext, least')
    small = RunService(bench.runs, CwltoolEngine(), lambda name: SmallDisk(), bench.runs, SystemClock())
    with pytest.raises(DiskFull, match="the disk is full: make room"):
        small.start(ORDER, bench.pipeline, bench.place, "ann")
    assert bench.state() is RunState.LOST
    assert len(bench.execute().steps) == 5


def test_a_tool_that_asks_for_more_than_there_is_is_refused(bench: Bench) -> None:
    bench.edit("tools/count.cwl", "inputs:", "requirements: {ResourceRequirement: {coresMin: 64}}\ninputs:")
    with pytest.raises(WorkflowUnfit, match="asks for 64 cores, the run has 2"):
        bench.start()
    assert bench.state() is RunState.FAILED


def test_a_workflow_that_is_no_cwl_is_refused(bench: Bench) -> None:
    bench.edit("workflow.cwl", "class: Workflow", "class: Workflaw")
    with pytest.raises(WorkflowUnfit, match="its log says why"):
        bench.start()
    assert "Workflaw" in bench.service.logs(FIRST)


def test_a_cancelled_run_ends_and_stays_cancelled(bench_of: Callable[[int], Bench]) -> None:
    bench = bench_of(100)
    with pytest.raises(RunStopped, match="was cancelled"):
        bench.start(lambda step: bench.service.cancel(FIRST, "ann", "not needed any more"))
    assert bench.state() is RunState.CANCELLED
    assert _children() == []
    with pytest.raises(IllegalMove):
        bench.execute()


def test_a_repeat_of_a_pipeline_without_chance_is_identical(bench: Bench) -> None:
    bench.start()
    comparison = bench.service.repeat(FIRST, bench.pipeline, bench.place, "ann")
    assert comparison.identical
    assert (comparison.original, comparison.repeat, comparison.steps) == ("words-r1", "words-r2", 5)
    assert bench.runs.get(RunId("words-r2")).repeats == FIRST
    assert bench.runs.events[-1].facts["identical"] is True


def test_a_repeat_names_the_first_step_whose_output_differs(bench: Bench) -> None:
    bench.edit("tools/count.py", '{"words": words}', '{"words": words, "by": time.time_ns() if words == 2 else 0}')
    bench.edit("tools/count.py", "import json", "import json\nimport time")
    bench.start()
    difference = bench.service.repeat(FIRST, bench.pipeline, bench.place, "ann").first_difference
    assert difference is not None
    assert (difference.step, difference.position, difference.port) == ("count", 1, "words")
    assert difference.path == "steps/count-1/out/words.json"


def test_a_changed_pipeline_can_not_be_repeated(bench: Bench) -> None:
    bench.start()
    bench.edit("tools/add.py", "Add the counts up", "Add up the counts")
    with pytest.raises(NotRepeatable, match=r"pipeline 'tiny/1.0' has changed since run 'words-r1'"):
        bench.service.repeat(FIRST, bench.pipeline, bench.place, "ann")


def test_a_changed_volume_can_not_be_repeated(bench: Bench) -> None:
    bench.start()
    (bench.place.volume / "sub-001" / "text.txt").write_text("more words")
    place = replace(bench.place, volume_digest=_seal(bench.place.volume))
    with pytest.raises(NotRepeatable, match="volume 'words-v1' has changed since run 'words-r1'"):
        bench.service.repeat(FIRST, bench.pipeline, place, "ann")
    with pytest.raises(NotRepeatable, match="is not as it was sealed"):
        bench.service.repeat(FIRST, bench.pipeline, bench.place, "ann")


def test_a_file_that_differs_from_its_seal_stops_the_run(bench: Bench) -> None:
    (bench.place.volume / "sub-001" / "text.txt").write_text("word wurd ")
    with pytest.raises(WorkflowUnfit, match=r"'sub-001/text.txt' is not as it was sealed"):
        bench.start()


def test_a_run_that_is_not_done_can_not_be_repeated(bench: Bench) -> None:
    bench.service.create(ORDER, bench.pipeline, bench.place, "ann")
    with pytest.raises(NotRepeatable, match="only a run that is done"):
        bench.service.repeat(FIRST, bench.pipeline, bench.place, "ann")


def test_making_a_run_twice_makes_one(bench: Bench) -> None:
    first = bench.service.create(ORDER, bench.pipeline, bench.place, "ann")
    assert bench.service.create(ORDER, bench.pipeline, bench.place, "ann") == first
    bench.execute()
    assert bench.service.create(ORDER, bench.pipeline, bench.place, "ann").id == "words-r2"


def test_scattered_sub_workflows_are_told_apart(bench: Bench) -> None:
    folder = bench.pipeline.folder
    inner = (folder / "workflow.cwl").read_text()
    (folder / "inner.cwl").write_text(inner)
    (folder / "workflow.cwl").write_text(
        """
cwlVersion: v1.2
class: Workflow
requirements: {ScatterFeatureRequirement: {}, SubworkflowFeatureRequirement: {}}
inputs: {texts: "File[]", participants: File, least: int, times: {type: "int[]", default: [0, 0, 1]}}
steps:
  both:
    run: inner.cwl
    scatter: least
    in: {texts: texts, participants: participants, least: times}
    out: [table]
  cross:
    run: tools/count.cwl
    scatter: [text, least]
    scatterMethod: flat_crossproduct
    in: {text: texts, least: times}
    out: [words]
outputs:
  tables: {type: "File[]", outputSource: both/table}
"""
    )
    bench.pipeline = load_pipeline(folder)
    record = bench.start()
    executions = [(step.step, step.position) for step in record.steps]
    assert executions == [
        *(("both/count", number) for number in range(12)),
        *(("both/add", number) for number in range(3)),
        *(("cross", number) for number in range(12)),
    ]
    assert bench.service.repeat(FIRST, bench.pipeline, bench.place, "ann").identical


def test_directories_and_secondary_files_are_recorded_file_by_file(bench: Bench) -> None:
    bench.edit(
        "tools/count.cwl",
        "words: {type: File, outputBinding: {glob: words.json}}",
        "words: {type: File, outputBinding: {glob: words.json}, secondaryFiles: [^.txt]}\n"
        "  more: {type: Directory, outputBinding: {glob: more}}",
    )
    bench.edit("workflow.cwl", "out: [words]", "out: [words, more]")
    bench.edit("workflow.cwl", "outputs:", 'outputs:\n  more: {type: "Directory[]", outputSource: count/more}')
    with (bench.pipeline.folder / "tools" / "count.py").open("a") as script:
        script.write('Path("words.txt").write_text("x")\nPath("more/in").mkdir(parents=True)\n')
        script.write('Path("more/in/file.txt").write_text("y")\n')
    bench.pipeline = load_pipeline(bench.pipeline.folder)
    record = bench.start()
    assert [file.path for file in record.steps[0].outputs["more"]] == ["steps/count-0/out/more/in/file.txt"]
    assert [file.path.rsplit("/", 1)[1] for file in record.steps[0].outputs["words"]] == ["words.json", "words.txt"]
    assert [file.path for file in record.outputs["more"]][:2] == [
        "outputs/more/in/file.txt",
        "outputs/more_2/in/file.txt",
    ]
    bench.runs._runs[FIRST] = replace(bench.runs.get(FIRST), state=RunState.RUNNING)
    (bench.runs.get(FIRST).results / "record.json").unlink()
    assert bench.execute().steps == record.steps


def _children() -> list[psutil.Process]:
    found = psutil.Process().children()
    return [child for child in found if "voxpop.backends.jobs.cwltool.child" in child.cmdline()]


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for entry in value.values() for text in _texts(entry)]
    if isinstance(value, list):
        return [text for entry in value for text in _texts(entry)]
    return [value] if isinstance(value, str) else []
