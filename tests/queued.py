"""A run of the tiny pipeline on a queue."""

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from voxpop.backends.jobs.cwltool.engine import CwltoolEngine
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.digests import sha256_file
from voxpop.kernel.ids import ApplianceId, ApplicationId, RunId, VolumeId
from voxpop.run.fakes import MemoryRuns
from voxpop.run.model import Pipeline, RunRecord
from voxpop.run.pipelines import load_pipeline
from voxpop.run.ports import Batch, Confinement, Sandbox
from voxpop.run.service import Order, Queues, RunService, Workplace
from voxpop.run.states import RunState

TINY = Path(__file__).parent / "pipelines" / "tiny"
ORDER = Order(ApplicationId("words"), ApplianceId("words-a1"), VolumeId("words-v1"))
FIRST = RunId("words-r1")


class NoSandbox:
    """Confines nothing."""

    name = "none"
    python = sys.executable

    def wrap(self, command: Sequence[str], confinement: Confinement) -> Sequence[str]:
        """Return the command as it is."""
        del confinement
        return command


@dataclass
class Desk:
    """A pipeline, a volume and the service to run the one over the other on a queue."""

    pipeline: Pipeline
    place: Workplace
    runs: MemoryRuns
    batch: Batch | None
    sandbox: Sandbox

    @property
    def service(self) -> RunService:
        """The use cases, with the queue as it is now."""
        queues = Queues(lambda place: self.batch if place.queue else None, lambda run: self.folder(run.id))
        return RunService(self.runs, CwltoolEngine(), lambda place: self.sandbox, self.runs, SystemClock(), queues)

    def start(self, tick: Callable[[str], None] = lambda step: None) -> RunRecord:
        """Make the first run and carry it out."""
        return self.service.start(ORDER, self.pipeline, self.place, "ann", tick)

    def execute(self, tick: Callable[[str], None] = lambda step: None) -> RunRecord:
        """Carry the first run out, or on."""
        return self.service.execute(FIRST, self.pipeline, self.place, "ann", tick)

    def alone(self) -> RunRecord:
        """Carry the same out without a queue."""
        place = replace(self.place, queue="", bench=None, runs=self.place.runs.with_name("alone"))
        return replace(self, place=place, runs=MemoryRuns()).start()

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a file of the pipeline."""
        file = self.pipeline.folder / path
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
        self.pipeline = load_pipeline(self.pipeline.folder)

    def folder(self, run: RunId = FIRST) -> Path:
        """Where a run works while it is not done."""
        assert self.place.bench is not None
        return self.place.bench / run

    def state(self) -> RunState:
        """The first run's state."""
        return self.runs.get(FIRST).state


def make_desk(top: Path, texts: int, batch: Batch, queue: str = "local", sandbox: Sandbox | None = None) -> Desk:
    """Lay out a pipeline and a volume of some texts in a folder."""
    pipeline, volume = top / "pipelines" / "tiny" / "1.0", top / "volume"
    shutil.copytree(TINY, pipeline)
    for number in range(texts):
        folder = volume / f"sub-{number:03d}"
        folder.mkdir(parents=True)
        (folder / "text.txt").write_text("word " * (number + 1))
    (volume / "participants.tsv").write_text("participant_id\n")
    place = Workplace(
        volume, seal(volume), top / "results", 2, 4, "none",
        queue=queue, bench=top / "bench", workers=2, worker_cores=1, worker_memory_gb=2,
    )  # fmt: skip
    return Desk(load_pipeline(pipeline), place, MemoryRuns(), batch, sandbox or NoSandbox())


def seal(volume: Path) -> str:
    """Write a volume's manifest, and return its digest."""
    files = sorted(path for path in volume.rglob("*") if path.is_file() and path.name != "manifest-sha256.txt")
    lines = [f"{sha256_file(path)}  {path.relative_to(volume).as_posix()}\n" for path in files]
    (volume / "manifest-sha256.txt").write_text("".join(lines))
    return sha256_file(volume / "manifest-sha256.txt")
