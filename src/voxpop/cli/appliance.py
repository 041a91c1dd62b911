"""``voxpop appliance``: what was planned and deployed, and a shell in it."""

import hashlib
import os
import re
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer

from voxpop.appliance.service import ApplianceView
from voxpop.appliance.terminals import Terminal
from voxpop.cli.console import DEFAULT_WORK, JsonOption, PersonOption, ReasonOption, WorkOption, say, show, show_table
from voxpop.cli.opening import opened
from voxpop.cli.size import add_commands
from voxpop.flow.lifetimes import Lifetimes
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Invalid, Refused
from voxpop.kernel.ids import ApplianceId, ApplicationId, VolumeId
from voxpop.wiring.sizes import size_told

FIRST_SIZE = (24, 80)
app = typer.Typer(help="Plan, deploy, look at, enter and remove appliances.")
add_commands(app)

Name = Annotated[str, typer.Argument(help="The appliance's id.", metavar="APPLIANCE")]
QueueOption = Annotated[
    str, typer.Option("--queue", help="Its batch queue, if not the one that was asked for.", metavar="RECIPE")
]
SiteOption = Annotated[
    str, typer.Option("--site", help="Where it is to stand; by default the first that can serve it.", metavar="SITE")
]


class NoTerminalHere(Invalid):
    """A shell was asked for where nobody can type."""

    code = "no-terminal-here"

    def __init__(self) -> None:
        super().__init__("a shell needs a terminal to type into: give one line with --command instead")


class NotebookInPortal(Refused):
    """A notebook was asked for without a server."""

    code = "notebook-in-portal"

    def __init__(self) -> None:
        super().__init__("a notebook lives in `voxpop serve`: open it in the portal, or name the server by --server")


@app.command()
def plan(
    application: Annotated[str, typer.Argument(help="The application's name.")],
    site: SiteOption = "",
    queue: QueueOption = "",
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rank the sites, and write the TOSCA document of an application's newest sealed volume for the first of them."""
    from voxpop.flow.plan_words import plan_facts, plan_text

    system = opened(work, person)
    sheet, planned = system.planning.plan(ApplicationId(application), system.person, site, queue)
    facts = plan_facts(sheet, planned)
    if not as_json:
        say(plan_text(facts))
    show(facts, sheet.document, as_json=as_json)


@app.command()
def deploy(
    volume: Annotated[str, typer.Argument(help="The sealed volume's id.", metavar="VOLUME")],
    site: SiteOption = "",
    queue: QueueOption = "",
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deploy the appliance of a sealed volume, or say that it stands."""
    system = opened(work, person)
    where = system.planning.place(VolumeId(volume), site, queue)
    name = system.durable_work.deploy(VolumeId(volume), where, queue)
    show(_facts(system.appliances.show(name), system.lifetimes), f"appliance '{name}' is deployed", as_json=as_json)


@app.command(name="list")
def list_(work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """List all appliances."""
    rows: list[dict[str, Json]] = [
        {"appliance": one.id, "application": one.application, "site": one.site, "state": one.state.value}
        for one in opened(work).appliance_records.every()
    ]
    columns = ("appliance", "application", "site", "state")
    show_table(rows, columns, as_json=as_json, empty="there is no appliance yet")


@app.command(name="show")
def show_(name: Name, work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """Show what an appliance was given, and what was asked and is not there."""
    system = opened(work)
    view = system.appliances.show(ApplianceId(name))
    size = size_told(system, view.appliance.id)
    facts = _facts(view, system.lifetimes) | ({"workers": size.json()} if size else {})
    told = {key: value for key, value in facts.items() if value not in (None, "")}
    show(facts, "\n".join(f"{key}: {value}" for key, value in told.items()), as_json=as_json)


@app.command()
def shell(
    name: Name,
    command: Annotated[
        str | None, typer.Option("--command", help="Do this one line instead of opening a shell to type into.")
    ] = None,
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open a shell on an appliance: the volume and results read-only, a folder of your own, no network."""
    from voxpop.wiring.terminals import terminals

    if command is None and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise NoTerminalHere
    system = opened(work, person)
    size = _size() if command is None else FIRST_SIZE
    terminal = terminals(system).open(ApplianceId(name), _account(system.person), system.person, size, command)
    try:
        output = _typed_through(terminal) if command is None else _read_out(terminal, aloud=not as_json)
        code = terminal.wait()
    finally:
        terminal.close()
    facts: dict[str, Json] = {"appliance": name, "exit_code": code}
    if as_json:
        show(facts | ({} if command is None else {"output": output}), "", as_json=True)
    if command is not None and code:
        raise typer.Exit(1)


@app.command()
def notebook(name: Name, as_json: JsonOption = False) -> None:
    """Open your notebook on an appliance of a server, and print the address that lets a browser in once."""
    del name, as_json
    raise NotebookInPortal


@app.command()
def remove(
    name: Name,
    reason: ReasonOption = "",
    give_up: Annotated[
        bool, typer.Option("--give-up", help="Write it off where its site does not answer any more.")
    ] = False,
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove an appliance from its site without a trace; results stay."""
    system = opened(work, person)
    system.appliances.remove(ApplianceId(name), system.person, reason, give_up=give_up)
    show({"appliance": name, "state": "removed"}, f"appliance '{name}' is removed", as_json=as_json)


def _read_out(terminal: Terminal, *, aloud: bool) -> str:
    """Read what a line writes to its end; ``aloud`` shows it as it comes."""
    chunks: list[bytes] = []
    while chunk := terminal.read():
        chunks.append(chunk)
        if aloud:
            sys.stdout.buffer.write(chunk)
            sys.stdout.flush()
    return b"".join(chunks).decode(errors="replace")


def _typed_through(terminal: Terminal) -> str:
    """Connect the shell with this terminal until the shell ends."""
    keyboard = sys.stdin.fileno()
    with _raw(keyboard), _following_size(terminal):
        while True:
            ready, _, _ = select.select([keyboard, terminal], [], [])
            if keyboard in ready:
                keys = os.read(keyboard, 4096)
                if not keys:  # whoever typed is gone
                    return ""
                terminal.write(keys)
            if terminal in ready:
                chunk = terminal.read(0)
                if chunk == b"":
                    return ""
                os.write(sys.stdout.fileno(), chunk or b"")


@contextmanager
def _raw(keyboard: int) -> Iterator[None]:
    """Pass each key on as it is: Ctrl-C is the shell's."""
    before = termios.tcgetattr(keyboard)
    try:
        tty.setraw(keyboard)
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def _size() -> tuple[int, int]:
    """Return the rows and columns of this terminal itself; variables that say otherwise are somebody else's."""
    columns, rows = os.get_terminal_size(sys.stdout.fileno())
    return rows, columns


@contextmanager
def _following_size(terminal: Terminal) -> Iterator[None]:
    def follow(_signal: int, _frame: FrameType | None) -> None:
        terminal.resize(*_size())

    before = signal.signal(signal.SIGWINCH, follow)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def _account(person: str) -> str:
    """Return the name of a person's folder; one that had to be changed ends in a digest, so that no two meet."""
    name = re.sub(r"[^a-z0-9._-]", "-", person.lower()).lstrip("._-")[:40] or "person"
    return name if name == person else f"{name}-{hashlib.sha256(person.encode()).hexdigest()[:8]}"


def _facts(view: ApplianceView, lifetimes: Lifetimes) -> dict[str, Json]:
    appliance, deployment = view.appliance, view.deployment
    ending = lifetimes.ending(appliance)
    facts: dict[str, Json] = {
        "appliance": appliance.id,
        "application": appliance.application,
        "volume": appliance.volume,
        "site": appliance.site,
        "state": appliance.state.value,
        "document_sha256": appliance.document_digest,
        "ends_at": ending.at.isoformat() if ending else None,
        "warning": ending.warning if ending else "",
    }
    if deployment is not None:
        facts |= {
            "sandbox": deployment.sandbox,
            "network": deployment.network,
            "cores": deployment.cores,
            "memory_gb": deployment.memory_gb,
            "not_given": [*deployment.not_given],
        }
    return facts
