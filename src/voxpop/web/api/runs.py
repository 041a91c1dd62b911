"""Runs: start one with parameters, follow it, read its log, cancel, repeat, compare."""

from typing import Annotated

from fastapi import Query, Response

from voxpop.access.permissions import Action
from voxpop.flow.rules import Work
from voxpop.kernel.ids import ApplicationId, RunId
from voxpop.run.compare import compare
from voxpop.run.model import Comparison, Run
from voxpop.run.pipelines import chosen_parameters, parameters_of
from voxpop.store.ledger import SubjectAbsent
from voxpop.web.api import paging
from voxpop.web.api.guard import Call
from voxpop.web.api.models import runs as m
from voxpop.web.api.models.audit import OperationFacts
from voxpop.web.api.models.base import NAME, NO_NUL, Page, Reason
from voxpop.web.api.operations import shown as operation_shown
from voxpop.web.api.routes import ASKED_FOR, TAGGED, ApiArea, Called, asked_for

area = ApiArea("runs")


@area.read("/runs", Action.RUN_LIST)
def list_runs(
    call: Called,
    part: paging.Asked,
    application: Annotated[str, Query(max_length=100, pattern=NO_NUL, description="Only of this application.")] = "",
) -> Page[m.RunFacts]:
    """List the runs that may be read, the oldest first."""
    rows = [
        one
        for one in call.system.run_records.every()
        if call.may(Action.RUN_READ, one.application) and application in ("", one.application)
    ]
    return paging.page(
        call, part, rows, lambda one: (one.created_at.isoformat(), one.id), lambda one: m.RunFacts(**_facts(one))
    )


@area.act("/applications/{application}/runs", Action.RUN_START, "application", form=ASKED_FOR)
def start_run(call: Called, application: str, asked: m.RunAsked, response: Response) -> OperationFacts:
    """Make a run on the application's newest appliance, and ask for it to be carried out."""
    name = ApplicationId(application)
    pipeline = call.system.projects.pipeline_of(name, asked.pipeline)
    texts = {key: value for key, value in asked.parameters.items() if isinstance(value, str)}
    defaults = {one.name: one.default for one in parameters_of(pipeline)}
    chosen = chosen_parameters(pipeline, texts)
    for key, value in asked.parameters.items():
        if key not in texts and (key not in defaults or value != defaults[key]):
            chosen[key] = value
    run = call.system.durable_work.start_run(name, f"{pipeline.name}/{pipeline.version}", call.person, chosen)
    return _asked(call, Work.EXECUTE, run.id, response)


@area.read("/runs/{run}", Action.RUN_READ, "run", form=TAGGED)
def get_run(call: Called, run: str) -> m.RunDetail:
    """Return a run, what was chosen for it, and how far it is."""
    one = call.system.run_records.get(RunId(run))
    steps = call.system.runs.steps_done(one.id)
    return m.RunDetail.model_validate({**_facts(one), "parameters": dict(one.parameters), "steps_done": steps})


@area.read("/runs/{run}/log", Action.RUN_READ, "run")
def get_run_log(call: Called, run: str) -> m.RunLog:
    """Return what a run's steps wrote to their logs so far."""
    return m.RunLog(run=run, log=call.system.runs.logs(RunId(run)))


@area.read("/runs/{run}/steps", Action.RUN_READ, "run")
def list_steps(call: Called, run: str, part: paging.Asked) -> Page[m.StepFacts]:
    """List the executions of a run that is done, in the workflow's order."""
    steps = list(enumerate(call.system.runs.record(RunId(run)).steps))
    return paging.page(
        call,
        part,
        steps,
        lambda row: (row[0],),
        lambda row: m.StepFacts(
            step=row[1].step,
            position=row[1].position,
            tool=row[1].tool,
            tool_sha256=row[1].tool_sha256,
            started_at=row[1].started_at,
            ended_at=row[1].ended_at,
            exit_code=row[1].exit_code,
        ),
    )


@area.act("/runs/{run}/cancel", Action.RUN_CANCEL, "run")
def cancel_run(call: Called, run: str, asked: Reason) -> m.RunFacts:
    """Cancel a run; its process ends within about a second."""
    call.system.runs.cancel(RunId(run), call.person, asked.reason)
    return m.RunFacts(**_facts(call.system.run_records.get(RunId(run))))


@area.act("/runs/{run}/resume", Action.RUN_START, "run", form=ASKED_FOR)
def resume_run(call: Called, run: str, response: Response) -> OperationFacts:
    """Ask for a run that failed or was lost to go on."""
    return _asked_again(call, Work.EXECUTE, RunId(run), response)


@area.act("/runs/{run}/repeat", Action.RUN_START, "run", form=ASKED_FOR)
def repeat_run(call: Called, run: str, response: Response) -> OperationFacts:
    """Ask for the same work again, to be compared."""
    return _asked_again(call, Work.REPEAT, RunId(run), response)


@area.act("/runs/{run}/report", Action.RUN_START, "run", form=ASKED_FOR)
def report_run(call: Called, run: str, response: Response) -> OperationFacts:
    """Ask for the report and the research object of a run that is done to be written again."""
    return _asked(call, Work.REPORT, RunId(run), response)


@area.read("/runs/{run}/comparison", Action.RUN_READ, "run")
def compare_runs(
    call: Called,
    run: str,
    other: Annotated[str, Query(alias="with", max_length=100, pattern=NAME, description="The other run.")],
) -> m.ComparisonFacts:
    """Hold a run against another one of the same project, step by step."""
    call.seen("run", other)
    one, another = call.system.run_records.get(RunId(run)), call.system.run_records.get(RunId(other))
    if one.application != another.application:
        raise SubjectAbsent("run", other)
    return _comparison(compare(call.system.runs.record(one.id), call.system.runs.record(another.id)))


def _asked_again(call: Call, work: Work, run: RunId, response: Response) -> OperationFacts:
    call.system.durable_work.check_going(call.system.run_records.get(run).application)
    return _asked(call, work, run, response)


def _asked(call: Call, work: Work, run: RunId, response: Response) -> OperationFacts:
    operation = call.system.operations.ask(work, f"run:{run}", call.person)
    return asked_for(operation_shown(operation), response)


def _facts(one: Run) -> dict[str, object]:
    return {
        "run": one.id,
        "application": one.application,
        "appliance": one.appliance,
        "volume": one.volume,
        "pipeline": one.pipeline,
        "pipeline_sha256": one.pipeline_digest,
        "state": one.state,
        "repeats": one.repeats,
        "created_at": one.created_at.replace(microsecond=0),
    }


def _comparison(found: Comparison) -> m.ComparisonFacts:
    first = found.first_difference
    return m.ComparisonFacts(
        original=found.original,
        repeat=found.repeat,
        identical=found.identical,
        steps=found.steps,
        first_difference=m.FirstDifference(step=first.step, position=first.position, port=first.port, path=first.path)
        if first
        else None,
    )
