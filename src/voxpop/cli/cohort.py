"""``voxpop cohort``: count what criteria would give, and freeze a list."""

from pathlib import Path
from typing import Annotated

import typer

from voxpop.application.document import read_file
from voxpop.cli.console import DEFAULT_WORK, JsonOption, PersonOption, WorkOption, show
from voxpop.cli.opening import opened
from voxpop.flow.criteria import criteria_of
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ApplicationId

app = typer.Typer(help="Count what criteria would give, and freeze the list of studies.")


@app.command()
def count(
    file: Annotated[Path, typer.Argument(help="An application's YAML document.", metavar="FILE")],
    spread: Annotated[bool, typer.Option("--spread", help="Count each group by sex and by age too.")] = False,
    work: WorkOption = DEFAULT_WORK,
    as_json: JsonOption = False,
) -> None:
    """Count each group of an application; fewer than 10 are not told."""
    request = read_file(file).request
    system = opened(work)
    groups = system.counts.groups(request)
    rows: list[Json] = [{"group": one.group, "available": one.available, "wanted": one.wanted} for one in groups]
    lines = [f"{one.group}: {'fewer than 10' if one.available is None else one.available}" for one in groups]
    if spread:
        counted = system.cohorts.count(criteria_of(request)).spread
        rows = [{"group": group, "by": by, "available": dict(parts)} for (by, group), parts in counted.items()]
        lines += [
            f"{group} by {by}: "
            + ", ".join(f"{part} {'not told' if number is None else number}" for part, number in parts.items())
            for (by, group), parts in counted.items()
        ]
    show(rows, "\n".join(lines), as_json=as_json)


@app.command()
def freeze(
    application: Annotated[str, typer.Argument(help="The application's name.")],
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Freeze the list of studies of an application; the same index gives the same cohort."""
    system = opened(work, person)
    name = ApplicationId(application)
    request = system.applications.get(name).request
    cohort = system.cohorts.freeze(name, criteria_of(request), system.person)
    facts: dict[str, Json] = {
        "cohort": cohort.id,
        "selected": cohort.selected,
        "not_selected": cohort.not_selected,
        "list_sha256": cohort.list_digest,
        "index_sha256": cohort.index_digest,
    }
    text = f"{cohort.id}: {cohort.selected} studies selected, {cohort.not_selected} not"
    show(facts, text, as_json=as_json)
