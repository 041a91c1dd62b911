"""All commands, by group."""

from pathlib import Path
from typing import Annotated

import typer

from voxpop import __version__
from voxpop.cli import (
    appliance,
    application,
    archive,
    audit,
    backup,
    cohort,
    deid,
    demo,
    doctor,
    people,
    pipeline,
    recipe,
    remote,
    result,
    run,
    serve,
    site,
    stage,
    volume,
    webhooks,
)

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
    server: Annotated[
        str | None,
        typer.Option("--server", envvar="VOXPOP_SERVER", help="Work on the bank at this address.", metavar="URL"),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            envvar="VOXPOP_TOKEN_FILE",
            help="File that holds the token for --server; without it, VOXPOP_TOKEN holds it.",
            metavar="FILE",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Read the options that stand before the command."""
    del version
    remote.choose(remote.Server(server, token_file) if server else None)


for part in (demo, serve, stage, deid, result, run, backup, doctor):
    part.add_commands(app)
for name, group in (
    ("archive", archive.app),
    ("application", application.app),
    ("cohort", cohort.app),
    ("profile", deid.app),
    ("volume", volume.app),
    ("appliance", appliance.app),
    ("site", site.app),
    ("recipe", recipe.app),
    ("pipeline", pipeline.app),
    ("run", run.app),
    ("result", result.app),
    ("user", people.users),
    ("group", people.groups),
    ("token", people.tokens),
    ("webhook", webhooks.app),
    ("audit", audit.app),
):
    app.add_typer(group, name=name, no_args_is_help=True)
remote.attach(app)
