"""What the parent tells the child, and what the child answers."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from voxpop.kernel.digests import Json

SPEC = "spec.json"
OUTCOME = "outcome.json"
PROGRESS = "progress.txt"
RECORD = "record.json"
LOG = "log.txt"
LOCK = "lock"
OUTPUTS = "outputs"
STEPS = "steps"
SCRATCH = "scratch"
BUSY = 2
"""The child's exit code where another process carries the run out."""
DISK_FULL = 3
"""The child's exit code where there is no room left, not even for saying so."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One run, as the child is told; paths are absolute.

    Parameters
    ----------
    cores, memory_gb : int
        What commands may have at one time; with a queue, of all its workers.
    queue : str
        Empty where the child does the commands itself.
    each_cores, each_memory_gb, each_gpus : int
        What one command may have: with a queue that of one worker, else as above.
    """

    run: str
    pipeline: str
    pipeline_digest: str
    pipeline_folder: str
    workflow: str
    volume_id: str
    volume_digest: str
    volume: str
    folder: str
    inputs: Mapping[str, Json]
    parameters: Mapping[str, Json]
    cores: int
    memory_gb: int
    each_cores: int
    each_memory_gb: int
    sandbox: str
    image: str = ""
    queue: str = ""
    each_gpus: int = 0

    def write(self, path: Path) -> None:
        """Write it for the child, whole or not at all."""
        write_whole(path, json.dumps(asdict(self), indent=1, sort_keys=True))

    @classmethod
    def read(cls, path: Path) -> "Spec":
        """Read what ``write`` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run did not end well: a step's end, or one sentence where no step is to blame."""

    step: str = ""
    position: int = 0
    exit_code: int | None = None
    sentence: str = ""

    def write(self, path: Path) -> None:
        """Write it for the parent, whole or not at all."""
        write_whole(path, json.dumps(asdict(self), sort_keys=True))

    @classmethod
    def of(cls, text: str) -> "Failure":
        """Read what ``write`` wrote."""
        return cls(**json.loads(text))


def write_whole(path: Path, text: str) -> None:
    """Write a text file under a temporary name, never through a link that a run left there, then put it in place."""
    temporary = path.with_name(f"{path.name}.part")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
    temporary.replace(path)
