"""``voxpop doctor``: whether a bank and its machine are well, and what to do where they are not."""

from typing import Annotated

import typer

from voxpop.cli.console import DEFAULT_WORK, JsonOption, WorkOption, show
from voxpop.kernel.digests import Json

_BAD = 1


def add_commands(app: typer.Typer) -> None:
    """Put ``doctor`` at the top level."""
    app.command()(doctor)


def doctor(
    work: WorkOption = DEFAULT_WORK,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Leave out what is well.")] = False,
) -> None:
    """Look at the work folder and the machine, and change nothing; exit code 1 where anything is bad."""
    from voxpop.demo.hosting import ARCHIVE
    from voxpop.wiring.doctor import Verdict, examine

    found = examine(work, (ARCHIVE,))
    told = [one for one in found if not (quiet and one.verdict is Verdict.OK)]
    bad = sum(one.verdict is Verdict.BAD for one in found)
    looks: list[Json] = [{"check": one.check, "verdict": one.verdict.value, "said": one.said} for one in told]
    lines = [f"{one.verdict.value:<4}  {one.check:<16} {one.said}" for one in told]
    look = sum(one.verdict is Verdict.LOOK for one in found)
    lines.append(f"{bad} bad, {look} to look at, {len(found) - bad - look} well")
    show({"well": not bad, "bad": bad, "look": look, "findings": looks}, "\n".join(lines), as_json=as_json)
    if bad:
        raise typer.Exit(_BAD)
