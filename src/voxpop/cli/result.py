"""``voxpop result`` and ``voxpop trace``: what runs left, and the way back from it."""

from pathlib import Path
from typing import Annotated

import typer

from voxpop.cli.console import DEFAULT_WORK, JsonOption, PersonOption, ReasonOption, WorkOption, show, show_table
from voxpop.cli.opening import opened
from voxpop.kernel.clock import iso_utc
from voxpop.kernel.digests import Json, sha256_file
from voxpop.kernel.errors import Refused
from voxpop.kernel.ids import RunId
from voxpop.result.egress.model import Checked, Finding, Permission, Release
from voxpop.result.egress.states import ReleaseState
from voxpop.result.model import ResultFile, TraceStep
from voxpop.result.trace import trace as way_back

app = typer.Typer(help="Look at what runs left, and let it out.")

RunName = Annotated[str, typer.Argument(help="The run's id.", metavar="RUN")]
Paths = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files or folders, relative to the run's results; without any, all that may be asked for.",
        metavar="[PATH]...",
        show_default=False,
    ),
]
ReleaseName = Annotated[str, typer.Argument(help="The release's id.", metavar="RELEASE")]


class TraceBroken(Refused):
    """A link of the chain does not hold."""

    code = "trace-broken"

    def __init__(self, faults: list[str]) -> None:
        super().__init__("the chain does not hold: " + "; ".join(faults))


class CheckStopped(Refused):
    """Files hold what can not leave."""

    code = "check-stopped"

    def __init__(self, run: str, findings: tuple[Finding, ...]) -> None:
        files = len({finding.path for finding in findings})
        super().__init__(
            f"{files} of the files of run '{run}' cannot leave as they are: ask without them, or mend the pipeline"
        )


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


@app.command()
def check(
    name: RunName,
    paths: Paths = None,
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at files of a run as a release would, and keep nothing."""
    system = opened(work, person)
    checked = system.releases.check(RunId(name), paths or (), system.person)
    if as_json:
        show({"run": name, **_checked(checked)}, "", as_json=True)
    else:
        empty = f"nothing was found in {len(checked.files)} files"
        show_table([_finding(one) for one in checked.findings], _FINDING, as_json=False, empty=empty)
    if checked.stopping:
        raise CheckStopped(name, checked.stopping)


@app.command()
def ask(
    name: RunName,
    paths: Paths = None,
    purpose: Annotated[str, typer.Option("--purpose", help="What the files are wanted for.")] = "",
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask for files of a run to be let out; another person decides."""
    system = opened(work, person)
    asked = system.releases.ask(RunId(name), paths or (), system.person, purpose)
    show(_release(asked), _told(asked), as_json=as_json)


@app.command()
def releases(work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """List what was asked for, and the decisions."""
    rows = [_release(one) for one in opened(work).releases.every()]
    columns = ("release", "state", "run", "asked_by", "purpose", "bytes", "stops", "needs", "decided_by", "reason")
    show_table(rows, columns, as_json=as_json, empty="nothing was asked for yet")


@app.command()
def release(
    name: ReleaseName,
    reason: ReasonOption = "",
    allow: Annotated[
        list[Permission] | None, typer.Option("--allow", help="What may leave although it concerns single persons.")
    ] = None,
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let files out that another person asked for."""
    system = opened(work, person)
    released = system.releases.release(name, system.person, reason, frozenset(allow or ()))
    show(_release(released), _told(released), as_json=as_json)


@app.command()
def refuse(
    name: ReleaseName,
    reason: ReasonOption = "",
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide against letting files out."""
    system = opened(work, person)
    refused = system.releases.refuse(name, system.person, reason)
    show(_release(refused), _told(refused), as_json=as_json)


@app.command()
def withdraw(
    name: ReleaseName,
    reason: ReasonOption = "",
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take your own request back before it is decided."""
    system = opened(work, person)
    withdrawn = system.releases.withdraw(name, system.person, reason)
    show(_release(withdrawn), _told(withdrawn), as_json=as_json)


@app.command()
def fetch(
    name: ReleaseName,
    file: Annotated[Path, typer.Argument(help="The zip archive to write.", metavar="FILE")],
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what was released as one zip archive."""
    system = opened(work, person)
    system.releases.fetch(name, file, system.person)
    facts: dict[str, Json] = {"release": name, "file": str(file), "sha256": sha256_file(file)}
    show(facts, f"{file} written", as_json=as_json)


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


_FINDING = ("severity", "path", "check", "sentence")


def _finding(finding: Finding) -> dict[str, Json]:
    return {
        "severity": finding.severity.value,
        "path": finding.path,
        "check": finding.check,
        "sentence": finding.sentence,
        "allowed": finding.allowed,
    }


def _checked(checked: Checked) -> dict[str, Json]:
    coverage: list[Json] = [
        {"check": one.check, "version": one.version, "coverage": one.says} for one in checked.coverage
    ]
    return {
        "files": [{"path": one.path, "sha256": one.sha256, "bytes": one.bytes} for one in checked.files],
        "bytes": checked.bytes,
        "stops": bool(checked.stopping),
        "needs": [*sorted(one.value for one in checked.permissions)],
        "findings": [_finding(one) for one in checked.findings],
        "coverage": coverage,
    }


def _release(one: Release) -> dict[str, Json]:
    return {
        "release": one.id,
        "run": one.run,
        "state": one.state.value,
        "asked_by": one.asked_by,
        "purpose": one.purpose,
        "asked_at": iso_utc(one.asked_at),
        "decided_by": one.decided_by or None,
        "reason": one.reason or None,
        "decided_at": iso_utc(one.decided_at) if one.decided_at else None,
        "bytes": one.bytes,
        "stops": bool(one.stopping),
        "needs": [*sorted(permission.value for permission in one.permissions)],
        "allowed": [*sorted(permission.value for permission in one.allowed)],
        "files": [{"path": file.path, "sha256": file.sha256, "bytes": file.bytes} for file in one.files],
        "findings": [_finding(finding) for finding in one.findings],
    }


def _told(one: Release) -> str:
    needs = ", ".join(sorted(permission.value for permission in one.permissions))
    lines = [f"'{one.id}' is {one.state.value}: {len(one.files)} files, {one.bytes} bytes"]
    if one.state is not ReleaseState.REQUESTED:
        return lines[0]
    if one.stopping:
        lines.append(f"{len(one.stopping)} findings stand against it, whoever decides")
    elif needs:
        lines.append(f"it leaves only if whoever decides allows {needs}")
    return "\n".join(lines)


def _facts(file: ResultFile) -> dict[str, Json]:
    return {"run": file.run, "kind": file.kind, "path": file.path, "bytes": file.bytes, "sha256": file.sha256}
