"""``voxpop archive``: connect archives and clinical sources, and harvest them into the index."""

from pathlib import Path
from typing import Annotated

import typer

from voxpop.cli.console import DEFAULT_WORK, JsonOption, PersonOption, WorkOption, show, show_table
from voxpop.cli.opening import opened
from voxpop.cli.pairs import Settings, pairs
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Refused

app = typer.Typer(help="Connect archives (PACS) and clinical sources, and harvest them into the index.")

Name = Annotated[str, typer.Argument(help="The archive's name here.", metavar="NAME")]


class NothingHarvested(Refused):
    """An archive listed no study."""

    code = "nothing-harvested"

    def __init__(self, name: str, odd: dict[str, int]) -> None:
        told = ", ".join(f"{number} {kind}" for kind, number in odd.items())
        super().__init__(f"archive '{name}' holds no study that can be used" + (f": {told}" if told else ""))


@app.command()
def add(
    name: Name,
    kind: Annotated[str, typer.Option("--kind", help="dicomweb, dimse or folder.")],
    settings: Settings = None,
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Connect an archive, or change its connection."""
    system = opened(work, person, create=True)
    system.connect_archive(name, kind, pairs(settings))
    show(
        {"archive": name, "kind": kind},
        f"archive '{name}' is noted and not yet tried: `voxpop archive echo {name}` asks whether it answers",
        as_json=as_json,
    )


@app.command(name="list")
def list_(work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """List the connected archives."""
    rows: list[dict[str, Json]] = [
        {
            "archive": one.name,
            "kind": one.kind,
            "settings": dict(one.settings) if as_json else ", ".join(f"{k}={v}" for k, v in one.settings.items()),
            "studies": one.studies,
            "harvested_at": one.harvested_at.isoformat(timespec="seconds") if one.harvested_at else None,
        }
        for one in opened(work).archive_records.every()
    ]
    columns = ("archive", "kind", "settings", "studies", "harvested_at")
    show_table(rows, columns, as_json=as_json, empty="no archive is connected: `voxpop archive add` connects one")


@app.command()
def echo(name: Name, work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """Ask an archive whether it is there and lets us in."""
    opened(work).archives.named(name).echo()
    show({"archive": name, "answers": True}, f"archive '{name}' answers", as_json=as_json)


@app.command()
def harvest(
    name: Name,
    clinical: Annotated[
        Path | None, typer.Option("--clinical", help="The clinical source (CSV or Parquet) to join.", metavar="FILE")
    ] = None,
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """List an archive's studies into the index, which lies in the protected folder."""
    system = opened(work, person)
    if clinical:
        system.check_clinical(clinical)
    found = system.harvest(name)
    if not found.studies:
        raise NothingHarvested(name, dict(found.odd))
    records = system.load_clinical(clinical) if clinical else None
    odd: dict[str, Json] = dict(found.odd)
    facts: dict[str, Json] = {
        "archive": name,
        "studies": found.studies,
        "series": found.series,
        "odd_answers": odd,
        "index_sha256": found.digest,
        "clinical_records": records,
    }
    text = f"archive '{name}': {found.studies} studies, {found.series} series"
    if odd:
        text += "; odd answers: " + ", ".join(f"{kind} {number}" for kind, number in odd.items())
    if records is not None:
        text += f"; {records} clinical records"
    show(facts, text, as_json=as_json)
