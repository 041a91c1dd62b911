"""Traces for OpenTelemetry, where they are asked for; without the extra ``telemetry`` there are none.

Notes
-----
Only the standard variables set it up (``OTEL_EXPORTER_OTLP_ENDPOINT`` and its companions): OpenTelemetry specification,
"Environment Variable Specification". A span names a route by its template and holds no id, no person and no value.
"""

import os

from voxpop import __version__
from voxpop.kernel.errors import Absent

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class TelemetryAbsent(Absent):
    """Traces are asked for, and what sends them is not installed."""

    code = "telemetry-absent"

    def __init__(self) -> None:
        super().__init__(f"{ENDPOINT} is set, and traces need more: install voxpop[telemetry], or unset it")


def send_traces(service: str) -> bool:
    """Send spans to where the environment says; says whether it says so.

    Raises
    ------
    TelemetryAbsent
        If the extra is not installed.
    """
    if not os.environ.get(ENDPOINT):
        return False
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as absent:
        raise TelemetryAbsent from absent
    provider = TracerProvider(resource=Resource.create({"service.name": service, "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return True
