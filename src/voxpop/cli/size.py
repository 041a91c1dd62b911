"""``voxpop appliance resize``: how many workers an appliance with a queue may have."""

from typing import Annotated

import typer

from voxpop.cli.console import DEFAULT_WORK, JsonOption, PersonOption, WorkOption, show
from voxpop.cli.opening import opened
from voxpop.kernel.ids import ApplianceId


def add_commands(app: typer.Typer) -> None:
    """Put the command among those of appliances."""
    app.command()(resize)


def resize(
    name: Annotated[str, typer.Argument(help="The appliance's id.", metavar="APPLIANCE")],
    least: Annotated[int, typer.Option("--min", help="As many workers stay while nothing is to be done.")],
    most: Annotated[int, typer.Option("--max", help="There are never more.")],
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose how many workers an appliance with a queue may have."""
    system = opened(work, person)
    system.clusters.sizing.resize(ApplianceId(name), least, most, system.person)
    show({"appliance": name, "least": least, "most": most}, resized_sentence(name, least, most), as_json=as_json)


def resized_sentence(name: str, least: int, most: int) -> str:
    """Return what is said when it is done."""
    return f"appliance '{name}' has {least} to {most} workers from now on, as its queue needs them"
