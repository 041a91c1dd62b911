"""Runs: start one by a form made from the pipeline's inputs, follow it, read its log, repeat it, compare two."""

from fastapi.responses import Response

from voxpop.access.permissions import Action
from voxpop.flow.rules import Work
from voxpop.kernel.ids import ApplicationId, RunId
from voxpop.run.compare import compare
from voxpop.run.model import Run
from voxpop.run.pipelines import chosen_parameters, parameters_of
from voxpop.run.states import RunState
from voxpop.store.ledger import SubjectAbsent
from voxpop.web import words
from voxpop.web.area import Area
from voxpop.web.ask import Ask, Asked

area = Area("runs")
_PAGE = 100
_TAIL = 12_000


@area.page("/runs", Action.RUN_LIST)
def list_(ask: Asked) -> Response:
    """List what may be read, the newest first."""
    before = ask.request.query_params.get("before")
    rows = ask.system.run_records.newest(ask.scope(Action.RUN_READ), _PAGE, RunId(before) if before else None)
    return ask.page("runs/list.html", rows=rows, page=_PAGE)


@area.page("/applications/{application}/run", Action.RUN_START, of="application")
def form(ask: Asked, application: str) -> Response:
    """Ask for the pipeline's parameters."""
    chosen = ask.request.query_params.get("pipeline") or ask.text("pipeline") or None
    pipeline = ask.system.projects.pipeline_of(ApplicationId(application), chosen)
    appliance, deployment = ask.system.appliances.newest(ApplicationId(application))
    return ask.page(
        "runs/form.html",
        application=application,
        pipeline=pipeline,
        named=f"{pipeline.name}/{pipeline.version}",
        pipelines=ask.system.pipelines(),
        parameters=parameters_of(pipeline),
        appliance=appliance,
        deployment=deployment,
    )


@area.act("/applications/{application}/run", Action.RUN_START, of="application")
def start(ask: Asked, application: str) -> Response:
    """Make the run and ask for it to be carried out."""
    name = ApplicationId(application)
    pipeline = ask.system.projects.pipeline_of(name, ask.text("pipeline") or None)
    texts = {one.name: ask.text(f"p_{one.name}") for one in parameters_of(pipeline) if ask.text(f"p_{one.name}")}
    chosen = chosen_parameters(pipeline, texts)
    run = ask.system.durable_work.start_run(name, f"{pipeline.name}/{pipeline.version}", ask.person, chosen)
    ask.system.operations.ask(Work.EXECUTE, f"run:{run.id}", ask.person)
    return ask.go(f"/runs/{run.id}", words.gettext_here("The run is asked for."))


@area.page("/runs/{run}", Action.RUN_READ, of="run")
def show(ask: Asked, run: str) -> Response:
    """Show a run: how far it is, its log, its steps."""
    one = ask.system.run_records.get(RunId(run))
    record = ask.system.runs.record(one.id) if one.state is RunState.DONE else None
    siblings = [
        other
        for other in ask.system.run_records.of_application(one.application)
        if other.id != one.id and other.state is RunState.DONE
    ]
    return ask.page("runs/show.html", record=record, siblings=siblings, **_now(ask, one))


@area.page("/runs/{run}/progress", Action.RUN_READ, of="run")
def progress(ask: Asked, run: str) -> Response:
    """Return the part of the page that changes while the run goes on."""
    return ask.page("runs/progress.html", **_now(ask, ask.system.run_records.get(RunId(run))))


@area.act("/runs/{run}/resume", Action.RUN_START, of="run")
def resume(ask: Asked, run: str) -> Response:
    """Go on with a run that failed or was lost."""
    _ask_again(ask, run, Work.EXECUTE)
    return ask.go(f"/runs/{run}")


@area.act("/runs/{run}/repeat", Action.RUN_START, of="run")
def repeat(ask: Asked, run: str) -> Response:
    """Ask for the same work again, to be compared."""
    _ask_again(ask, run, Work.REPEAT)
    return ask.go(f"/runs/{run}", words.gettext_here("The repeat is asked for; it appears in the list of runs."))


@area.act("/runs/{run}/cancel", Action.RUN_CANCEL, of="run")
def cancel(ask: Asked, run: str) -> Response:
    """Cancel it."""
    ask.system.runs.cancel(RunId(run), ask.person, ask.text("reason"))
    return ask.go(f"/runs/{run}")


@area.page("/runs/{run}/compare", Action.RUN_READ, of="run")
def compared(ask: Asked, run: str) -> Response:
    """Hold a run against another one of the same project, step by step."""
    one = ask.system.run_records.get(RunId(run))
    other = ask.system.run_records.get(RunId(ask.request.query_params.get("with", "")))
    if other.application != one.application:
        raise SubjectAbsent("run", other.id)
    comparison = compare(ask.system.runs.record(one.id), ask.system.runs.record(other.id))
    return ask.page("runs/compare.html", one=one, other=other, comparison=comparison)


def _ask_again(ask: Ask, run: str, work: Work) -> None:
    """Ask for more of a run, unless its project has ended."""
    ask.system.durable_work.check_going(ask.system.run_records.get(RunId(run)).application)
    ask.system.operations.ask(work, f"run:{run}", ask.person)


def _now(ask: Ask, one: Run) -> dict[str, object]:
    """Gather how far a run is; a repeat is carried out by what was asked of its original."""
    asked = ask.system.operations.of_subjects([f"run:{run}" for run in (one.id, one.repeats) if run])
    in_hand = any(op.open and (op.subject == f"run:{one.id}" or op.work is Work.REPEAT) for op in asked)
    log = ask.system.runs.logs(one.id)
    return {
        "one": one,
        "operations": [op for op in asked if op.subject == f"run:{one.id}" and (op.open or op.sentence)][:3],
        "steps": ask.system.runs.steps_done(one.id),
        "log": log[-_TAIL:],
        "going": in_hand or one.state in (RunState.CREATED, RunState.RUNNING),
        "stopped": not in_hand and one.state not in (RunState.DONE, RunState.CANCELLED),
    }
