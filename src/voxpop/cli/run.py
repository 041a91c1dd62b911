"""``voxpop run``, ``voxpop report`` and ``voxpop trace``."""

from typing import Annotated

import typer

from voxpop.cli.console import (
    DEFAULT_WORK,
    JsonOption,
    PersonOption,
    ReasonOption,
    WorkOption,
    progress,
    show,
    show_table,
)
from voxpop.cli.opening import opened
from voxpop.cli.pairs import pairs
from voxpop.flow.rules import Work
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ApplicationId, RunId
from voxpop.run.compare import compare
from voxpop.run.model import Comparison, Run
from voxpop.run.pipelines import chosen_parameters

app = typer.Typer(help="Start, look at, cancel and repeat runs.")

Name = Annotated[str, typer.Argument(help="The run's id.", metavar="RUN")]


def add_commands(top: typer.Typer) -> None:
    """Put ``report`` at the top level."""
    top.command()(report)


@app.command()
def start(
    application: Annotated[str, typer.Argument(help="The active application's name.")],
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", help="As name/version; the application's own by default.")
    ] = None,
    chosen: Annotated[
        list[str] | None, typer.Option("--set", help="A parameter of the pipeline as NAME=VALUE.", metavar="NAME=VALUE")
    ] = None,
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a pipeline on the application's appliance, to its end; the report follows."""
    system = opened(work, person)
    name = ApplicationId(application)
    parameters = chosen_parameters(system.projects.pipeline_of(name, pipeline), pairs(chosen))
    run = system.durable_work.start_run(name, pipeline, system.person, parameters)
    _carry_out(system.run_records.get(run.id), work, person, as_json=as_json)


@app.command()
def resume(
    name: Name, work: WorkOption = DEFAULT_WORK, person: PersonOption = None, as_json: JsonOption = False
) -> None:
    """Go on with a run that was killed or failed."""
    _carry_out(opened(work).run_records.get(RunId(name)), work, person, as_json=as_json)


@app.command()
def repeat(
    name: Name, work: WorkOption = DEFAULT_WORK, person: PersonOption = None, as_json: JsonOption = False
) -> None:
    """Run the same work again and name the first step whose output differs."""
    system = opened(work, person)
    system.run_records.get(RunId(name))
    from voxpop.worker.asking import asked, served
    from voxpop.worker.runtime import running

    if served(system):
        asked(system, Work.REPEAT, f"run:{name}")
        again = [run for run in system.run_records.every() if run.repeats == name][-1]
        comparison = compare(system.runs.record(RunId(name)), system.runs.record(again.id))
    else:
        with progress() as bar, running(system, f"run repeat {name}", bar) as runtime:
            bar.start("steps", len(system.runs.record(RunId(name)).steps))
            comparison = runtime.repeat(name)
    show(comparison_facts(comparison), comparison_text(comparison), as_json=as_json)


@app.command(name="list")
def list_(work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """List all runs."""
    rows = [_facts(run) for run in opened(work).run_records.every()]
    show_table(rows, ("run", "state", "pipeline", "volume", "repeats"), as_json=as_json, empty="there is no run yet")


@app.command(name="show")
def show_(name: Name, work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """Show a run."""
    facts = _facts(opened(work).run_records.get(RunId(name)))
    show(facts, "\n".join(f"{key}: {value}" for key, value in facts.items()), as_json=as_json)


@app.command()
def logs(name: Name, work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """Print what the run's steps wrote to their logs."""
    written = opened(work).runs.logs(RunId(name))
    show({"run": name, "log": written}, written, as_json=as_json)


@app.command()
def cancel(
    name: Name,
    reason: ReasonOption = "",
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel a run."""
    system = opened(work, person)
    system.runs.cancel(RunId(name), system.person, reason)
    show({"run": name, "state": "cancelled"}, f"run '{name}' is cancelled", as_json=as_json)


def report(
    name: Name, work: WorkOption = DEFAULT_WORK, person: PersonOption = None, as_json: JsonOption = False
) -> None:
    """Write the report and the research object of a run that is done; prints where they lie."""
    system = opened(work, person)
    system.durable_work.report(RunId(name))
    facts: dict[str, Json] = {
        "run": name,
        "report": str(system.reporting.pdf(RunId(name))),
        "crate": str(system.reporting.crate(RunId(name))),
    }
    show(facts, f"{facts['report']}\n{facts['crate']}", as_json=as_json)


def comparison_facts(comparison: Comparison) -> dict[str, Json]:
    """Return a comparison as JSON."""
    first = comparison.first_difference
    return {
        "original": comparison.original,
        "repeat": comparison.repeat,
        "identical": comparison.identical,
        "steps": comparison.steps,
        "first_difference": {"step": first.step, "position": first.position, "port": first.port, "path": first.path}
        if first
        else None,
    }


def comparison_text(comparison: Comparison) -> str:
    """Return a comparison as a sentence."""
    first = comparison.first_difference
    if first is None:
        return f"{comparison.repeat} gave the same as {comparison.original}: {comparison.steps} steps, byte for byte"
    return (
        f"{comparison.repeat} differs from {comparison.original}: first in step '{first.step}' "
        f"(execution {first.position}), output '{first.port}', {first.path}"
    )


def _carry_out(run: Run, work: "WorkOption", person: str | None, *, as_json: bool) -> None:
    system = opened(work, person)
    from voxpop.worker.asking import asked, served
    from voxpop.worker.runtime import running

    if served(system):
        asked(system, Work.EXECUTE, f"run:{run.id}")
    else:
        with progress() as bar, running(system, f"run {run.id}", bar) as runtime:
            bar.start("steps", 0)
            runtime.execute(run.id)
            runtime.settle()
    facts = _facts(system.run_records.get(run.id))
    show(facts, f"run '{run.id}' is {facts['state']}", as_json=as_json)


def _facts(run: Run) -> dict[str, Json]:
    return {
        "run": run.id,
        "application": run.application,
        "appliance": run.appliance,
        "volume": run.volume,
        "pipeline": run.pipeline,
        "pipeline_sha256": run.pipeline_digest,
        "state": run.state.value,
        "results": str(run.results),
        "repeats": run.repeats,
        "created_at": run.created_at.isoformat(timespec="seconds"),
    }
