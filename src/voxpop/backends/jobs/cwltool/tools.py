"""cwltool's tools, steps and workflows, each told which execution it is.

Overrides methods that cwltool does not promise to keep: that is why its version is pinned, and why a test counts that
there are as many records as jobs.
"""

import functools
import shutil
import threading
from collections.abc import Callable, Generator, Mapping, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cwltool.command_line_tool import CommandLineTool
from cwltool.context import LoadingContext, RuntimeContext
from cwltool.job import CommandLineJob, JobBase
from cwltool.process import Process, shortname
from cwltool.workflow import Workflow, WorkflowStep, default_make_tool
from cwltool.workflow_job import ReceiveScatterOutput

from voxpop.backends.jobs.cwltool import queue
from voxpop.backends.jobs.cwltool.recorder import Execution, Recorder

Place = tuple[str, tuple[int, ...]]
"""A step's name, and which of its scattered executions."""


class PlacedContext(RuntimeContext):
    """A run's context that knows where in the workflow it is."""

    def __init__(self, settings: dict[str, Any], recorder: Recorder) -> None:
        super().__init__(settings)
        self.recorder = recorder
        self.place: Place = ("", ())


class Reuse:
    """A job that was done before: hands over its outputs."""

    outdir = None
    prov_obj = None

    def __init__(self, outputs: dict[str, Any], callback: Callable[..., None]) -> None:
        self._outputs = outputs
        self._callback = callback

    def run(self, context: RuntimeContext, lock: object = None) -> None:
        """Hand over the outputs."""
        del context, lock
        self._callback(self._outputs, "success")


class MortalJob(CommandLineJob):
    """A command that ends when its parent ends, however that ends."""

    execution: Execution

    def _execute(
        self,
        runtime: list[str],
        env: MutableMapping[str, str],
        runtimeContext: RuntimeContext,  # noqa: N803 -- cwltool's name
        monitor_function: Any = None,
    ) -> None:
        super()._execute([*_dies_with_parent(), *runtime], env, runtimeContext, monitor_function)


class QueuedJob(CommandLineJob):
    """A command that a queue does; one that it was handed before is only waited for."""

    execution: Execution

    def run(
        self,
        runtimeContext: RuntimeContext,  # noqa: N803 -- cwltool's name
        tmpdir_lock: "threading.Lock | None" = None,
    ) -> None:
        """Hand the command over, and collect what it came to."""
        assert isinstance(runtimeContext, PlacedContext)
        recorder, own = runtimeContext.recorder, runtimeContext.copy()
        own.rm_tmpdir = False  # one that is given up may still run
        with queue.handing_over(self.execution, recorder, self.builder.resources):
            if recorder.taken_up(self.execution):
                self._setup(own)
                self._execute([], self.environment, own)
            else:
                super().run(own, tmpdir_lock)


class RecordedTool(CommandLineTool):
    """A tool whose executions are recorded, and not done twice."""

    def job(
        self,
        job_order: Any,
        output_callbacks: Callable[..., None] | None,
        runtimeContext: RuntimeContext,  # noqa: N803 -- cwltool's name
    ) -> Generator[Any, None, None]:
        """Yield the one job of an execution, or what it came to before."""
        assert isinstance(runtimeContext, PlacedContext)
        recorder = runtimeContext.recorder
        step, indices = runtimeContext.place
        tool_name = shortname(self.tool["id"])
        execution = recorder.open(step or tool_name, indices, document_of(self), job_order)
        kept = recorder.kept(execution)
        if kept is not None:
            yield Reuse(kept, output_callbacks or _nobody)
            return
        recorder.prepare(execution)
        context = runtimeContext.copy()
        context.outdir = str(execution.attempt)
        context.name = execution.folder.name
        if recorder.outbox:
            context.tmpdir_prefix = context.tmp_outdir_prefix = f"{execution.scratch}/job-"
        callback = functools.partial(_ended, recorder, execution, output_callbacks or _nobody)
        for job in super().job(job_order, callback, context):
            if isinstance(job, MortalJob | QueuedJob):
                job.execution = execution
                execution.inputs = recorder.facts.ports(job.joborder)
                job.collect_outputs = functools.partial(self._collect, recorder, execution, job.collect_outputs)
            yield job

    def make_job_runner(self, runtimeContext: RuntimeContext) -> type[JobBase]:  # noqa: N803 -- cwltool's name
        """Return the kind of job that ends with its parent, or that a queue does."""
        kind = super().make_job_runner(runtimeContext)
        if kind is not CommandLineJob:
            return kind
        assert isinstance(runtimeContext, PlacedContext)
        return QueuedJob if runtimeContext.recorder.outbox else MortalJob

    def _collect(
        self, recorder: Recorder, execution: Execution, collect: Callable[..., Any], outdir: str, exit_code: int
    ) -> Any:
        execution.exit_code = exit_code
        outputs = collect(outdir, exit_code)
        if exit_code in (self.tool.get("successCodes") or [0]):
            return recorder.collected(execution, outputs)
        return outputs


class PlacedStep(WorkflowStep):
    """A step that tells what runs in it where it is."""

    def job(
        self,
        job_order: Any,
        output_callbacks: Callable[..., None],
        runtimeContext: RuntimeContext,  # noqa: N803 -- cwltool's name
    ) -> Generator[Any, None, None]:
        """Yield the step's jobs; the context is this execution's own copy."""
        assert isinstance(runtimeContext, PlacedContext)
        step, indices = runtimeContext.place
        name = shortname(self.id)
        runtimeContext.place = (f"{step}/{name}" if step else name, (*indices, *scatter_indices(output_callbacks)))
        yield from super().job(job_order, output_callbacks, runtimeContext)


class PlacedWorkflow(Workflow):
    """A workflow made of placed steps."""

    def make_workflow_step(self, *arguments: Any) -> WorkflowStep:
        """Return a placed step."""
        return PlacedStep(*arguments)


def make_tool(document: Any, context: LoadingContext) -> Process:
    """Make a CWL process of ours where there is one, else cwltool's."""
    kind = document.get("class") if isinstance(document, Mapping) else None
    if kind == "CommandLineTool":
        return RecordedTool(document, context)
    if kind == "Workflow":
        return PlacedWorkflow(document, context)
    return default_make_tool(document, context)


def scatter_indices(callback: object) -> tuple[int, ...]:
    """Read out of a step's callback which scattered execution it belongs to, the outermost scatter first."""
    indices: list[int] = []
    while isinstance(callback, functools.partial):
        receiver = getattr(callback.func, "__self__", None)
        if not isinstance(receiver, ReceiveScatterOutput):
            break
        indices.insert(0, callback.args[0])
        callback = receiver.output_callback
    return tuple(indices)


def document_of(process: Process) -> Path:
    """Return the CWL file that a process stands in."""
    return Path(unquote(urlsplit(str(process.tool["id"])).path))


def step_order(process: Process, prefix: str = "") -> list[str]:
    """Name a workflow's steps so that each comes after what it needs; else in the document's order."""
    if not isinstance(process, Workflow):
        return [shortname(process.tool["id"])]
    made = {step.id: {str(port["id"]) for port in step.tool["outputs"]} for step in process.steps}
    by_id = {step.id: step for step in process.steps}
    waiting = [str(entry["id"]) for entry in process.tool["steps"]]
    order: list[str] = []
    while waiting:
        still_to_come = set().union(*(made[step] for step in waiting))
        ready = next((step for step in waiting if not _sources(by_id[step]) & still_to_come), waiting[0])
        waiting.remove(ready)
        name = prefix + shortname(ready)
        inner = by_id[ready].embedded_tool
        order += step_order(inner, f"{name}/") if isinstance(inner, Workflow) else [name]
    return order


def _sources(step: WorkflowStep) -> set[str]:
    found: set[str] = set()
    for port in step.tool["inputs"]:
        source = port.get("source", [])
        found.update([source] if isinstance(source, str) else source)
    return found


def _ended(
    recorder: Recorder, execution: Execution, callback: Callable[..., None], outputs: dict[str, Any], status: str
) -> None:
    if status == "success":
        recorder.ended(execution, outputs)
    else:
        recorder.failed(execution)
    callback(outputs, status)


def _nobody(outputs: object, status: str) -> None:
    del outputs, status


@functools.cache
def _dies_with_parent() -> tuple[str, ...]:
    # without a sandbox's process namespace, only this keeps a killed run's tools from running on
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()
