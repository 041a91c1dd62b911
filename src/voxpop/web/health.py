"""Whether the service lives, is ready, and how it does."""

import os

from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest

from voxpop.access.permissions import Action
from voxpop.appliance.elastic.ports import Sum
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
    counts = generate_latest(ask.request.app.state.counts.registry)
    return Response(
        counts + generate_latest(_workers(ask.system.scaling.all_together())), media_type=CONTENT_TYPE_LATEST
    )


def _workers(sum_: Sum) -> CollectorRegistry:
    """Return what the workers of all appliances came to, as their keepers wrote it down last; none is named."""
    registry = CollectorRegistry()
    gauges = {
        "voxpop_workers": ("Workers that are there.", sum_.workers),
        "voxpop_jobs_waiting": ("Jobs that wait for a worker.", sum_.waiting),
        "voxpop_jobs_running": ("Jobs that run on workers.", sum_.running),
    }
    for name, (meaning, value) in gauges.items():
        Gauge(name, meaning, registry=registry).set(value)
    counters: dict[str, tuple[str, float]] = {
        "voxpop_worker_seconds": ("Seconds of workers, all together.", sum_.paid_s),
        "voxpop_workers_added": ("Workers that were added.", sum_.added),
        "voxpop_workers_removed": ("Workers that were removed.", sum_.removed),
    }
    for name, (meaning, total) in counters.items():
        Counter(name, meaning, registry=registry).inc(total)
    return registry
