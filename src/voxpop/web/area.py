"""A slice of pages: its routes, each with its row in the permission table, and its templates beside it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from fastapi.routing import APIWebSocketRoute
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket

from voxpop.access.permissions import Action
from voxpop.kernel.errors import VoxpopError
from voxpop.kernel.ids import ApplicationId
from voxpop.web.ask import Ask, check, guard, let_through, read_form
from voxpop.web.errors import status_of

Talk = TypeVar("Talk", bound=Callable[[Ask, WebSocket, ApplicationId], Awaitable[None]])
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Door = Callable[[Action, str], Callable[[Request], None]]
_NOT_ALLOWED = 1008  # RFC 6455, 7.4.1: policy violation; before the handshake it is answered with 403
GUARDED = "x-voxpop-action"
"""Where a route says which action it is, for the test that walks them all."""
_NOT_THEIRS = (401, 403)


@dataclass(frozen=True, slots=True)
class _Page:
    """A page, with what it needs to be shown."""

    path: str
    action: Action
    of: str
    endpoint: Callable[..., Response]

    def holds(self, path: str) -> bool:
        """Say whether a form that is sent to an address stands on this page: its address begins with the page's."""
        return path == self.path or path.startswith(f"{self.path}/")


class Area:
    """One folder under ``pages/``.

    Parameters
    ----------
    name : str
        The folder's name; its templates are ``<name>/<page>.html``.
    door : callable
        Returns the dependency that lets a request through, or not, for an action and the kind of thing it is done to.
    """

    def __init__(self, name: str, door: Door = guard) -> None:
        self.name = name
        self._door = door
        self.router = APIRouter(include_in_schema=False)
        self.sockets: dict[str, Action] = {}
        self._pages: list[_Page] = []

    def page(self, path: str, action: Action, of: str = "") -> Callable[[Endpoint], Endpoint]:
        """Answer a request that only reads.

        Parameters
        ----------
        action : Action
            Its row in the permission table decides who may.
        of : str
            The kind of thing that the path names, by a parameter of that name; empty for none.
        """

        def add(endpoint: Endpoint) -> Endpoint:
            self._pages.append(_Page(path, action, of, endpoint))
            return self._route(path, "GET", action, of)(endpoint)

        return add

    def act(self, path: str, action: Action, of: str = "") -> Callable[[Endpoint], Endpoint]:
        """Answer a form that changes something; parameters as ``page`` has them.

        A form that is refused is answered with its page, which says why, and still holds what was typed.
        """

        def add(endpoint: Endpoint) -> Endpoint:
            @wraps(endpoint)
            def answer(ask: Ask, **named: str) -> Response:
                done: Response | None
                try:
                    done = endpoint(ask=ask, **named)
                except VoxpopError as refusal:
                    done = self._again(ask, path, named, refusal)
                    if done is None:
                        raise
                return done

            self._route(path, "POST", action, of)(answer)
            return endpoint

        return add

    def socket(self, path: str, action: Action, of: str) -> Callable[[Talk], Talk]:
        """Answer a WebSocket; one from a page that is not ours, or from someone who may not, is not accepted."""

        def add(talk: Talk) -> Talk:
            async def answer(websocket: WebSocket) -> None:
                let_in = await run_in_threadpool(let_through, websocket, action, of)
                if let_in is None:
                    await websocket.close(_NOT_ALLOWED)
                    return
                await talk(let_in[0], websocket, let_in[1])

            route = APIWebSocketRoute(path, answer, name=path)
            self.sockets[path] = action
            self.router.routes.append(route)
            return talk

        return add

    def _again(self, ask: Ask, path: str, named: Mapping[str, str], refusal: VoxpopError) -> Response | None:
        """Return the page of a form that was refused; None where there is none, or none for who asks."""
        page = max((one for one in self._pages if one.holds(path)), key=lambda one: len(one.path), default=None)
        if page is None or status_of(refusal) in _NOT_THEIRS:
            return None
        told = {name: value for name, value in named.items() if f"{{{name}}}" in page.path}
        shown = page.path.format(**{name: quote(value, safe="") for name, value in told.items()})
        try:
            check(ask, page.action, page.of)
            return page.endpoint(ask=replace(ask, refusal=refusal, shown=shown), **told)
        except VoxpopError:
            return None

    def _route(self, path: str, method: str, action: Action, of: str) -> Callable[[Endpoint], Endpoint]:
        def add(endpoint: Endpoint) -> Endpoint:
            self.router.add_api_route(
                path,
                endpoint,
                methods=[method],
                dependencies=[Depends(read_form), Depends(self._door(action, of))],
                response_class=Response,
                openapi_extra={GUARDED: action.value},
            )
            return endpoint

        return add
