"""The API's routes and its OpenAPI document, put into the application."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from voxpop import __version__
from voxpop.access.permissions import Action
from voxpop.web.api import (
    appliances,
    applications,
    archives,
    audit,
    catalogue,
    cohorts,
    operations,
    people,
    results,
    runs,
    volumes,
    webhooks,
)
from voxpop.web.api.models.base import Problem
from voxpop.web.api.routes import PREFIX, ApiArea
from voxpop.web.area import GUARDED

_SAID = (
    "De-identified slices of a region's medical images, analysed where they lie. Every call brings a token "
    "(`Authorization: Bearer`), acts with its account's rights within its scopes, and stands in the audit log."
)


def areas() -> Sequence[ApiArea]:
    """Return the slices of the API."""
    parts = (applications, cohorts, volumes, appliances, runs, results, catalogue, archives, people, audit)
    return [part.area for part in (*parts, operations, webhooks)]


def mount_api(app: FastAPI) -> None:
    """Put the API and its document into an application."""
    for area in areas():
        app.include_router(area.router)

    @cache
    def written() -> dict[str, Any]:
        return _document(app)

    def document() -> JSONResponse:
        return JSONResponse(written())

    for path in (f"{PREFIX}/openapi.json", "/openapi.json"):
        extra = {GUARDED: Action.HEALTH_READ.value}
        app.add_api_route(path, document, include_in_schema=False, openapi_extra=extra)


def _document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document, made from the routes."""
    written = get_openapi(
        title="voxpop", version=__version__, summary="The API of a bank", description=_SAID, routes=app.routes
    )
    components = written.setdefault("components", {})
    components["schemas"]["Problem"] = Problem.model_json_schema()
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "description": "A `vxp_` token."}}
    written["security"] = [{"token": []}]
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    return written
