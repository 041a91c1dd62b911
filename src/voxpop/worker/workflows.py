"""The workflows. Arguments and results are opaque ids and numbers: DBOS writes them to its database."""

import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from dbos import DBOS, SetWorkflowID, WorkflowHandle

from voxpop.flow.work import DurableWork
from voxpop.kernel import disk
from voxpop.kernel.ids import ApplianceId, ApplicationId, RunId, VolumeId
from voxpop.worker.errors import WorkFailed, durable

STUDIES = "studies"
"""The queue of studies; its concurrency is the setting ``workers``."""

P = ParamSpec("P")
R = TypeVar("R")


class _Bound:
    """The system that the steps of this process work on; set before DBOS is launched."""

    work: DurableWork
    tick: Callable[[str], None]
    halted = threading.Event()
    disk_full = threading.Event()


class Halted(BaseException):
    """No step may begin any more; DBOS records nothing of it, so the next launch goes on here."""


def bind(work: DurableWork, tick: Callable[[str], None]) -> None:
    """Say which system the steps work on, and who hears of each step's end."""
    _Bound.work = work
    _Bound.tick = tick
    _Bound.halted.clear()
    _Bound.disk_full.clear()


def halt() -> None:
    """Let no further step begin: the process is about to end."""
    _Bound.halted.set()


def halted() -> bool:
    """Say whether the process is about to end."""
    return _Bound.halted.is_set()


def note(failure: BaseException) -> None:
    """Hear of a database's error; where DBOS cannot write that a workflow failed, who waits would wait for ever."""
    if disk.is_full(failure):
        _Bound.disk_full.set()


def disk_full() -> bool:
    """Say whether the disk was found to be full."""
    return _Bound.disk_full.is_set()


def _kept_plain(what: str, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    if _Bound.halted.is_set():
        raise Halted
    try:
        return call(*args, **kwargs)
    except Exception as error:
        raise durable(what, error) from None


@DBOS.step(name="begin-staging")
def _begin_staging(application: str) -> tuple[str, list[tuple[int, int]]]:
    plan = _kept_plain("staging", _Bound.work.begin_staging, ApplicationId(application))
    _Bound.tick(f"studies:{len(plan.studies)}")
    return plan.volume, list(plan.studies)


@DBOS.step(name="stage-series")
def _stage_series(volume: str, ordinal: int, position: int) -> None:
    _kept_plain("staging", _Bound.work.stage_series, VolumeId(volume), ordinal, position)


@DBOS.step(name="finish-study")
def _finish_study(volume: str, ordinal: int) -> None:
    _kept_plain("staging", _Bound.work.finish_study, VolumeId(volume), ordinal)
    _Bound.tick("study")


@DBOS.step(name="seal-volume")
def _seal(volume: str) -> None:
    _kept_plain("sealing", _Bound.work.seal, VolumeId(volume))


@DBOS.step(name="deploy-appliance")
def _deploy(volume: str) -> str:
    return _kept_plain("deployment", _Bound.work.deploy, VolumeId(volume))


@DBOS.step(name="activate-application")
def _activate(appliance: str) -> None:
    _kept_plain("activation", _Bound.work.activate, ApplianceId(appliance))


@DBOS.step(name="execute-run")
def _execute(run: str) -> None:
    _kept_plain("the run", _Bound.work.execute, RunId(run), _Bound.tick)


@DBOS.step(name="begin-repeat")
def _begin_repeat(run: str) -> str:
    return _kept_plain("the repeat", _Bound.work.begin_repeat, RunId(run))


@DBOS.step(name="compare-runs")
def _compare(repeat: str) -> None:
    _kept_plain("the comparison", _Bound.work.compare, RunId(repeat))


@DBOS.step(name="write-report")
def _report(run: str) -> None:
    _kept_plain("the report", _Bound.work.report, RunId(run))


@DBOS.workflow(name="stage-study")
def stage_study(volume: str, ordinal: int, series: int) -> None:
    """Stage one study, a step a series."""
    for position in range(1, series + 1):
        _stage_series(volume, ordinal, position)
    _finish_study(volume, ordinal)


@DBOS.workflow(name="stage")
def stage(application: str) -> str:
    """Freeze, retrieve, de-identify, scan, convert, lay out, seal; returns the volume's id."""
    volume, studies = _begin_staging(application)
    here = DBOS.workflow_id
    handles = []
    for ordinal, series in studies:
        with SetWorkflowID(f"{here}:{ordinal}"):
            handles.append(DBOS.enqueue_workflow(STUDIES, stage_study, volume, ordinal, series))
    failures = [failure for handle in handles if (failure := _failure(handle))]
    if failures:
        raise failures[0]
    _seal(volume)
    return volume


def _failure(handle: WorkflowHandle[None]) -> WorkFailed | None:
    """Wait for a study; all are waited for, so that none is still at work when the next attempt begins."""
    try:
        handle.get_result(polling_interval_sec=0.05)
    except WorkFailed as failure:
        return failure
    return None


@DBOS.workflow(name="deploy")
def deploy(volume: str) -> str:
    """Plan and deploy the appliance of a sealed volume; returns the appliance's id."""
    return _deploy(volume)


@DBOS.workflow(name="activate")
def activate(appliance: str) -> None:
    """Make the application of a deployed appliance active."""
    _activate(appliance)


@DBOS.workflow(name="execute")
def execute(run: str) -> None:
    """Execute a run to its end."""
    _execute(run)


@DBOS.workflow(name="repeat")
def repeat(run: str) -> str:
    """Run a run's work again; returns the repeat's id."""
    again = _begin_repeat(run)
    _execute(again)
    _compare(again)
    return again


@DBOS.workflow(name="report")
def report(run: str) -> None:
    """Write the report and the research object of a run."""
    _report(run)
