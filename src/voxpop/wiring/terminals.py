"""Terminals on the appliances of this machine."""

from pathlib import Path
from secrets import token_hex

from voxpop.appliance.errors import TerminalNotGiven
from voxpop.appliance.model import Deployment
from voxpop.appliance.terminals import Rights, Room, Terminal, TerminalService
from voxpop.backends import process
from voxpop.kernel.ids import ApplicationId
from voxpop.run.ports import CanHostTerminal, Seat
from voxpop.wiring.sandboxes import sandbox_named
from voxpop.wiring.system import System

# all that the program which builds the sandbox is told; the shell gets its own environment
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


class LocalTerminals:
    """Opens shells in what holds an appliance's runs.

    Parameters
    ----------
    system : System
        Nothing of its work folder is seen but what a room names.
    """

    def __init__(self, system: System) -> None:
        self._system = system

    def check(self, deployment: Deployment) -> None:
        """Refuse an appliance whose sandbox can't hold a person."""
        self._sandbox(deployment)

    def people(self, deployment: Deployment) -> Path | None:
        """Return where the folders of an appliance's people must be; None where that is all one."""
        return self._sandbox(deployment).people

    def open(self, room: Room, size: tuple[int, int], line: str | None) -> Terminal:
        """Open a shell in a room; with ``line``, one that does that line and ends."""
        deployment = room.deployment
        sandbox = self._sandbox(deployment)
        seat = Seat(
            account=room.account,
            host=deployment.appliance,
            volume=deployment.volume,
            results=room.results,
            home=room.home,
            accounts=_accounts(room, sandbox),
            cores=deployment.cores,
            memory_gb=deployment.memory_gb,
        )
        return process.open_terminal(sandbox.wrap_terminal(seat, line), env=_ENVIRONMENT, size=size)

    def _sandbox(self, given: Deployment) -> CanHostTerminal:
        if given.image:
            sandbox = self._system.sandbox_of(given.site, given.sandbox, given.appliance, given.image)
        else:
            sandbox = sandbox_named(given.sandbox, self._system.work.root)
        if not isinstance(sandbox, CanHostTerminal):
            raise TerminalNotGiven(given.appliance, given.site, given.sandbox)
        return sandbox


def _accounts(room: Room, sandbox: CanHostTerminal) -> Path:
    """Write the table of accounts that the shell reads: the person, and nobody of this machine."""
    file = room.home.parent / f".{room.account}.passwd"  # no account's name begins with a dot
    draft = file.with_name(f"{file.name}.{token_hex(8)}.new")  # two of the person's terminals may be opened at once
    person, home = sandbox.person(room.account), sandbox.home(room.home)
    draft.write_text(f"{room.account}:x:{person}:{person}::{home}:/bin/bash\n", encoding="utf-8")
    draft.replace(file)
    return file


def terminals(system: System) -> TerminalService:
    """Return the use cases of terminals."""

    def runs(application: ApplicationId) -> list[str]:
        return [run.id for run in system.run_records.of_application(application)]

    return TerminalService(
        system.appliances,
        LocalTerminals(system),
        Rights(system.projects.person_may_open, runs),
        system.ledger,
        system.work.appliances,
    )
