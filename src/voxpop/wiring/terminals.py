"""Terminals on the appliances of this machine."""

from pathlib import Path

from voxpop.appliance.errors import TerminalNotGiven
from voxpop.appliance.model import Deployment
from voxpop.appliance.terminals import Rights, Room, Terminal, TerminalService
from voxpop.backends import process
from voxpop.kernel.ids import ApplicationId
from voxpop.run.ports import CanHostTerminal, Sandbox, Seat
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

    def open(self, room: Room, size: tuple[int, int], line: str | None) -> Terminal:
        """Open a shell in a room; with ``line``, one that does that line and ends."""
        deployment = room.deployment
        sandbox = self._sandbox(deployment)
        if not isinstance(sandbox, CanHostTerminal):
            raise TerminalNotGiven(deployment.appliance, deployment.site, deployment.sandbox)
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

    def _sandbox(self, deployment: Deployment) -> Sandbox:
        if deployment.image:
            return self._system.sandbox_of(deployment.site, deployment.sandbox, deployment.appliance, deployment.image)
        return sandbox_named(deployment.sandbox, self._system.work.root)


def _accounts(room: Room, sandbox: CanHostTerminal) -> Path:
    """Write the table of accounts that the shell reads: the person, and nobody of this machine."""
    file = room.home.parent / f".{room.account}.passwd"  # no account's name begins with a dot
    draft = file.with_suffix(".new")
    draft.write_text(
        f"{room.account}:x:{sandbox.person}:{sandbox.person}::{sandbox.home}:/bin/bash\n", encoding="utf-8"
    )
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
