"""``voxpop demo``: the whole way, on embedded defaults."""

from pathlib import Path
from typing import Annotated

import typer

from voxpop.cli.console import DEFAULT_WORK, JsonOption, WorkOption, progress, say, show
from voxpop.cli.opening import opened

ArchiveDirs = Annotated[
    list[Path] | None,
    typer.Option("--archive-dir", help="A folder of DICOM files that is added to the demo's archive.", metavar="DIR"),
]


def add_commands(app: typer.Typer) -> None:
    """Put ``demo`` at the top level."""
    app.command()(demo)


def demo(archive_dir: ArchiveDirs = None, work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """Go the whole way for the first project: from phantom patients in an archive to a report on bone density."""
    from voxpop.demo.people import ACCOUNTS, kept_passwords
    from voxpop.demo.service import Story, answer, check_folders

    check_folders(archive_dir or [])
    system = opened(work, create=True)
    with progress() as bar:
        told = Story(system, archive_dir or [], bar).tell()
    facts = answer(system, told)
    passwords, web = kept_passwords(system), system.settings.web
    link = web.base_url or f"http://{web.host}:{web.port}/"
    who = {account.name: account.person for account in ACCOUNTS}
    results = system.reporting.pdf(told.run).parent
    show(
        facts,
        "\n".join(
            [
                "",
                f"report            {facts['report']}",
                f"research object   {facts['crate']}",
                f"volume            {system.volumes.get(told.volume).path}",
                "",
                f"Open it in a browser: start `voxpop serve --work {work}`, then go to {link}",
                "  sign in as one of these, and go the way from an application to its report yourself:",
                *(f"  {name:<8} {word}  {who[name]}" for name, word in passwords.items()),
                "",
                "Or try on the command line:",
                f"  voxpop trace {facts['report']} --work {work}",
                f"  voxpop audit verify --work {work}",
                f"  voxpop volume verify {told.volume} --work {work}",
                f"  voxpop run repeat {told.run} --work {work}",
                "  voxpop application new my-project.yaml",
            ]
        ),
        as_json=as_json,
    )
    if not told.comparison.identical:
        say(f"the repeat is not identical: compare {results} with the repeat's folder")
        raise typer.Exit(1)
