"""A person's terminal on an appliance: who is given one, what it shows, and what is written down."""

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from voxpop.appliance.errors import AccountNameInvalid, NotebookNotGiven, TerminalNotAllowed
from voxpop.appliance.model import Appliance, Deployment
from voxpop.appliance.service import ApplianceService
from voxpop.kernel.ids import ApplianceId, ApplicationId, VolumeId
from voxpop.kernel.ledger import Event, Ledger

_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_PEOPLE = "-people"
NOTEBOOK = "notebook"
"""The recipe that brings notebooks."""
_NO_SIZE = (24, 80)
_NOTEBOOK_SOCKET = ".notebook.sock"
# the socket is the gate, so there is no password; figures are shown in the page; bash stays process 1, which buries
# what kernels leave behind
_NOTEBOOK_LINE = f"""
unset MPLBACKEND
rm -rf ~/{_NOTEBOOK_SOCKET}
python -m jupyterlab --no-browser --ServerApp.sock="$HOME/{_NOTEBOOK_SOCKET}" --ServerApp.sock_mode=0600 \\
    --IdentityProvider.token= --PasswordIdentityProvider.hashed_password= --ServerApp.disable_check_xsrf=True \\
    --ServerApp.allow_remote_access=True --ServerApp.base_url=/ --ServerApp.root_dir="$HOME" \\
    --ServerApp.terminals_enabled=False --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \\
    --LabApp.news_url=None --LabApp.extension_manager=readonly --ServerApp.log_level=ERROR < /dev/null > /dev/null 2>&1
exit
"""


class Terminal(Protocol):
    """A shell on a pseudo-terminal of its own."""

    @property
    def alive(self) -> bool:
        """Whether the shell runs."""
        ...

    def fileno(self) -> int:
        """Return the descriptor that is readable when there is something to read, or the end."""
        ...

    def read(self, timeout_s: float | None = None) -> bytes | None:
        """Return what the shell wrote; ``b""`` at its end, None if nothing came in time."""
        ...

    def write(self, keys: bytes) -> int:
        """Type ``keys``; returns how many bytes were taken."""
        ...

    def resize(self, rows: int, cols: int) -> None:
        """Tell the shell how large the window is."""
        ...

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for the end; returns the exit code, or None if it still runs."""
        ...

    def close(self) -> None:
        """End the shell and all that it started. Twice is silent."""
        ...


@dataclass(frozen=True, slots=True)
class Room:
    """What a terminal is opened in.

    Parameters
    ----------
    account : str
        The person's name on the appliance.
    results : tuple of Path
        Folders of the application's runs.
    home : Path
        The person's own folder, which is there.
    """

    appliance: Appliance
    deployment: Deployment
    account: str
    results: tuple[Path, ...]
    home: Path


class Terminals(Protocol):
    """What opens a terminal on an appliance of this machine."""

    def check(self, deployment: Deployment) -> None:
        """Refuse an appliance that gives no terminal.

        Raises
        ------
        TerminalNotGiven
            If what holds the appliance's runs can't hold a person.
        """
        ...

    def people(self, deployment: Deployment) -> Path | None:
        """Return where the folders of an appliance's people must be; None where that is all one."""
        ...

    def open(self, room: Room, size: tuple[int, int], line: str | None) -> Terminal:
        """Open a shell in a room; with ``line``, one that does that line and ends; raises as ``check`` does."""
        ...


@dataclass(frozen=True, slots=True)
class Rights:
    """What a terminal has to ask other stages.

    Parameters
    ----------
    may_open : callable
        Whether a person may open a volume today.
    runs : callable
        The runs of an application, by id.
    """

    may_open: Callable[[VolumeId, str], bool]
    runs: Callable[[ApplicationId], Sequence[str]]


class TerminalService:
    """Opens terminals.

    Parameters
    ----------
    folder : Path
        Where the site keeps its appliances; the folders of an appliance's people stand beside its own.
    """

    def __init__(
        self, appliances: ApplianceService, terminals: Terminals, rights: Rights, ledger: Ledger, folder: Path
    ) -> None:
        self._appliances = appliances
        self._terminals = terminals
        self._rights = rights
        self._ledger = ledger
        self._folder = folder

    def open(
        self, name: ApplianceId, account: str, person: str, size: tuple[int, int], line: str | None = None
    ) -> Terminal:
        """Open a terminal on a deployed appliance for a person who may open its volume today.

        Parameters
        ----------
        account : str
            Names the person's folder, which is theirs from one terminal to the next.
        person : str
            As the audit log and the volume's rights name them.
        size : (rows, columns)
        line : str, optional
            A line to do instead of a shell to type into.

        Raises
        ------
        Absent
            If there is no such appliance.
        Refused
            If it is not deployed, can't hold a person, or the person may not open its volume today.

        Notes
        -----
        The audit log says who had a terminal, when, and nothing of what was typed. It is written first: where it can't
        be, there is no terminal.
        """
        return self._open(self._room(name, account, person), person, size, line)

    def open_notebook(self, name: ApplianceId, account: str, person: str) -> tuple[Terminal, Path]:
        """Open a notebook's server on a deployed appliance, held as a terminal is; raises as ``open`` does.

        Returns
        -------
        terminal, socket : Terminal, Path
            What holds it, and where it will listen: in the person's folder, so what lies there is the person's word.

        Raises
        ------
        NotebookNotGiven
            If the appliance has no notebooks.
        """
        room = self._room(name, account, person)
        if NOTEBOOK not in room.deployment.recipes:
            raise NotebookNotGiven(name)
        opened = self._open(room, person, _NO_SIZE, _NOTEBOOK_LINE, kind=NOTEBOOK)
        return opened, room.home / _NOTEBOOK_SOCKET

    def _open(
        self, room: Room, person: str, size: tuple[int, int], line: str | None, kind: str = "terminal"
    ) -> Terminal:
        subject = f"appliance:{room.appliance.id}"
        self._ledger.record(Event(f"{kind}.opened", subject, person, facts={"volume": room.appliance.volume}))
        try:
            opened = self._terminals.open(room, size, line)
        except BaseException:
            self._ledger.record(Event(f"{kind}.closed", subject, person, "it could not be opened"))
            raise
        return _Recorded(opened, lambda: self._ledger.record(Event(f"{kind}.closed", subject, person)))

    def _room(self, name: ApplianceId, account: str, person: str) -> Room:
        appliance, deployment = self._appliances.deployed(name)
        if not self._rights.may_open(appliance.volume, person):
            raise TerminalNotAllowed(name, appliance.volume)
        self._terminals.check(deployment)
        return Room(
            appliance, deployment, account, self._results(appliance, deployment), self._home(deployment, account)
        )

    def _results(self, appliance: Appliance, deployment: Deployment) -> tuple[Path, ...]:
        folders = (deployment.results / run for run in self._rights.runs(appliance.application))
        return tuple(folder for folder in folders if folder.is_dir())

    def _home(self, deployment: Deployment, account: str) -> Path:
        if not _ACCOUNT.fullmatch(account):
            raise AccountNameInvalid
        elsewhere = self._terminals.people(deployment)
        people = elsewhere or people_folder(self._folder, deployment.appliance)
        people.mkdir(mode=0o700, parents=True, exist_ok=True)
        people.chmod(0o711 if elsewhere else 0o700)  # there, each goes to a folder of his own as himself
        home = people / account
        home.mkdir(mode=0o700, exist_ok=True)
        return home


def people_folder(folder: Path, appliance: ApplianceId) -> Path:
    """Return where the folders of an appliance's people are: beside its own, so that it can be deployed again."""
    return folder / f"{appliance}{_PEOPLE}"


class _Recorded:
    """A terminal whose end is written down, once."""

    def __init__(self, terminal: Terminal, closed: Callable[[], None]) -> None:
        self._terminal = terminal
        self._closed = closed
        self._once = threading.Lock()

    @property
    def alive(self) -> bool:
        return self._terminal.alive

    def fileno(self) -> int:
        return self._terminal.fileno()

    def read(self, timeout_s: float | None = None) -> bytes | None:
        return self._terminal.read(timeout_s)

    def write(self, keys: bytes) -> int:
        return self._terminal.write(keys)

    def resize(self, rows: int, cols: int) -> None:
        self._terminal.resize(rows, cols)

    def wait(self, timeout_s: float | None = None) -> int | None:
        return self._terminal.wait(timeout_s)

    def close(self) -> None:
        self._terminal.close()
        if self._once.acquire(blocking=False):  # and never released: the first who closes writes it down
            self._closed()
