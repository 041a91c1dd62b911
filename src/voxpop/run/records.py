"""A run's record as JSON and back."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from voxpop.kernel.clock import iso_utc
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import RunId, VolumeId
from voxpop.run.errors import RecordInvalid
from voxpop.run.model import FileFact, Port, RunRecord, StepRecord

FORMAT = 1
"""Raised when the JSON's meaning changes."""

Ports = Mapping[str, Port]


def to_json(record: RunRecord) -> Json:
    """Write a record as a JSON value that holds no path of this machine."""
    return {
        "format": FORMAT,
        "run": record.run,
        "pipeline": record.pipeline,
        "pipeline_digest": record.pipeline_digest,
        "volume": record.volume,
        "volume_digest": record.volume_digest,
        "started_at": iso_utc(record.started_at),
        "ended_at": iso_utc(record.ended_at),
        "sandbox": record.sandbox,
        "environment": dict(record.environment),
        "parameters": dict(record.parameters),
        "inputs": _ports_json(record.inputs),
        "steps": [step_to_json(step) for step in record.steps],
        "outputs": _ports_json(record.outputs),
    }


def from_json(value: Json) -> RunRecord:
    """Read a record.

    Raises
    ------
    RecordInvalid
        If it is not one that ``to_json`` wrote.
    """
    try:
        return _record(value)
    except (KeyError, TypeError, ValueError, AttributeError) as broken:
        raise RecordInvalid("the run's record can't be read: it was edited, or is from another version") from broken


def dumps(record: RunRecord) -> str:
    """Write a record as text, one fact a line."""
    return json.dumps(to_json(record), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def loads(text: str) -> RunRecord:
    """Read a record from text.

    Raises
    ------
    RecordInvalid
        If it is not one that ``dumps`` wrote.
    """
    try:
        return from_json(json.loads(text))
    except json.JSONDecodeError as broken:
        raise RecordInvalid("the run's record is no JSON: it was cut off or edited") from broken


def step_to_json(step: StepRecord) -> Json:
    """Write one execution as a JSON value."""
    return {
        "step": step.step,
        "position": step.position,
        "tool": step.tool,
        "tool_sha256": step.tool_sha256,
        "started_at": iso_utc(step.started_at),
        "ended_at": iso_utc(step.ended_at),
        "exit_code": step.exit_code,
        "inputs": _ports_json(step.inputs),
        "outputs": _ports_json(step.outputs),
        "queue": step.queue,
        "node": step.node,
        "attempts": step.attempts,
        "cores": step.cores,
        "memory_mb": step.memory_mb,
    }


def step_from_json(value: Json) -> StepRecord:
    """Read one execution.

    Raises
    ------
    RecordInvalid
        If it is not one that ``step_to_json`` wrote.
    """
    try:
        return _step(value)
    except (KeyError, TypeError, ValueError, AttributeError) as broken:
        raise RecordInvalid("a step's record can't be read: it was edited, or is from another version") from broken


def _ports_json(ports: Ports) -> dict[str, Json]:
    return {
        name: {"files": [_file_json(file) for file in value]} if isinstance(value, tuple) else {"value": value}
        for name, value in ports.items()
    }


def _file_json(file: FileFact) -> Json:
    return {"root": file.root, "path": file.path, "sha256": file.sha256, "bytes": file.bytes}


def _record(value: Any) -> RunRecord:
    if value["format"] != FORMAT:
        raise ValueError(value["format"])
    return RunRecord(
        run=RunId(value["run"]),
        pipeline=value["pipeline"],
        pipeline_digest=value["pipeline_digest"],
        volume=VolumeId(value["volume"]),
        volume_digest=value["volume_digest"],
        started_at=datetime.fromisoformat(value["started_at"]),
        ended_at=datetime.fromisoformat(value["ended_at"]),
        sandbox=value["sandbox"],
        environment=dict(value["environment"]),
        parameters=dict(value["parameters"]),
        inputs=_ports(value["inputs"]),
        steps=tuple(_step(step) for step in value["steps"]),
        outputs={name: _files(port["files"]) for name, port in value["outputs"].items()},
    )


def _step(value: Any) -> StepRecord:
    return StepRecord(
        step=value["step"],
        position=value["position"],
        tool=value["tool"],
        tool_sha256=value["tool_sha256"],
        started_at=datetime.fromisoformat(value["started_at"]),
        ended_at=datetime.fromisoformat(value["ended_at"]),
        exit_code=value["exit_code"],
        inputs=_ports(value["inputs"]),
        outputs=_ports(value["outputs"]),
        queue=str(value.get("queue", "")),  # these five are not in records of before there were queues
        node=str(value.get("node", "")),
        attempts=int(value.get("attempts", 1)),
        cores=int(value.get("cores", 0)),
        memory_mb=int(value.get("memory_mb", 0)),
    )


def _ports(value: Any) -> dict[str, Port]:
    return {name: _files(port["files"]) if "files" in port else port["value"] for name, port in value.items()}


def _files(value: Any) -> tuple[FileFact, ...]:
    return tuple(
        FileFact(path=file["path"], sha256=file["sha256"], bytes=file["bytes"], root=file["root"]) for file in value
    )
