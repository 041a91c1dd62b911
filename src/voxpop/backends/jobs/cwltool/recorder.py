"""What every execution of a tool read, wrote and came to, one JSON file each.

``steps/<step>-<position>/out`` holds what the execution wrote, ``step.json`` beside it what is known of it. A run that
was killed finds both again, and goes on with what is still to do.
"""

import json
import os
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from voxpop.backends.jobs.cwltool.facts import Facts, leaves, local_path
from voxpop.backends.jobs.cwltool.outbox import Outbox
from voxpop.backends.jobs.cwltool.spec import LOG, PROGRESS, STEPS, Failure, write_whole
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.digests import Json, sha256_json
from voxpop.kernel.errors import VoxpopError
from voxpop.run.model import FileFact, Port, StepRecord
from voxpop.run.records import step_from_json, step_to_json

_CLOCK = SystemClock()


@dataclass(slots=True)
class Execution:
    """One execution of one tool, while it happens.

    Parameters
    ----------
    indices : tuple of int
        Which of the scattered executions, the outermost scatter first; empty where nothing is scattered.
    key : str
        Digest of the tool and all that it is given.
    attempt : Path
        Where the tool writes until it has ended well.
    name : str
        What a queue knows it by; empty where there is none.
    """

    step: str
    indices: tuple[int, ...]
    tool: FileFact
    key: str
    folder: Path
    attempt: Path
    started_at: datetime
    inputs: Mapping[str, Port]
    name: str = ""
    exit_code: int | None = None
    cores: int = 0
    memory_mb: int = 0
    given_up: bool = False

    @property
    def position(self) -> int:
        """Which of the scattered executions, as far as one number can say."""
        return self.indices[0] if self.indices else 0

    @property
    def before(self) -> Path:
        """Where a queue's job keeps what its folder was when it began."""
        return self.folder / "before"

    @property
    def scratch(self) -> Path:
        """Where the temporary folders of a queue's job are: they outlive the run's own, which end with its child."""
        return self.folder / "tmp"


class Recorder:
    """Keeps the record of a run's executions.

    Parameters
    ----------
    folder : Path
        The run's own folder.
    outbox : Outbox, optional
        Where commands are handed to a queue.
    """

    def __init__(self, folder: Path, facts: Facts, outbox: Outbox | None = None) -> None:
        self.facts = facts
        self.outbox = outbox
        self.failures: list[Failure] = []
        self._folder = folder
        self._steps: dict[tuple[str, tuple[int, ...]], StepRecord] = {}
        self._lock = threading.Lock()
        (folder / PROGRESS).write_bytes(b"")

    def open(self, step: str, indices: tuple[int, ...], document: Path, values: Mapping[str, Any]) -> Execution:
        """Begin an execution of the tool in a CWL document on these input values."""
        tool = self.facts.of_file(document)
        inputs = self.facts.ports(values)
        name = "-".join([step.replace("/", "."), *map(str, indices)])
        folder = self._folder / STEPS / name
        shape: Json = {"tool": tool.sha256, "step": step, "values": portable(values, self.facts)}
        key = sha256_json(shape)
        queued = self.outbox.name(key, indices) if self.outbox else ""
        return Execution(
            step=step,
            indices=indices,
            tool=tool,
            key=key,
            folder=folder,
            attempt=folder / f"attempt-{queued or os.getpid()}",
            started_at=_CLOCK.now(),
            inputs=inputs,
            name=queued,
        )

    def kept(self, execution: Execution) -> dict[str, Any] | None:
        """Return the outputs of this same execution from before, if all that it wrote is still as it was."""
        path = execution.folder / "step.json"
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            record = step_from_json(known["record"])
            outputs: dict[str, Any] = located(known["outputs"], self.facts)
            same = known["key"] == execution.key and self.facts.ports(outputs) == record.outputs
        except (OSError, KeyError, ValueError, VoxpopError):
            return None
        if not same:
            return None
        if self.outbox:
            self.outbox.done(execution.name)  # who recorded it may have been killed before
        self._note(execution, record)
        return outputs

    def prepare(self, execution: Execution) -> None:
        """Make room for an attempt; what an attempt before left goes, unless a queue still has it, or has done it."""
        if not self.taken_up(execution):
            shutil.rmtree(execution.folder, ignore_errors=True)
        self.facts.forget(execution.folder)
        for folder in (execution.attempt, execution.scratch):
            folder.mkdir(parents=True, exist_ok=True)

    def taken_up(self, execution: Execution) -> bool:
        """Say whether a queue was handed this execution by a child before this one."""
        return self.outbox is not None and self.outbox.knows(execution.name)

    def collected(self, execution: Execution, outputs: dict[str, Any]) -> dict[str, Any]:
        """Put what an execution wrote in its place, and return its outputs from there."""
        out = execution.folder / "out"
        execution.attempt.replace(out)
        for left in (execution.before, execution.scratch):
            shutil.rmtree(left, ignore_errors=True)
        moved: dict[str, Any] = _moved(outputs, execution.attempt, out)
        self.facts.ports(moved)  # read here, beside other executions, and not when the workflow waits
        return moved

    def ended(self, execution: Execution, outputs: Mapping[str, Any]) -> None:
        """Keep an execution that ended well."""
        begun = self.outbox.begun(execution.name) if self.outbox else []
        record = StepRecord(
            step=execution.step,
            position=execution.position,
            tool=execution.tool.path,
            tool_sha256=execution.tool.sha256,
            started_at=execution.started_at,
            ended_at=_CLOCK.now(),
            exit_code=execution.exit_code or 0,
            inputs=execution.inputs,
            outputs=self.facts.ports(outputs),
            queue=self.outbox.queue if self.outbox else "",
            node=begun[-1] if begun else "",
            attempts=max(len(begun), 1),
            cores=execution.cores,
            memory_mb=execution.memory_mb,
        )
        known = {"key": execution.key, "record": step_to_json(record), "outputs": portable(outputs, self.facts)}
        write_whole(execution.folder / "step.json", json.dumps(known, indent=1, sort_keys=True))
        self._log(execution, f"exit code {record.exit_code}")
        self._note(execution, record)
        if self.outbox:
            self.outbox.done(execution.name)

    def failed(self, execution: Execution) -> None:
        """Keep that an execution did not end well."""
        code = execution.exit_code
        if self.outbox:
            self.outbox.failed(execution.name)
        if execution.given_up:
            return
        self.failures.append(Failure(execution.step, execution.position, code))
        self._log(execution, "not carried out" if code is None else f"exit code {code}")

    def steps(self, order: list[str]) -> tuple[StepRecord, ...]:
        """Return the records in workflow order.

        Parameters
        ----------
        order : list of str
            The names of all steps.
        """
        rank = {step: place for place, step in enumerate(order)}
        found = sorted(self._steps.items(), key=lambda entry: (rank.get(entry[0][0], len(rank)), entry[0]))
        counts: dict[str, int] = {}
        records = []
        for (step, indices), record in found:
            nth = counts.get(step, 0)
            counts[step] = nth + 1
            records.append(record if len(indices) <= 1 else replace(record, position=nth))
        return tuple(records)

    def _note(self, execution: Execution, record: StepRecord) -> None:
        with self._lock:
            self._steps[execution.step, execution.indices] = record
            with (self._folder / PROGRESS).open("a", encoding="utf-8") as progress:
                progress.write(f"{record.step}\n")

    def _log(self, execution: Execution, end: str) -> None:
        own = execution.folder / LOG
        text = own.read_text(encoding="utf-8", errors="replace") if own.is_file() else ""
        where = " ".join([execution.step, *map(str, execution.indices)])
        with self._lock, (self._folder / LOG).open("a", encoding="utf-8") as log:
            log.write(f"[{where}] {end}\n{text}{'' if text.endswith(chr(10)) or not text else chr(10)}")


def portable(value: Any, facts: Facts) -> Any:
    """Write a CWL value without a path of this machine: each file by its root, path and digest."""
    if isinstance(value, list):
        return [portable(entry, facts) for entry in value]
    if not isinstance(value, Mapping):
        return value
    kept = {name: portable(entry, facts) for name, entry in value.items() if name not in _PLACES}
    path = local_path(value) if value.get("class") in ("File", "Directory") else None
    if path is not None:
        root, relative = facts.roots.relative(path)
        kept["location"] = f"{root}:{relative}"
        if value["class"] == "File":
            kept["checksum"] = f"sha256${facts.of_file(path).sha256}"
        else:
            kept["checksum"] = sha256_json([[fact.path, fact.sha256] for fact in map(facts.of_entry, leaves(value))])
    return kept


_PLACES = frozenset({"path", "dirname", "location", "checksum", "_generation"})


def located(value: Any, facts: Facts) -> Any:
    """Read what ``portable`` wrote, with absolute places again."""
    if isinstance(value, list):
        return [located(entry, facts) for entry in value]
    if not isinstance(value, Mapping):
        return value
    found = {name: located(entry, facts) for name, entry in value.items() if name not in _PLACES}
    if value.get("class") in ("File", "Directory") and "location" in value:
        root, _, relative = str(value["location"]).partition(":")
        found["location"] = facts.roots.absolute(root, relative).as_uri()
    return found


def _moved(value: Any, source: Path, target: Path) -> Any:
    if isinstance(value, list):
        return [_moved(entry, source, target) for entry in value]
    if not isinstance(value, Mapping):
        return value
    moved = {name: _moved(entry, source, target) for name, entry in value.items()}
    path = local_path(value) if value.get("class") in ("File", "Directory") else None
    if path is not None and path.is_relative_to(source):
        moved["location"] = (target / path.relative_to(source)).as_uri()
    return moved
