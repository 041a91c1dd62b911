"""``voxpop volume``: list, verify, compare, grant, remove."""

from datetime import datetime
from typing import Annotated

import typer

from voxpop.cli.console import DEFAULT_WORK, JsonOption, PersonOption, ReasonOption, WorkOption, show, show_table
from voxpop.cli.opening import opened
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import VolumeId
from voxpop.volume.model import Volume

app = typer.Typer(help="Look at, verify, compare, grant and remove volumes.")

Name = Annotated[str, typer.Argument(help="The volume's id.", metavar="VOLUME")]
Who = Annotated[str, typer.Argument(help="Whose right it is.", metavar="PERSON")]


@app.command(name="list")
def list_(work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """List all volumes."""
    rows = [_facts(volume) for volume in opened(work).volumes.every()]
    show_table(rows, ("volume", "state", "files", "bytes", "ends_on"), as_json=as_json, empty="there is no volume yet")


@app.command(name="show")
def show_(name: Name, work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """Show a volume, its seal and who may open it."""
    system = opened(work)
    volume = system.volumes.get(VolumeId(name))
    grants: list[Json] = [
        {"person": one.person, "until": one.until.isoformat() if one.until else None, "granted_by": one.granted_by}
        for one in system.volumes.grants(volume.id)
    ]
    facts = {**_facts(volume), "grants": grants}
    show(facts, "\n".join(f"{key}: {value}" for key, value in facts.items()), as_json=as_json)


@app.command()
def verify(
    name: Name, work: WorkOption = DEFAULT_WORK, person: PersonOption = None, as_json: JsonOption = False
) -> None:
    """Compare a volume's files with its seal; names each file that differs."""
    system = opened(work, person)
    found = system.volumes.check_volume(VolumeId(name), system.person)
    show(
        {"volume": name, "intact": True, "checked": found.checked},
        f"{found.checked} files are as sealed",
        as_json=as_json,
    )


@app.command()
def diff(before: Name, after: Name, work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """Say by path how two volumes differ."""
    found = opened(work).volumes.diff(VolumeId(before), VolumeId(after))
    facts: dict[str, Json] = {
        "added": list(found.added),
        "removed": list(found.removed),
        "changed": list(found.changed),
        "same": found.same,
    }
    lines = [f"{what}: {path}" for what in ("added", "removed", "changed") for path in getattr(found, what)]
    show(facts, "\n".join([*lines, f"{found.same} files are the same"]), as_json=as_json)


@app.command()
def grant(
    name: Name,
    who: Who,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day; the volume's by default.")
    ] = None,
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a person the right to open a volume."""
    system = opened(work, person)
    given = system.volumes.grant(VolumeId(name), who, system.person, until.date() if until else None)
    last = given.until.isoformat() if given.until else None
    show(
        {"volume": name, "person": who, "until": last},
        f"{who} may open {name} until {last or 'it ends'}",
        as_json=as_json,
    )


@app.command()
def revoke(
    name: Name, who: Who, work: WorkOption = DEFAULT_WORK, person: PersonOption = None, as_json: JsonOption = False
) -> None:
    """Take a person's right away; silent if there is none."""
    system = opened(work, person)
    system.volumes.revoke(VolumeId(name), who, system.person)
    show({"volume": name, "person": who}, f"{who} may no longer open {name}", as_json=as_json)


@app.command()
def remove(
    name: Name,
    reason: ReasonOption = "",
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a volume's files; its record, seal and history stay."""
    system = opened(work, person)
    volume = system.volumes.remove(VolumeId(name), system.person, reason)
    show({"volume": name, "state": volume.state.value}, f"volume '{name}' is {volume.state.value}", as_json=as_json)


def _facts(volume: Volume) -> dict[str, Json]:
    return {
        "volume": volume.id,
        "application": volume.application,
        "cohort": volume.cohort,
        "state": volume.state.value,
        "path": str(volume.path),
        "files": volume.files,
        "bytes": volume.bytes,
        "manifest_sha256": volume.digest,
        "sealed_at": volume.sealed_at.isoformat() if volume.sealed_at else None,
        "ends_on": volume.ends_on.isoformat() if volume.ends_on else None,
    }
