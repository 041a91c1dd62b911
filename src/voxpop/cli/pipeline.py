"""``voxpop pipeline``: what can be run."""

from pathlib import Path
from typing import Annotated

import typer

from voxpop.cli.console import JsonOption, show, show_table
from voxpop.kernel.digests import Json
from voxpop.run.model import Pipeline
from voxpop.run.pipelines import load_pipeline, pipeline_named
from voxpop.wiring.installed import pipelines

app = typer.Typer(help="Look at pipelines and check them.")


@app.command(name="list")
def list_(as_json: JsonOption = False) -> None:
    """List the pipelines that are installed."""
    rows = [_facts(one) for one in pipelines().values()]
    show_table(rows, ("pipeline", "title"), as_json=as_json, empty="no pipeline is installed")


@app.command(name="show")
def show_(
    name: Annotated[str, typer.Argument(help="The pipeline, as name/version.")], as_json: JsonOption = False
) -> None:
    """Show a pipeline: its inputs from the volume, parameters and digest."""
    facts = _facts(pipeline_named(name, pipelines()))
    show(facts, "\n".join(f"{key}: {value}" for key, value in facts.items()), as_json=as_json)


@app.command()
def check(folder: Annotated[Path, typer.Argument(help="A pipeline's folder.")], as_json: JsonOption = False) -> None:
    """Check a pipeline's folder: its description, its workflow and tools."""
    one = load_pipeline(folder)
    show(_facts(one), f"{one.name}/{one.version} can be run", as_json=as_json)


def _facts(one: Pipeline) -> dict[str, Json]:
    return {
        "pipeline": f"{one.name}/{one.version}",
        "title": one.title,
        "volume_inputs": dict(one.volume_inputs),
        "parameters": dict(one.parameters),
        "sha256": one.digest,
    }
