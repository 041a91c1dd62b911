"""``voxpop stage`` and ``voxpop worker``: durable work from the command line."""

from typing import Annotated

import typer

from voxpop.cli.console import DEFAULT_WORK, JsonOption, PersonOption, WorkOption, progress, show
from voxpop.cli.opening import opened
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ApplicationId, VolumeId


def add_commands(app: typer.Typer) -> None:
    """Put ``stage`` and ``worker`` at the top level."""
    app.command()(stage)
    app.command()(worker)


def stage(
    application: Annotated[str, typer.Argument(help="The approved application's name.")],
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Retrieve, de-identify, scan, convert, lay out and seal an approved application's studies; prints the volume."""
    system = opened(work, person)
    system.check_staging(ApplicationId(application))
    from voxpop.worker.runtime import running

    with progress() as bar, running(system, f"stage {application}", bar) as runtime:
        volume = system.volumes.get(VolumeId(runtime.stage(application)))
    facts: dict[str, Json] = {
        "volume": volume.id,
        "path": str(volume.path),
        "files": volume.files,
        "manifest_sha256": volume.digest,
    }
    show(facts, volume.id, as_json=as_json)


def worker(work: WorkOption = DEFAULT_WORK, person: PersonOption = None, as_json: JsonOption = False) -> None:
    """Do what waits: stage what was approved, deploy what was staged, report what was run; then end."""
    system = opened(work, person)
    from voxpop.worker.runtime import running

    with progress() as bar, running(system, "worker", bar) as runtime:
        taken = runtime.settle()
    show({"taken": taken}, f"{taken} requests were waiting and are done", as_json=as_json)
