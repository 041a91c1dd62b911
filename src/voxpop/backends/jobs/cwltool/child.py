"""The one child process of a run: loads the workflow, runs it, and writes what came out.

Started as ``python -P -m voxpop.backends.jobs.cwltool.child spec.json`` inside the sandbox.
"""

import fcntl
import logging
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from voxpop.backends.jobs.cwltool.facts import Facts, Roots, read_manifest
from voxpop.backends.jobs.cwltool.outbox import Outbox
from voxpop.backends.jobs.cwltool.outputs import place_outputs
from voxpop.backends.jobs.cwltool.recorder import Recorder
from voxpop.backends.jobs.cwltool.request import JOBS
from voxpop.backends.jobs.cwltool.spec import (
    BUSY,
    DISK_FULL,
    LOCK,
    OUTCOME,
    RECORD,
    SCRATCH,
    STEPS,
    Failure,
    Spec,
    write_whole,
)
from voxpop.kernel import disk
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.errors import VoxpopError
from voxpop.kernel.ids import RunId, VolumeId
from voxpop.run.model import RunRecord
from voxpop.run.records import dumps

_PACKAGES = ("voxpop", "cwltool", "numpy", "scipy", "nibabel", "statsmodels", "pandas", "matplotlib", "pillow")
_ROOM_BYTES = 1 << 20
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def main(arguments: list[str]) -> int:
    """Carry out the run that a spec file describes; 0 if it ended well.

    1 for a failure, told in ``outcome.json``; 2 if another process carries the run out; 3 if the disk is full.
    """
    spec = Spec.read(Path(arguments[0]))
    folder = Path(spec.folder)
    with (folder / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return BUSY
        try:
            failure = _carry_out(spec, folder)
            if failure is not None:
                failure.write(folder / OUTCOME)
        except OSError as broken:
            if broken.errno not in disk.FULL:
                raise
            return DISK_FULL
        if failure is not None and _is_full(folder):
            return DISK_FULL
    return 0 if failure is None else 1


def _is_full(folder: Path) -> bool:
    places = [place for place in (folder, folder / STEPS) if place.is_dir()]
    return min(shutil.disk_usage(place).free for place in places) < _ROOM_BYTES


def _carry_out(spec: Spec, folder: Path) -> Failure | None:
    scratch = folder / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    kept = _settle(scratch)
    try:
        record = _run(spec, folder, kept)
    except VoxpopError as refused:
        return Failure(sentence=refused.sentence)
    except _Failed as failed:
        return failed.failure
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    write_whole(folder / RECORD, dumps(record))
    return None


class _Failed(Exception):
    """Carries a failure to where it is written."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure


def _settle(scratch: Path) -> tuple[str, ...]:
    """Give this process and its tools a small, fixed environment; returns the names that tools get to see."""
    fixed = {
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(scratch / "matplotlib"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        "SOURCE_DATE_EPOCH": "0",
        "TZ": "UTC",
        **dict.fromkeys(_ONE_THREAD, "1"),
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"])
    os.environ.clear()
    os.environ.update({**fixed, "PATH": path, "HOME": str(scratch), "TMPDIR": str(scratch)})
    tempfile.tempdir = str(scratch)
    return tuple(fixed)


def _run(spec: Spec, folder: Path, kept_names: tuple[str, ...]) -> RunRecord:
    # after the environment is settled: cwltool reads it while it is imported
    from cwltool.context import LoadingContext, RuntimeContext
    from cwltool.errors import WorkflowException
    from cwltool.load_tool import load_tool
    from schema_salad.exceptions import ValidationException

    from voxpop.backends.jobs.cwltool import queue
    from voxpop.backends.jobs.cwltool.executor import RecordingExecutor
    from voxpop.backends.jobs.cwltool.tools import PlacedContext, make_tool, step_order

    logging.getLogger("cwltool").setLevel(logging.WARNING)
    started_at = SystemClock().now()
    volume = Path(spec.volume)
    facts = Facts(Roots(volume, Path(spec.pipeline_folder), folder), read_manifest(volume))
    outbox = Outbox(spec.run, folder, spec.queue) if spec.queue else None
    if outbox is not None:
        queue.install()
    recorder = Recorder(folder, facts, outbox)
    executor = RecordingExecutor(spec)
    inputs = _uris(spec.inputs)
    around = {"image": spec.image, "queue": spec.queue}
    try:
        process = load_tool(Path(spec.workflow).as_uri(), LoadingContext({"construct_tool_object": make_tool}))
        context = PlacedContext(_settings(spec, kept_names, executor.select_resources), recorder)
        recorded_inputs = facts.ports(inputs)
        values, status = executor.execute(process, inputs, _typed(context, RuntimeContext))
    except (WorkflowException, ValidationException) as broken:
        logging.getLogger("cwltool").error("%s", broken)
        raise _Failed(_failure(recorder, executor.refusals)) from broken
    if status != "success" or values is None:
        raise _Failed(_failure(recorder, executor.refusals))
    steps = recorder.steps(step_order(process))
    shutil.rmtree(folder / JOBS, ignore_errors=True)
    return RunRecord(
        run=RunId(spec.run),
        pipeline=spec.pipeline,
        pipeline_digest=spec.pipeline_digest,
        volume=VolumeId(spec.volume_id),
        volume_digest=spec.volume_digest,
        started_at=min([started_at, *(step.started_at for step in steps)]),
        ended_at=SystemClock().now(),
        sandbox=spec.sandbox,
        environment=environment() | {name: value for name, value in around.items() if value},
        inputs=recorded_inputs,
        steps=steps,
        outputs=place_outputs(values, folder, facts),
        parameters=dict(spec.parameters),
    )


def environment() -> dict[str, str]:
    """Say what software ran: Python, packages, kind of machine; no name of a host or a user, no path."""
    known = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
    }
    for package in _PACKAGES:
        try:
            known[package] = version(package)
        except PackageNotFoundError:
            continue
    return known


def _settings(spec: Spec, kept_names: tuple[str, ...], select_resources: Any) -> dict[str, Any]:
    scratch = Path(spec.folder) / SCRATCH
    return {
        "basedir": spec.pipeline_folder,
        "compute_checksum": False,  # each file is read once, for its SHA-256, by us
        "move_outputs": "leave",
        "on_error": "stop",
        "preserve_environment": kept_names,
        "select_resources": select_resources,
        "tmp_outdir_prefix": str(scratch / "out-"),
        "tmpdir_prefix": str(scratch / "job-"),
        "use_container": False,
    }


def _uris(value: Any) -> Any:
    if isinstance(value, list):
        return [_uris(entry) for entry in value]
    if not isinstance(value, Mapping):
        return value
    named = {name: _uris(entry) for name, entry in value.items() if name != "path"}
    if "path" in value and value.get("class") in ("File", "Directory"):
        named |= {"location": Path(value["path"]).as_uri(), "basename": Path(value["path"]).name}
    return named


def _failure(recorder: Recorder, refusals: list[str]) -> Failure:
    if recorder.failures:
        return min(recorder.failures, key=lambda failure: (failure.step, failure.position))
    return Failure(sentence=refusals[0] if refusals else "the workflow could not be carried out: its log says why")


def _typed(context: Any, kind: type[Any]) -> Any:
    assert isinstance(context, kind)
    return context


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
