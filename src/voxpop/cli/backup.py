"""``voxpop backup`` and ``voxpop restore``: a bank in one file, and back."""

from pathlib import Path
from typing import Annotated

import typer

from voxpop.cli.console import DEFAULT_WORK, JsonOption, PersonOption, WorkOption, say, show
from voxpop.cli.opening import opened
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Refused


class RestoredBroken(Refused):
    """A bank was restored whose audit log is not whole."""

    code = "restored-broken"

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(
            f"the bank was restored, and its audit log is not whole: {'; '.join(faults)}; use an older backup"
        )


def add_commands(app: typer.Typer) -> None:
    """Put ``backup`` and ``restore`` at the top level."""
    app.command()(backup)
    app.command()(restore)


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")],
    without_protected: Annotated[
        bool, typer.Option("--without-protected", help="Leave out keys, frozen lists and the audit log's head.")
    ] = False,
    with_data: Annotated[
        bool, typer.Option("--with-data", help="Put in the index, volumes, runs, results and releases too.")
    ] = False,
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a backup while the bank works; the file is identity, as the protected folder is: keep it where that is."""
    system = opened(work, person)
    from voxpop.wiring.backup import Contents, write_backup

    made = write_backup(system, file, Contents(protected=not without_protected, data=with_data))
    facts: dict[str, Json] = {
        "file": str(file),
        "files": made.files,
        "bytes": made.bytes,
        "identity": not without_protected,
        "left_out": [*made.left_out],
        "vanished": [*made.vanished],
    }
    text = f"{file}: {made.files} files, {made.bytes / 1e6:.1f} MB before compression\nnot in it:"
    text += "".join(f"\n  {line}" for line in made.left_out)
    if made.vanished:
        text += "\nvanished while it was copied:" + "".join(f"\n  {name}" for name in made.vanished)
    if not without_protected:
        text += "\nit holds keys and frozen lists: it is identity, keep it where identity is kept"
    show(facts, text, as_json=as_json)


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `voxpop backup` wrote.")],
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a bank again from a backup, in an empty or absent work folder; check it, and say what it does not have."""
    from voxpop.wiring.restoring import restore_backup

    made = restore_backup(file, work, person)
    facts: dict[str, Json] = {
        "work": str(work),
        "made_at": made.made_at,
        "files": made.files,
        "audit_whole": not made.faults and made.head,
        "missing": [*made.missing],
        "left_out": [*made.left_out],
    }
    text = f"{work}: {made.files} files as of {made.made_at[:19]}Z"
    if made.missing:
        text += f"\ntheir files were not in the backup: {', '.join(made.missing)}"
    text += "\nnot in the backup:" + "".join(f"\n  {line}" for line in made.left_out)
    show(facts, text, as_json=as_json)
    if made.faults:
        raise RestoredBroken(made.faults)
    if made.head:
        say("the audit log is whole; `voxpop doctor` says what is left to do")
    else:
        say("put the protected folder back from where it is kept, then run `voxpop audit verify`")
