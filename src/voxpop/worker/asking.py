"""How a command gets its durable work done: by itself, or by the `voxpop serve` that holds the work folder."""

import time

from voxpop.flow.operations import OperationState
from voxpop.flow.rules import Work
from voxpop.kernel.errors import Refused
from voxpop.wiring.errors import WorkFolderBusy
from voxpop.wiring.system import System

_LOOK_EVERY_S = 0.3


class WorkRefused(Refused):
    """The service that did the work said no."""

    code = "work-refused"


def served(system: System) -> bool:
    """Say whether a `voxpop serve` or `voxpop worker --stay` is there, so that work is to be asked of it."""
    return system.attended()


def asked(system: System, work: Work, subject: str) -> None:
    """Ask the service that holds the work folder for a piece of work, and wait for its end.

    Raises
    ------
    WorkRefused
        With the sentence that the service wrote down.
    WorkFolderBusy
        If the service ended before the work did: it goes on at the next start.
    """
    operation = system.operations.ask(work, subject, system.person)
    while operation.open:
        if not served(system):
            raise WorkFolderBusy(str(system.work.root), "`voxpop serve`, which has just ended; start it again")
        time.sleep(_LOOK_EVERY_S)
        operation = system.operations.get(operation.id)
    if operation.state is OperationState.FAILED:
        raise WorkRefused(operation.sentence)
