"""``voxpop deid`` and ``voxpop profile``: de-identify a folder, and say what would be done and why."""

import json
from pathlib import Path
from typing import Annotated

import typer

from voxpop.cli.console import JsonOption, show, show_table
from voxpop.kernel.digests import Json
from voxpop.staging.deid import Profile, explain, list_profiles, load_profile, load_secret, new_secret, save_secret
from voxpop.staging.folder import deidentified_folder

app = typer.Typer(help="What de-identification does, and why.")

ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="A profile's name or file; the built-in default without it.")
]


def add_commands(top: typer.Typer) -> None:
    """Put ``deid`` at the top level."""
    top.command()(deid)


def deid(
    source: Annotated[Path, typer.Argument(help="The folder of DICOM files to read.", metavar="IN")],
    target: Annotated[Path, typer.Argument(help="The folder to write; new or empty.", metavar="OUT")],
    profile: ProfileOption = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            help="The file of the pseudonyms' key; made if it is not there. Without it: a key that "
            "is thrown away, so that nobody can tell who is who.",
            metavar="FILE",
        ),
    ] = None,
    project: Annotated[str, typer.Option("--project", help="Another project gives other pseudonyms.")] = "deid",
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            help="Write every file's fate here; holds the source's file names, which may be identity.",
            metavar="FILE",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """De-identify a folder into another, by the code of staging, with the residual scan."""
    if key is not None and not key.exists():
        save_secret(key, new_secret())
    secret = load_secret(key) if key else new_secret()
    done = deidentified_folder(source, target, load_profile(profile), secret, project)
    if report is not None:
        fates = [
            {"source": str(one.source), "target": str(one.target) if one.target else None, "reason": one.reason}
            for one in done.fates
        ]
        report.write_text(json.dumps({**done.summary(), "fates": fates}, indent=2) + "\n", encoding="utf-8")
    refused = "".join(f"\n  refused {number}: {reason}" for reason, number in done.refused.items())
    show(done.summary(), f"{done.written} of {len(done.fates)} files written{refused}", as_json=as_json)


@app.command(name="list")
def list_(as_json: JsonOption = False) -> None:
    """List the profiles that ship with voxpop, the default one first."""
    rows = [_facts(one) for one in list_profiles()]
    show_table(rows, ("profile", "title"), as_json=as_json, empty="no profile ships with this voxpop")


@app.command(name="show")
def show_(
    profile: Annotated[str | None, typer.Argument(help="A profile's name or file.")] = None, as_json: JsonOption = False
) -> None:
    """Show a profile's options."""
    facts = _facts(load_profile(profile))
    show(facts, "\n".join(f"{key}: {value}" for key, value in facts.items()), as_json=as_json)


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A profile's YAML file.")], as_json: JsonOption = False) -> None:
    """Check a profile; a fault is named with line and column."""
    one = load_profile(file)
    show(_facts(one), f"profile '{one.name}' can be used", as_json=as_json)


@app.command(name="explain")
def explain_(
    tag: Annotated[str, typer.Argument(help="A tag (0010,0010) or a keyword (PatientName).")],
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is done to an element, and which rule decides."""
    why = explain(load_profile(profile), tag)
    facts: dict[str, Json] = {
        "tag": why.tag,
        "keyword": why.keyword,
        "action": why.action.value,
        "rule": why.rule.value,
        "cited": why.cited,
        "row": why.row,
        "type": why.type,
        "modules": [*why.modules],
    }
    show(facts, "\n".join(why.lines), as_json=as_json)


def _facts(one: Profile) -> dict[str, Json]:
    return {"profile": one.name, "title": one.title, "options": [*sorted(option.value for option in one.options)]}
