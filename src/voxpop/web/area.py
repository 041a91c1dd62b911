"""A slice of pages: its routes, each with its row in the permission table, and its templates beside it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from fastapi.routing import APIWebSocketRoute
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket

from voxpop.access.permissions import Action
from voxpop.kernel.ids import ApplicationId
from voxpop.web.ask import Ask, guard, let_through, read_form

Talk = TypeVar("Talk", bound=Callable[[Ask, WebSocket, ApplicationId], Awaitable[None]])
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Door = Callable[[Action, str], Callable[[Request], None]]
_NOT_ALLOWED = 1008  # RFC 6455, 7.4.1: policy violation; before the handshake it is answered with 403
GUARDED = "x-voxpop-action"
"""Where a route says which action it is, for the test that walks them all."""


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

    def page(self, path: str, action: Action, of: str = "") -> Callable[[Endpoint], Endpoint]:
        """Answer a request that only reads.

        Parameters
        ----------
        action : Action
            Its row in the permission table decides who may.
        of : str
            The kind of thing that the path names, by a parameter of that name; empty for none.
        """
        return self._route(path, "GET", action, of)

    def act(self, path: str, action: Action, of: str = "") -> Callable[[Endpoint], Endpoint]:
        """Answer a form that changes something; parameters as ``page`` has them."""
        return self._route(path, "POST", action, of)

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
