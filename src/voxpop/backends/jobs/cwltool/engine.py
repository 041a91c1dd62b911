"""The parent's side: starts the one child of a run, follows it, and reads what it left."""

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from voxpop.backends import process
from voxpop.backends.jobs.cwltool.dispatch import Dispatcher
from voxpop.backends.jobs.cwltool.spec import BUSY, DISK_FULL, LOCK, LOG, OUTCOME, PROGRESS, RECORD, SPEC, Failure, Spec
from voxpop.backends.process import Child, ToolTimedOut
from voxpop.kernel import disk
from voxpop.kernel.errors import Refused, VoxpopError
from voxpop.kernel.plainfiles import append_plain, read_plain
from voxpop.run.errors import (
    DiskFull,
    EngineBroken,
    RecordInvalid,
    RunBusy,
    RunInterrupted,
    RunStopped,
    StepFailed,
    WorkflowUnfit,
)
from voxpop.run.model import RunRecord
from voxpop.run.ports import Confinement, Sandbox, Task
from voxpop.run.records import loads

_FOLLOW_EVERY_S = 0.1
_ASK_EVERY_S = 0.5
_GRACE_S = 5.0
_CONDUCTOR_CORES = 1  # with a queue, the child only says what is to be done
_CONDUCTOR_MEMORY_GB = 2
_DYING_S = 1.0  # what a killed sandbox held may take a moment to die with it
_SIGNALLED = 128  # a shell and a sandbox add it to the number of the signal that ended their child


class CwltoolEngine:
    """``run.ports.Engine`` by cwltool."""

    def execute(
        self,
        task: Task,
        sandbox: Sandbox,
        tick: Callable[[str], None],
        wanted: Callable[[], bool] = lambda: True,
    ) -> RunRecord:
        """Run to the end; the same call again returns the record, or goes on where the run was.

        Raises
        ------
        StepFailed
            If a step ended badly.
        WorkflowUnfit
            If the workflow can't be carried out at all.
        RunInterrupted
            If the child was ended from outside.
        DiskFull
            If there is no room left for what the run writes.
        RunBusy
            If another process carries the run out.
        RunStopped
            If it was not wanted any more.
        JobLost
            If its queue lost one job again and again.
        QueueSilent
            If its queue did not answer for a long time.
        JobUnfit, JobRefused
            If it asks for what is no job, or its queue will not ever do.
        """
        _without_links(_made(task.folder))
        _wait_for_the_dying(task.run, task.folder)
        dispatcher = _dispatcher(task)
        record = _record(task)
        try:
            if record is None:
                record = _ended(task, self._follow(task, self._start(task, sandbox), tick, wanted, dispatcher))
        except Refused as failed:
            if dispatcher:
                dispatcher.give_up(for_ever=isinstance(failed, RunStopped))
            raise
        if dispatcher:
            dispatcher.give_up()  # there is nothing left, unless the run asked for what it did not wait for
        (task.folder / SPEC).unlink(missing_ok=True)
        return record

    def discard(self, task: Task) -> None:
        """Take what a run that nobody wants any more has in its queue out of it; silent where there is nothing.

        Raises
        ------
        RunBusy
            If another process carries the run out.
        """
        dispatcher = _dispatcher(task)
        if dispatcher and task.folder.is_dir():
            _wait_for_the_dying(task.run, task.folder)
            dispatcher.give_up(for_ever=True)

    def _start(self, task: Task, sandbox: Sandbox) -> Child:
        folder = _made(task.folder)
        for left in (OUTCOME, PROGRESS):
            (folder / left).unlink(missing_ok=True)
        spec = _spec(task, folder, sandbox)
        _write(spec, folder / SPEC)
        append_plain(folder, LOG).close()  # before the sandbox, which may give what is in the folder to somebody else
        command = [sandbox.python, "-P", "-m", "voxpop.backends.jobs.cwltool.child", str(folder / SPEC)]
        confinement = Confinement(
            read_only=(task.volume.resolve(), task.pipeline.folder.resolve()),
            read_write=(folder,),
            cores=_CONDUCTOR_CORES if task.cluster else task.cores,
            memory_gb=_CONDUCTOR_MEMORY_GB if task.cluster else task.memory_gb,
        )
        return process.start(sandbox.wrap(command, confinement), cwd=folder, stdout=folder / LOG)

    def _follow(
        self,
        task: Task,
        child: Child,
        tick: Callable[[str], None],
        wanted: Callable[[], bool],
        dispatcher: Dispatcher | None,
    ) -> int:
        progress = _Progress(task.folder / PROGRESS, tick)
        asked = time.monotonic()
        try:
            while True:
                try:
                    exit_code = child.wait(_FOLLOW_EVERY_S)
                except ToolTimedOut:
                    exit_code = None
                progress.read()
                if exit_code is not None:
                    return exit_code
                if dispatcher:
                    dispatcher.step()
                if time.monotonic() - asked >= _ASK_EVERY_S:
                    asked = time.monotonic()
                    if not wanted():
                        raise RunStopped(task.run)
        finally:
            _put_down(child)


def _dispatcher(task: Task) -> Dispatcher | None:
    return Dispatcher(task.run, task.folder.resolve(), task.cluster) if task.cluster else None


class _Progress:
    """Tells each new line of the child's progress."""

    def __init__(self, path: Path, tick: Callable[[str], None]) -> None:
        self._path = path
        self._tick = tick
        self._seen = 0

    def read(self) -> None:
        """Tell what is new."""
        try:
            written = read_plain(self._path.parent, self._path.name)
        except FileNotFoundError:
            return
        lines = written.decode("utf-8", errors="replace").split("\n")[:-1]
        for step in lines[self._seen :]:
            self._tick(step)
        self._seen = max(self._seen, len(lines))


def _put_down(child: Child) -> None:
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(_GRACE_S)
    except ToolTimedOut:
        child.kill()
        child.wait()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _without_links(folder: Path) -> None:
    """Take away what a killed run left in its folder that is neither file nor folder, before anything is written there.

    A link would be followed by us, outside the sandbox.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
                (folder / entry.name).unlink(missing_ok=True)  # a job that its queue still has may be at work there


def _wait_for_the_dying(run: str, folder: Path) -> None:
    # the child takes the lock for the run's whole time; here it only keeps us from clearing what another one writes
    patience_until = time.monotonic() + _DYING_S
    with append_plain(folder, LOCK) as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as busy:
                if time.monotonic() > patience_until:
                    raise RunBusy(run) from busy
                time.sleep(_FOLLOW_EVERY_S)
            else:
                return


def _write(spec: Spec, path: Path) -> None:
    try:
        spec.write(path)
    except OSError as broken:
        if broken.errno in disk.FULL:
            raise DiskFull(spec.run) from broken
        raise


def _spec(task: Task, folder: Path, sandbox: Sandbox) -> Spec:
    cluster = task.cluster
    return Spec(
        run=task.run,
        pipeline=f"{task.pipeline.name}/{task.pipeline.version}",
        pipeline_digest=task.pipeline.digest,
        pipeline_folder=str(task.pipeline.folder.resolve()),
        workflow=str(task.pipeline.workflow.resolve()),
        volume_id=task.volume_id,
        volume_digest=task.volume_digest,
        volume=str(task.volume.resolve()),
        folder=str(folder),
        inputs=dict(task.inputs),
        parameters=dict(task.pipeline.parameters),
        cores=cluster.workers * cluster.cores if cluster else task.cores,
        memory_gb=cluster.workers * cluster.memory_gb if cluster else task.memory_gb,
        each_cores=cluster.cores if cluster else task.cores,
        each_memory_gb=cluster.memory_gb if cluster else task.memory_gb,
        sandbox=sandbox.name,
        image=task.image,
        queue=cluster.batch.name if cluster else "",
        each_gpus=cluster.gpus if cluster else 0,
    )


def _record(task: Task) -> RunRecord | None:
    try:
        record = loads(read_plain(task.folder, RECORD).decode("utf-8"))
    except (FileNotFoundError, UnicodeDecodeError, RecordInvalid):  # none, or none that the engine wrote
        return None
    same = record.run == task.run and record.pipeline_digest == task.pipeline.digest
    return record if same and record.volume_digest == task.volume_digest else None


def _ended(task: Task, exit_code: int) -> RunRecord:
    if exit_code != 0:
        raise _why(task, exit_code)
    record = _record(task)
    if record is None:
        raise RunInterrupted(task.run)
    return record


def _why(task: Task, exit_code: int) -> VoxpopError:
    if exit_code == BUSY:
        return RunBusy(task.run)
    if exit_code == DISK_FULL:
        return DiskFull(task.run)
    try:
        failure = Failure.of(read_plain(task.folder, OUTCOME).decode("utf-8"))
    except FileNotFoundError:
        killed = exit_code < 0 or exit_code > _SIGNALLED
        return RunInterrupted(task.run) if killed else EngineBroken(task.run, exit_code)
    if failure.step:
        return StepFailed(task.run, failure.step, failure.position, failure.exit_code)
    return WorkflowUnfit(f"run '{task.run}': {failure.sentence}")
