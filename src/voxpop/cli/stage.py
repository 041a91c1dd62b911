"""``voxpop stage`` and ``voxpop worker``: durable work from the command line."""

import signal
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from voxpop.cli.console import DEFAULT_WORK, JsonOption, PersonOption, WorkOption, progress, show
from voxpop.cli.opening import opened
from voxpop.cli.serve import STOPPED, end_at_once, working
from voxpop.flow.rules import Work
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ApplicationId, VolumeId

if TYPE_CHECKING:
    from voxpop.wiring.system import System


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
    system.projects.check_staging(ApplicationId(application))
    from voxpop.worker.asking import asked, served
    from voxpop.worker.runtime import running

    if served(system):
        asked(system, Work.STAGE, f"application:{application}")
        volume = system.volumes.of_application(ApplicationId(application))[-1]
    else:
        with progress() as bar, running(system, f"stage {application}", bar) as runtime:
            volume = system.volumes.get(VolumeId(runtime.stage(application)))
    facts: dict[str, Json] = {
        "volume": volume.id,
        "path": str(volume.path),
        "files": volume.files,
        "manifest_sha256": volume.digest,
    }
    show(facts, volume.id, as_json=as_json)


def worker(
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    stay: Annotated[
        bool, typer.Option("--stay", help="Stay, and take what is asked for until stopped; several on PostgreSQL.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Do what waits: stage what was approved, deploy what was staged, report what was run; then end, or stay."""
    system = opened(work, person)
    if stay:
        _stay(system, as_json=as_json)
    from voxpop.worker.runtime import running

    with progress() as bar, running(system, "worker", bar) as runtime:
        taken = runtime.settle()
    show({"taken": taken}, f"{taken} requests were waiting and are done", as_json=as_json)


def _stay(system: "System", *, as_json: bool) -> NoReturn:
    with working(system, "worker --stay") as foreman:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: foreman.stop())
        place = foreman.name or "the worker of this work folder"
        show({"worker": place}, f"{place} takes what is asked for; stop it with Ctrl-C", as_json=as_json)
        sys.stdout.flush()
        foreman.work()
    end_at_once(STOPPED)
