"""``voxpop result`` and ``voxpop trace``: what runs left, and the way back from it."""

from pathlib import Path
from typing import Annotated

import typer

from voxpop.cli.console import DEFAULT_WORK, JsonOption, WorkOption, show, show_table
from voxpop.cli.opening import opened
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Refused
from voxpop.kernel.ids import RunId
from voxpop.result.model import ResultFile, TraceStep
from voxpop.result.trace import trace as way_back

app = typer.Typer(help="Look at what runs left.")


class TraceBroken(Refused):
    """A link of the chain does not hold."""

    code = "trace-broken"

    def __init__(self, faults: list[str]) -> None:
        super().__init__("the chain does not hold: " + "; ".join(faults))


def add_commands(top: typer.Typer) -> None:
    """Put ``trace`` at the top level."""
    top.command()(trace)


@app.command(name="list")
def list_(work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """List all files that runs left."""
    rows = [_facts(file) for file in opened(work).result_records.every()]
    show_table(rows, ("run", "kind", "path", "bytes"), as_json=as_json, empty="no run has left a result yet")


@app.command(name="show")
def show_(
    name: Annotated[str, typer.Argument(help="The run's id.", metavar="RUN")],
    work: WorkOption = DEFAULT_WORK,
    as_json: JsonOption = False,
) -> None:
    """Show the files that a run left, with their digests."""
    system = opened(work)
    system.run_records.get(RunId(name))
    rows = [_facts(file) for file in system.result_records.of_run(RunId(name))]
    show_table(rows, ("kind", "path", "bytes", "sha256"), as_json=as_json, empty=f"run '{name}' has left nothing yet")


def trace(
    file: Annotated[str, typer.Argument(help="A file that a run left, or its SHA-256.", metavar="FILE")],
    work: WorkOption = DEFAULT_WORK,
    as_json: JsonOption = False,
) -> None:
    """Walk back from a result to the query and the decision, and check each link."""
    path = Path(file)
    start: Path | str = path if path.exists() or not _is_digest(file) else file
    steps = way_back(start, opened(work).chain)
    show([_step(step) for step in steps], "\n".join(map(_line, steps)), as_json=as_json)
    faults = [f"{step.kind} '{step.id}': {step.fault}" for step in steps if not step.checked]
    if faults:
        raise TraceBroken(faults)


def _is_digest(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def _step(step: TraceStep) -> Json:
    return {
        "kind": step.kind,
        "id": step.id,
        "sha256": step.digest,
        "checked": step.checked,
        "fault": step.fault,
        "facts": dict(step.facts),
    }


def _line(step: TraceStep) -> str:
    mark = "ok " if step.checked else "BAD"
    facts = [f"      {key}: {_short(value)}" for key, value in step.facts.items()]
    return "\n".join([f"{mark}  {step.kind:<12} {step.id}  sha256 {step.digest[:16]}  {step.fault}".rstrip(), *facts])


def _short(value: Json) -> str:
    if isinstance(value, list):
        shown = [_short(one) for one in value[:6]]
        more = f" and {len(value) - 6} more" if len(value) > 6 else ""
        return "; ".join(shown) + more
    if isinstance(value, dict):
        return ", ".join(f"{_short(one)}" for one in value.values())
    return str(value)


def _facts(file: ResultFile) -> dict[str, Json]:
    return {"run": file.run, "kind": file.kind, "path": file.path, "bytes": file.bytes, "sha256": file.sha256}
