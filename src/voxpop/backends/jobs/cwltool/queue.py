"""Where cwltool would start a command, the queue is asked to do it."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cwltool.job

from voxpop.backends.jobs.cwltool.outbox import Ask, GivenUp, Outbox, Streams
from voxpop.backends.jobs.cwltool.recorder import Execution, Recorder


@dataclass(frozen=True, slots=True)
class _Handing:
    execution: Execution
    outbox: Outbox
    resources: Mapping[str, Any]


_HANDING: ContextVar[_Handing] = ContextVar("handing")


@contextmanager
def handing_over(execution: Execution, recorder: Recorder, resources: Mapping[str, Any]) -> Iterator[None]:
    """Say, for what this thread does next, which execution a command belongs to."""
    assert recorder.outbox is not None
    token = _HANDING.set(_Handing(execution, recorder.outbox, resources))
    try:
        yield
    finally:
        _HANDING.reset(token)


def install() -> None:
    """Let this process start no command itself; cwltool has one function that does."""
    cwltool.job._job_popen = cast("Any", _ask)  # noqa: SLF001 -- the pinned version has no other place for this
    cwltool.job.cuda_check = cast("Any", _gpus_of_a_worker)  # type: ignore[attr-defined]  # it imports it


def _gpus_of_a_worker(requirement: object, count: int) -> int:
    """Say that there are GPUs: not this machine has to have them, but a worker, and the queue finds it."""
    del requirement
    return count


def _ask(commands: list[str], **asked: Any) -> int:
    handing = _HANDING.get()
    ask = Ask(
        step=handing.execution.step,
        command=commands,
        folder=Path(asked["cwd"]),
        environment=asked["env"],
        streams=Streams(asked["stdin_path"], asked["stdout_path"], asked["stderr_path"]),
        before=handing.execution.before,
        cores=math.ceil(handing.resources["cores"]),
        memory_mb=math.ceil(handing.resources["ram"]),
        gpus=math.ceil(handing.resources.get("cudaDeviceCount", 0)),
        limit_s=asked["timelimit"],
    )
    try:
        return handing.outbox.carry_out(handing.execution.name, ask, asked["default_stdout"])
    except GivenUp:
        handing.execution.given_up = True
        raise
