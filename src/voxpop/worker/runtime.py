"""The one runtime of a work folder: holds the folder, launches DBOS, and takes what the outbox asks for."""

import errno
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowHandle
from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext

from voxpop.flow.rules import Work, requests
from voxpop.kernel.errors import Unavailable, VoxpopError
from voxpop.kernel.ids import ApplicationId, RunId
from voxpop.kernel.progress import Progress, Silent
from voxpop.run.compare import compare
from voxpop.run.model import Comparison
from voxpop.store.engine import make_private
from voxpop.store.workers import Place
from voxpop.wiring.system import System
from voxpop.worker import workflows
from voxpop.worker.errors import WorkFailed, restored
from voxpop.worker.keeping import caretaker

R = TypeVar("R")

_log = logging.getLogger("voxpop.worker")
_VERSION = "1"  # fixed: an upgrade must find the work that an older version left pending
_ENDED_BADLY = frozenset({"ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})
_ENDED = _ENDED_BADLY | {"SUCCESS"}
_MOST_ATTEMPTS = 1000
_FIRST_LOOK_S = 0.02
_LOOK_EVERY_S = 0.3
_AT_ONCE = frozenset({Work.END, Work.DISCARD})
_WORK: dict[Work, Callable[[str], object]] = {
    Work.STAGE: workflows.stage,
    Work.DEPLOY: workflows.deploy,
    Work.ACTIVATE: workflows.activate,
    Work.REPORT: workflows.report,
}


class Runtime:
    """Runs durable work while it is open.

    Parameters
    ----------
    place : Place
        What durable work is noted under, and who it is held for.
    """

    def __init__(self, system: System, progress: Progress, place: Place) -> None:
        self._system = system
        self._progress = progress
        self.place = place

    def heard(self, sign: str) -> None:
        """Pass a step's end on to the progress bar."""
        what, _, number = sign.partition(":")
        if number.isdigit():
            self._progress.start(what, int(number))
        else:
            self._progress.advance()

    def settle(self) -> int:
        """Take what the outbox asks for, until it asks for nothing more; returns how many requests it took.

        Raises
        ------
        VoxpopError
            If a piece of work said no; what it asks for stays in the outbox, and the next call tries again.
        """
        taken = 0
        while waiting := list(self._system.ledger.waiting()):
            for row in waiting:
                for request in requests(row.action, row.subject):
                    self.do(request.work, request.subject.partition(":")[2], f"outbox-{row.seq}")
                self._system.ledger.taken(row.seq)
                taken += 1
        return taken

    def do(self, work: Work, subject: str, key: str) -> object:
        """Do one piece of work to its end; the same key again returns what was done."""
        if work in _AT_ONCE:
            self._done_at_once(work, subject)
            return None
        return self._finished(_WORK[work], subject, f"{work.value}:{subject}:{key}", once=True)

    def _done_at_once(self, work: Work, subject: str) -> None:
        """Clear something away; what a site that is away keeps is tried again by the foreman, or goes with it."""
        try:
            if work is Work.END:
                self._system.lifetimes.end_project(ApplicationId(subject))
            else:
                self._system.durable_work.discard(RunId(subject))
        except VoxpopError as away:
            _log.error("%s of %s was not done to its end: %s", work.value, subject, away.code)

    def stage(self, application: str) -> str:
        """Stage an application to its end; returns the volume's id."""
        return self._finished(workflows.stage, application, f"stage:{application}:asked")

    def repeat(self, run: str) -> Comparison:
        """Run a run's work again to its end, and compare."""
        again = self._finished(workflows.repeat, run, f"repeat:{run}")
        return compare(self._system.runs.record(RunId(run)), self._system.runs.record(RunId(again)))

    def execute(self, run: str) -> None:
        """Execute a run to its end; a run that was killed goes on."""
        self._finished(workflows.execute, run, f"execute:{run}")

    def take_over(self) -> None:
        """Take up what workers that are gone have left."""
        for name in sorted(self._at_work() - {self.place.name}):
            with self._system.workers.gone(name) as gone:
                if gone:
                    DBOS._recover_pending_workflows([name])  # noqa: SLF001  # DBOS gives this to its own service only
                    self._system.operations.reclaim(name)

    def _at_work(self) -> set[str]:
        pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        return {one.executor_id for one in pending if one.executor_id} | self._system.operations.workers()

    def _finished(self, workflow: Callable[[str], R], subject: str, name: str, *, once: bool = False) -> R:
        handle, fresh = _started(workflow, subject, name, _ENDED_BADLY if once else _ENDED)
        try:
            return _result(handle)
        except WorkFailed as failure:
            if fresh:
                raise restored(failure) from None
        # It was left by a process that was stopped, and failed on what may be mended by now: begin anew.
        return self._finished(workflow, subject, name, once=once)


@contextmanager
def running(system: System, holder: str, progress: Progress | None = None) -> Iterator[Runtime]:
    """Hold the work folder and run durable work in this process.

    Raises
    ------
    WorkFolderBusy
        If another process holds the folder.
    """
    with system.work.held(holder), launched(system, progress or Silent()) as runtime:
        yield runtime


@contextmanager
def launched(system: System, progress: Progress, *, staying: bool = False) -> Iterator[Runtime]:
    """Run durable work in this process, which holds the work folder; what a killed process left goes on at once.

    Parameters
    ----------
    staying : bool
        Whether beside other workers, where the database can have several.

    Raises
    ------
    PlacesTaken
        If others work on the database, and this process has to be alone or has no place beside them.
    """
    with system.workers.place(staying=staying) as place, caretaker(system):
        yield from _running(system, Runtime(system, progress, place))


def _running(system: System, runtime: Runtime) -> Iterator[Runtime]:
    workflows.bind(system.durable_work, runtime.heard)
    try:
        _launch(system, runtime.place.name)
        yield runtime
    except BaseException as end:
        workflows.halt()
        if not isinstance(end, KeyboardInterrupt):  # then the command ends at once, and DBOS's threads take seconds
            _close()
        raise
    _close()


def _close() -> None:
    DBOS.destroy(workflow_completion_timeout_sec=0)
    event.remove(Engine, "handle_error", _hear)


def _hear(told: ExceptionContext) -> None:
    """Hear of any database's error in this process, DBOS's own included."""
    workflows.note(told.original_exception)


def _launch(system: System, executor: str) -> None:
    logging.getLogger("dbos").handlers.clear()
    logging.getLogger("dbos").propagate = False
    config = DBOSConfig(
        name="voxpop",
        system_database_url=system.jobs_url,
        application_version=_VERSION,
        executor_id=executor,
        log_level="CRITICAL",
        console_log_level="CRITICAL",
        notification_listener_polling_interval_sec=1.0,  # nothing of ours waits for notifications
    )
    make_private(system.jobs_url)
    event.listen(Engine, "handle_error", _hear)
    DBOS(config=config)
    DBOS.launch()
    DBOS.register_queue(
        workflows.STUDIES,
        worker_concurrency=system.settings.workers,
        polling_interval_sec=0.05,
        on_conflict="always_update",
    )


def _started(
    workflow: Callable[[str], R], subject: str, name: str, over: frozenset[str]
) -> tuple[WorkflowHandle[R], bool]:
    """Find the workflow that goes on, or start one: those that are over are left, and the next number is taken.

    Returns
    -------
    handle : WorkflowHandle
    fresh : bool
        Whether it began here.
    """
    for attempt in range(1, _MOST_ATTEMPTS):
        status = DBOS.get_workflow_status(f"{name}:{attempt}")
        if status is None or status.status not in over:
            with SetWorkflowID(f"{name}:{attempt}"):
                return DBOS.start_workflow(workflow, subject), status is None
    raise Unavailable(f"{name} was tried {_MOST_ATTEMPTS} times without success: ask for help before trying again")


def _result(handle: WorkflowHandle[R]) -> R:
    """Wait for a workflow and return its result.

    A handle that was just started waits on a lock, and a Ctrl-C that the system gave to another thread would be heard
    only at the end: so this looks again and again, and gives up where the disk is full.
    """
    pause_s = _FIRST_LOOK_S
    while handle.get_status().status not in _ENDED:
        if workflows.disk_full():
            raise OSError(errno.ENOSPC, "")
        if workflows.halted():
            raise workflows.Halted
        time.sleep(pause_s)
        pause_s = min(_LOOK_EVERY_S, 1.5 * pause_s)
    return handle.get_result()
