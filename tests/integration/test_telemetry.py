"""Traces say which route was asked and how it was answered, and nothing of whom or of what."""

from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.bank import VOLUME, bank_with_results

from voxpop.web import shield
from voxpop.wiring.telemetry import ENDPOINT, send_traces


def test_a_span_names_the_route_and_no_thing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(seen))
    monkeypatch.setattr(shield, "_tracer", provider.get_tracer("test"))
    bank_with_results(tmp_path).client("ada").get(f"/volumes/{VOLUME}")
    span = seen.get_finished_spans()[-1]
    assert span.name == "GET /volumes/{volume}"
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 200
    assert VOLUME not in repr(dict(span.attributes))


def test_without_an_endpoint_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENDPOINT, raising=False)
    before = trace.get_tracer_provider()
    assert not send_traces("voxpop")
    assert trace.get_tracer_provider() is before
