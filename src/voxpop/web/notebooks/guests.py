"""Who may be on an appliance today, and how they come to a notebook."""

from collections.abc import Callable

from starlette.requests import HTTPConnection

from voxpop.access.model import Account
from voxpop.access.permissions import Action
from voxpop.appliance.states import ApplianceState
from voxpop.kernel.ids import ApplianceId
from voxpop.web.notebooks.desk import Desk, Guest, NotebooksAway
from voxpop.wiring.system import System


def may_be_on(system: System, account: str, appliance: ApplianceId) -> bool:
    """Say whether an account may have a terminal or a notebook, as its rights are written down now."""
    someone, one = system.access.get(account), system.appliances.get(appliance)
    may = someone.enabled and system.access.rights(someone).may(Action.APPLIANCE_SHELL, one.application)
    stands = one.state is ApplianceState.DEPLOYED
    return may and stands and system.projects.person_may_open(one.volume, someone.person)


def way_in(request: HTTPConnection, account: Account, appliance: ApplianceId, lives: Callable[[], bool]) -> str:
    """Open an account's notebook; returns the address that lets them in once, within half a minute.

    Parameters
    ----------
    lives : callable
        Whether what they have come in with, a session or a token, still holds.

    Raises
    ------
    NotebooksAway
        If notebooks are not served here.
    Refused, Unavailable
        As ``Desk.admit`` and ``TerminalService.open_notebook`` say.
    """
    desk: Desk | None = request.app.state.notebooks
    if desk is None:
        raise NotebooksAway
    system: System = request.app.state.system
    guest = Guest(
        account.name, account.person, appliance, lambda: lives() and may_be_on(system, account.name, appliance)
    )
    ticket = desk.admit(guest)
    return f"{desk.origin(request.url.hostname or '')}/enter?ticket={ticket}"
