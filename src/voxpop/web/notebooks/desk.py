"""Who has a notebook open, and how they come in: by a ticket once, then by a cookie for as long as the right lasts."""

import logging
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from voxpop.access.credentials import new_secret, secret_digest
from voxpop.appliance.terminals import Terminal
from voxpop.kernel.errors import Refused, Unavailable
from voxpop.kernel.ids import ApplianceId

TICKET_S = 30.0
LOOK_EVERY_S = 3.0
START_S = 60.0
MOST_FOR_ONE = 4
_KNOCK_EVERY_S = 0.1
_log = logging.getLogger("voxpop.web")
Opens: TypeAlias = Callable[[ApplianceId, str, str], tuple[Terminal, Path]]
Key: TypeAlias = tuple[str, ApplianceId]


class NotebooksAway(Refused):
    """A server without an origin for notebooks."""

    code = "notebooks-away"

    def __init__(self) -> None:
        super().__init__(
            "notebooks are not served here: `voxpop serve` serves them, behind a reverse proxy only where "
            "`web.notebook_url` names their address"
        )


class TooManyNotebooks(Refused):
    """A person has as many notebooks open as one may have."""

    code = "too-many-notebooks"

    def __init__(self) -> None:
        super().__init__(f"you have {MOST_FOR_ONE} notebooks open on other appliances: sign out to end them")


class NotebookEnded(Unavailable):
    """A notebook did not start, or runs no more."""

    code = "notebook-ended"

    def __init__(self) -> None:
        super().__init__("the notebook does not answer, or has ended: open it again on the appliance's page")


@dataclass(frozen=True, slots=True)
class Guest:
    """Someone who may use a notebook.

    Parameters
    ----------
    account, person : str
        The name that their folder has, and the one that the audit log has.
    holds : callable
        Whether their sign-in and their right still stand.
    """

    account: str
    person: str
    appliance: ApplianceId
    holds: Callable[[], bool]

    @property
    def key(self) -> Key:
        """Whose notebook it is: a person has one on an appliance, however often they sign in."""
        return self.account, self.appliance


@dataclass(frozen=True, slots=True)
class _Ticket:
    guest: Guest
    until: float


@dataclass(frozen=True, slots=True)
class _Held:
    terminal: Terminal
    place: Path


class Desk:
    """Holds the notebooks that are open; a context in which they may be.

    Parameters
    ----------
    opens : callable
        Opens the notebook of an account and a person on an appliance.
    port : int
        Where they are served on this machine.
    url : str
        Their address in the browser; empty for the host that the portal was asked by, and the port.
    """

    def __init__(self, opens: Opens, port: int, url: str = "") -> None:
        self._opens = opens
        self._port = port
        self._url = url.rstrip("/")
        self._tickets: dict[str, _Ticket] = {}
        self._guests: dict[str, Guest] = {}
        self._held: dict[Key, _Held] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()

    def __enter__(self) -> "Desk":
        """Begin to look after who may still be here."""
        threading.Thread(target=self._watch, name="notebooks", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End all notebooks."""
        self._over.set()
        self._end(list(self._held))

    def origin(self, host: str) -> str:
        """Return the origin of notebooks, for a browser that reaches the portal by ``host``."""
        return self._url or f"http://{f'[{host}]' if ':' in host else host}:{self._port}"

    def admit(self, guest: Guest) -> str:
        """Open a guest's notebook, or find it open; returns a ticket that lets them in once, within half a minute.

        Raises
        ------
        TooManyNotebooks
            If they have too many.
        NotebookEnded
            If it does not start.
        """
        ticket = new_secret()
        with self._lock:
            held = self._held.get(guest.key) or self._open(guest)
            self._tickets[secret_digest(ticket)] = _Ticket(guest, time.monotonic() + START_S + TICKET_S)
        until = time.monotonic() + START_S
        while not _listens(held.place):
            if time.monotonic() > until or not held.terminal.alive:
                self._end([guest.key])
                raise NotebookEnded
            time.sleep(_KNOCK_EVERY_S)
        with self._lock:
            self._tickets[secret_digest(ticket)] = _Ticket(guest, time.monotonic() + TICKET_S)
        return ticket

    def enter(self, ticket: str) -> str | None:
        """Take a ticket; returns the secret of a cookie, or None for one that is unknown, used, or too old."""
        secret = new_secret()
        with self._lock:  # at no moment is nobody there, or the notebook would be ended
            found = self._tickets.pop(secret_digest(ticket), None)
            if found is None or time.monotonic() > found.until:
                return None
            self._guests[secret_digest(secret)] = found.guest
        return secret if _holds(found.guest) else None

    def place(self, cookie: str) -> Path | None:
        """Return where the notebook of a cookie listens; None for who may not be here."""
        with self._lock:
            guest = self._guests.get(secret_digest(cookie)) if cookie else None
            held = self._held.get(guest.key) if guest else None
        return held.place if held else None

    def look(self) -> None:
        """Send away whose right has ended, and end the notebooks in which nobody is left."""
        with self._lock:
            here = dict(self._guests)
        gone = [digest for digest, guest in here.items() if not _holds(guest)]
        with self._lock:
            for digest in gone:
                self._guests.pop(digest, None)
            now = time.monotonic()
            self._tickets = {digest: one for digest, one in self._tickets.items() if one.until > now}
            wanted = {guest.key for guest in [*self._guests.values(), *(one.guest for one in self._tickets.values())]}
            ended = [key for key, held in self._held.items() if key not in wanted or not held.terminal.alive]
        self._end(ended)

    def _open(self, guest: Guest) -> _Held:
        if sum(account == guest.account for account, _ in self._held) >= MOST_FOR_ONE:
            raise TooManyNotebooks
        held = self._held[guest.key] = _Held(*self._opens(guest.appliance, guest.account, guest.person))
        return held

    def _end(self, keys: list[Key]) -> None:
        with self._lock:
            ended = [held for key in keys if (held := self._held.pop(key, None))]
            self._guests = {digest: guest for digest, guest in self._guests.items() if guest.key in self._held}
            self._tickets = {digest: one for digest, one in self._tickets.items() if one.guest.key in self._held}
        for held in ended:
            try:
                held.terminal.close()
            except Exception as failure:  # it has ended; the others must, too
                _log.warning("the end of a notebook is not written down (%s)", type(failure).__name__)

    def _watch(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            self.look()


@contextmanager
def reached(place: Path) -> Iterator[str]:
    """Give a short name for a notebook's socket, which lies in a folder where a person may put anything.

    Raises
    ------
    NotebookEnded
        If there is no socket of theirs. What is a link is not followed, and what was looked at is what is connected to.
    """
    try:
        opened = os.open(place, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as away:
        raise NotebookEnded from away
    try:
        found = os.fstat(opened)
        if not stat.S_ISSOCK(found.st_mode) or found.st_uid != place.parent.stat().st_uid:
            raise NotebookEnded
        yield f"/proc/self/fd/{opened}"  # unix(7): a path of its own may be longer than the 107 bytes there are
    finally:
        os.close(opened)


def _listens(place: Path) -> bool:
    try:
        with reached(place) as path, socket.socket(socket.AF_UNIX) as knocking:
            knocking.connect(path)
    except (NotebookEnded, OSError):
        return False
    return True


def _holds(guest: Guest) -> bool:
    """Say whether a guest may stay; where it cannot be found out, they may not."""
    try:
        return guest.holds()
    except Exception as failure:  # its words may quote a value, so only its type is told
        _log.warning("a notebook is ended: its right cannot be looked up (%s)", type(failure).__name__)
        return False
