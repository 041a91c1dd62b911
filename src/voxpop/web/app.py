"""The portal and the API as one ASGI application."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from voxpop import __version__
from voxpop.web.answers import answer_errors, unexpected
from voxpop.web.api.mounting import mount_api
from voxpop.web.area import Area
from voxpop.web.health import area as health
from voxpop.web.notebooks.desk import Desk
from voxpop.web.notebooks.proxy import NotebookProxy
from voxpop.web.pages import AREAS
from voxpop.web.pages.dicom.ohif import Ohif
from voxpop.web.pages.dicomweb.door import Looks
from voxpop.web.roles import area as roles
from voxpop.web.shield import Counts, Patience, Shield
from voxpop.web.words import templates
from voxpop.wiring.system import System

_STATIC = Path(__file__).parent / "static"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
_DAY = "public, max-age=86400"
_FOR_EVER = "public, max-age=31536000, immutable"


class _Static(StaticFiles):
    """Files of ours; those of other projects lie under their version, so a browser may keep them for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers["cache-control"] = _FOR_EVER if path.startswith("vendor/") else _DAY
        return answer


def create_app(system: System, hosts: Sequence[str] = (), notebooks: Desk | None = None) -> FastAPI:
    """Return the application over a system.

    Parameters
    ----------
    hosts : sequence of str
        Host names under which it may be asked, beside this machine's own.
    notebooks : Desk, optional
        What holds notebooks; none where they are not served.
    """
    counts = Counts()
    app = FastAPI(
        title="voxpop",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=[
            Middleware(
                Shield, counts=counts, patience=Patience(system.settings.web.requests_per_minute), unexpected=unexpected
            ),
            Middleware(TrustedHostMiddleware, allowed_hosts=_hosts(system, hosts)),
        ],
    )
    app.state.system = system
    app.state.counts = counts
    app.state.terminals = Counter()
    app.state.notebooks = notebooks
    app.state.looks = Looks()
    app.state.templates = templates([area.name for area in AREAS])
    answer_errors(app)
    for area in areas():
        app.include_router(area.router)
    mount_api(app)
    app.mount("/static", _Static(directory=_STATIC), name="static")
    app.state.ohif = Ohif(system.settings.web.ohif) if system.settings.web.ohif is not None else None
    if app.state.ohif is not None:
        app.mount("/", app.state.ohif.files, name="ohif")
    return app


def create_notebooks(system: System, desk: Desk, hosts: Sequence[str] = ()) -> ASGIApp:
    """Return the application that serves the notebooks of a desk, on another origin than ``create_app``'s."""
    named = urlsplit(system.settings.web.notebook_url).hostname
    return TrustedHostMiddleware(NotebookProxy(desk), [*_hosts(system, hosts), *([named] if named else [])])


def _hosts(system: System, more: Sequence[str]) -> list[str]:
    return [*_LOOPBACK, *system.settings.web.hosts, *more]


def areas() -> Sequence[Area]:
    """Return the slices of pages."""
    return (health, roles, *AREAS)
