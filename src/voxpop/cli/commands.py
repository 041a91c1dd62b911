"""All commands, by group."""

from typing import Annotated

import typer

from voxpop import __version__
from voxpop.cli import appliance, application, archive, audit, cohort, deid, demo, pipeline, result, run, stage, volume

app = typer.Typer(
    name="voxpop",
    help="De-identified slices of a region's medical images, analysed where they lie, with the chain of proof.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"voxpop {__version__}")
        raise typer.Exit


@app.callback()
def voxpop(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Read the options that stand before the command."""
    del version


for part in (demo, stage, deid, result, run):
    part.add_commands(app)
for name, group in (
    ("archive", archive.app),
    ("application", application.app),
    ("cohort", cohort.app),
    ("profile", deid.app),
    ("volume", volume.app),
    ("appliance", appliance.app),
    ("site", appliance.sites),
    ("recipe", appliance.recipes),
    ("pipeline", pipeline.app),
    ("run", run.app),
    ("result", result.app),
    ("audit", audit.app),
):
    app.add_typer(group, name=name, no_args_is_help=True)
