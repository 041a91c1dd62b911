"""Whether the service lives, is ready, and how it does."""

import os

from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from voxpop.access.permissions import Action
from voxpop.web.area import Area
from voxpop.web.ask import Asked

area = Area("health")


@area.page("/healthz", Action.HEALTH_READ)
def alive(ask: Asked) -> Response:
    """Say that the process answers."""
    del ask
    return PlainTextResponse("ok\n")


@area.page("/readyz", Action.HEALTH_READ)
def ready(ask: Asked) -> Response:
    """Say whether the database answers, the work folder can be written, and somebody does the work."""
    checks = {
        "database": ask.system.database_answers(),
        "work_folder": os.access(ask.system.work.root, os.W_OK),
        "worker": ask.system.attended(),
    }
    return JSONResponse(checks, 200 if all(checks.values()) else 503)


@area.page("/metrics", Action.METRICS_READ)
def metrics(ask: Asked) -> Response:
    """Return counts and times for Prometheus."""
    return Response(generate_latest(ask.request.app.state.counts.registry), media_type=CONTENT_TYPE_LATEST)
