"""Who may ask DICOMweb: a browser by its session, as for any page, or a program by its token, as for the API."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from threading import Lock

from fastapi import Request

from voxpop.access.permissions import Action
from voxpop.kernel.ids import VolumeId
from voxpop.web import ask as pages
from voxpop.web.api.guard import Wanted, admit
from voxpop.web.ask import Ask


def guard(action: Action, kind: str = "") -> Callable[[Request], None]:
    """Return the dependency that lets a request through, or not; parameters as ``web.ask.guard`` has them.

    Whoever brings ``Authorization`` is a program, whatever cookies come with it.
    """
    by_session = pages.guard(action, kind)

    def by_either(request: Request) -> None:
        request.state.wants_problems = True
        if "authorization" not in request.headers:
            by_session(request)
            return
        call = admit(request, Wanted(action, kind))
        request.state.ask = Ask(request, call.system, call.account, rights=call.rights, token=call.token)

    return by_either


class Looks:
    """Whose looks by a program are written down: one a day for each token and participant, not one a slice."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._day = date.min
        self._noted: set[tuple[str, str, str]] = set()

    def note(self, ask: Ask, volume: str, participant: str) -> None:
        """Write a look down, unless that was done today."""
        assert ask.token is not None
        if self._is_new(datetime.now(UTC).date(), (ask.token.id, volume, participant)):
            ask.system.projects.viewed(VolumeId(volume), ask.person, [participant])

    def _is_new(self, day: date, look: tuple[str, str, str]) -> bool:
        with self._lock:
            if day != self._day:
                self._day, self._noted = day, set()
            is_new = look not in self._noted
            self._noted.add(look)
            return is_new
