"""The use cases of runs: make one, carry it out, repeat it, cancel it, read its log."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from voxpop.kernel.clock import Clock
from voxpop.kernel.digests import Json, sha256_bytes, sha256_file
from voxpop.kernel.errors import Unavailable, VoxpopError
from voxpop.kernel.ids import ApplianceId, ApplicationId, RunId, VolumeId
from voxpop.kernel.ledger import Event, Ledger
from voxpop.kernel.plainfiles import plain_file, read_plain, strange
from voxpop.run.compare import compare
from voxpop.run.errors import LinkLeft, NotRepeatable, RecordAbsent, RunBusy, RunStopped
from voxpop.run.model import Comparison, Pipeline, Run, RunRecord
from voxpop.run.moving import move_whole
from voxpop.run.pipelines import check_parameters, folder_digest, task_inputs
from voxpop.run.ports import Batch, Cluster, Engine, Runs, Sandbox, Task
from voxpop.run.records import dumps, loads
from voxpop.run.states import LIFE_CYCLE, RunState

RECORD = "record.json"
LOG = "log.txt"
PROGRESS = "progress.txt"
OUTPUTS = "outputs"
STEPS = "steps"
_UNFINISHED = frozenset({RunState.CREATED, RunState.RUNNING, RunState.FAILED, RunState.LOST})

Tick = Callable[[str], None]


def _unseen(step: str) -> None:
    del step


def _without_queue(place: "Workplace") -> Batch | None:
    del place
    return None


def _without_bench(run: Run) -> Path | None:
    del run
    return None


@dataclass(frozen=True, slots=True)
class Queues:
    """The batch queues of workplaces.

    Parameters
    ----------
    batches : callable
        Returns the queue of a workplace; None where it has none.
    benches : callable
        Returns the folder that a run works in while it is not done; None where that is its results.
    """

    batches: Callable[["Workplace"], Batch | None] = _without_queue
    benches: Callable[[Run], Path | None] = _without_bench


_NO_QUEUES = Queues()


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is made for."""

    application: ApplicationId
    appliance: ApplianceId
    volume: VolumeId
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a run happens, as the deployment gives it.

    Parameters
    ----------
    volume : Path
        The volume's root, read-only.
    volume_digest : str
        The volume's seal.
    runs : Path
        The folder that holds one folder a run, ``<runs>/<run id>``.
    sandbox : str
        Name of the sandbox that keeps the run in its place.
    site : str
        Where the appliance stands.
    appliance : str
    image : str
        The digest of the image that its machines are made of; empty where there is none.
    queue : str
        The batch queue that the run's commands are handed to; empty where there is none.
    bench : Path, optional
        Where the run works until it is done, ``<bench>/<run id>``: all workers see it under this name. None where it
        works in ``runs``.
    workers, worker_cores, worker_memory_gb, worker_gpus : int
        How many workers the queue may have at most, and what each of them has.
    """

    volume: Path
    volume_digest: str
    runs: Path
    cores: int
    memory_gb: int
    sandbox: str
    site: str = ""
    appliance: str = ""
    image: str = ""
    queue: str = ""
    bench: Path | None = None
    workers: int = 0
    worker_cores: int = 0
    worker_memory_gb: int = 0
    worker_gpus: int = 0


class RunService:
    """The use cases of runs.

    Parameters
    ----------
    sandboxes : callable
        Returns the sandbox of a workplace.
    queues : Queues
        Where the runs of appliances with a queue are done.
    """

    def __init__(
        self,
        runs: Runs,
        engine: Engine,
        sandboxes: Callable[[Workplace], Sandbox],
        ledger: Ledger,
        clock: Clock,
        queues: Queues = _NO_QUEUES,
    ) -> None:
        self._runs = runs
        self._engine = engine
        self._sandboxes = sandboxes
        self._ledger = ledger
        self._clock = clock
        self._queues = queues

    def create(self, order: Order, pipeline: Pipeline, place: Workplace, actor: str) -> Run:
        """Make a run, or return the one of the same work that has not ended well yet.

        Raises
        ------
        ParameterInvalid
            If a parameter is chosen that the pipeline does not have, or with a value that it cannot take.
        """
        check_parameters(pipeline, order.parameters)
        return self._unfinished_or_new(order, pipeline, place, actor, None)

    def start(self, order: Order, pipeline: Pipeline, place: Workplace, actor: str, tick: Tick = _unseen) -> RunRecord:
        """Make a run and carry it out to its end."""
        run = self.create(order, pipeline, place, actor)
        return self.execute(run.id, pipeline, place, actor, tick)

    def execute(
        self, run_id: RunId, pipeline: Pipeline, place: Workplace, actor: str, tick: Tick = _unseen
    ) -> RunRecord:
        """Carry a run out; one that is done returns its record, one that was killed goes on where it was.

        Raises
        ------
        Refused
            If a step failed, or the run was cancelled, or its pipeline or volume is no longer what it was made for.
        Unavailable
            If it was interrupted; the same call again goes on.
        """
        run = self._runs.get(run_id)
        if run.state is RunState.DONE:
            return self.record(run_id)
        self._check_unchanged(run, pipeline, place)
        task = _task(run, pipeline, place, self._queues.batches(place))
        self._begin(run, actor)
        try:
            record = self._engine.execute(
                task, self._sandboxes(place), tick, lambda: self._runs.get(run_id).state is RunState.RUNNING
            )
        except RunStopped:
            self._clear_cancelled(run_id, place)
            raise
        except RunBusy:
            raise  # another process answers for the run's state
        except Unavailable as lost:
            self._end(run_id, RunState.LOST, actor, lost)
            raise
        except VoxpopError as failed:
            self._end(run_id, RunState.FAILED, actor, failed)
            raise
        self._check_plain(run, task.folder, actor)
        if place.bench is not None:
            move_whole(place.bench / run_id, run.results)
        self._done(record, actor)
        return record

    def repeat(
        self, run_id: RunId, pipeline: Pipeline, place: Workplace, actor: str, tick: Tick = _unseen
    ) -> Comparison:
        """Run the same work again and name the first step whose output differs.

        Raises
        ------
        NotRepeatable
            If the run is not done, or its pipeline or volume is no longer what it was.
        """
        again = self.create_repeat(run_id, pipeline, place, actor)
        self.execute(again.id, pipeline, place, actor, tick)
        return self.compared(again.id, actor)

    def create_repeat(self, run_id: RunId, pipeline: Pipeline, place: Workplace, actor: str) -> Run:
        """Make the run that repeats another, or return the one that has not ended well yet.

        Raises
        ------
        NotRepeatable
            If the run is not done, or its pipeline or volume is no longer what it was.
        """
        original = self._runs.get(run_id)
        if original.state is not RunState.DONE:
            raise NotRepeatable(f"run '{run_id}' is {original.state.value}: only a run that is done can be repeated")
        self._check_repeatable(self.record(run_id), pipeline, place)
        order = Order(original.application, original.appliance, original.volume, original.parameters)
        return self._unfinished_or_new(order, pipeline, place, actor, run_id)

    def compared(self, repeat_id: RunId, actor: str) -> Comparison:
        """Hold a repeat that is done against its original, and write to the audit log how it came out.

        Raises
        ------
        NotRepeatable
            If the run repeats none.
        """
        original = self._runs.get(repeat_id).repeats
        if original is None:
            raise NotRepeatable(f"run '{repeat_id}' repeats no other run: `voxpop run repeat {repeat_id}` makes one")
        comparison = compare(self.record(original), self.record(repeat_id))
        self._ledger.record(Event("run.compared", f"run:{repeat_id}", actor, facts=_comparison_facts(comparison)))
        return comparison

    def cancel(self, run_id: RunId, actor: str, reason: str) -> None:
        """Cancel a run; its process ends as soon as it asks, about once a second. Cancelled already: silent."""
        run = self._runs.get(run_id)
        if run.state is RunState.CANCELLED:
            return
        self._move(run_id, run.state, RunState.CANCELLED, Event("run.cancelled", f"run:{run_id}", actor, reason))

    def discard(self, run_id: RunId, pipeline: Pipeline, place: Workplace) -> None:
        """Take what a cancelled run has left in its queue and on the bench away; silent where somebody still does."""
        run = self._runs.get(run_id)
        if run.state is not RunState.CANCELLED or place.bench is None:
            return
        try:
            self._engine.discard(_task(run, pipeline, place, self._queues.batches(place)))
        except RunBusy:
            return
        self._clear_cancelled(run_id, place)

    def _clear_cancelled(self, run_id: RunId, place: Workplace) -> None:
        """Take a cancelled run's folder off the bench, but its log, which is kept where its results would be."""
        if place.bench is None or self._runs.get(run_id).state is not RunState.CANCELLED:
            return
        written = self.logs(run_id)
        folder = self._runs.get(run_id).results
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LOG).write_text(written, encoding="utf-8")
        shutil.rmtree(place.bench / run_id, ignore_errors=True)

    def get(self, run_id: RunId) -> Run:
        """Return a run, or raise ``Absent``."""
        return self._runs.get(run_id)

    def of_application(self, application: ApplicationId) -> Sequence[Run]:
        """Return the application's runs, the oldest first."""
        return self._runs.of_application(application)

    def record(self, run_id: RunId) -> RunRecord:
        """Return the record of a run that is done.

        Raises
        ------
        RecordAbsent
            If the run has none.
        """
        try:
            written = read_plain(self._runs.get(run_id).results, RECORD)
        except FileNotFoundError as absent:
            raise RecordAbsent(run_id) from absent
        return loads(written.decode("utf-8"))

    def logs(self, run_id: RunId) -> str:
        """Return what the run's steps wrote to their logs so far."""
        return self._left(run_id, LOG).decode("utf-8", errors="replace")

    def steps_done(self, run_id: RunId) -> int:
        """Return how many executions have ended so far."""
        return self._left(run_id, PROGRESS).count(b"\n")

    def _left(self, run_id: RunId, name: str) -> bytes:
        run = self._runs.get(run_id)
        bench = self._queues.benches(run) if run.state is not RunState.DONE else None
        for folder in filter(None, (bench, run.results)):
            try:
                return read_plain(folder, name)
            except FileNotFoundError:
                continue
        return b""

    def _unfinished_or_new(
        self, order: Order, pipeline: Pipeline, place: Workplace, actor: str, repeats: RunId | None
    ) -> Run:
        runs = self._runs.of_application(order.application)
        wanted = (order.appliance, order.volume, pipeline.digest, repeats, dict(order.parameters))
        for run in runs:
            here = (run.appliance, run.volume, run.pipeline_digest, run.repeats, dict(run.parameters))
            if here == wanted and run.state in _UNFINISHED:
                return run
        run_id = RunId(f"{order.application}-r{len(runs) + 1}")
        run = Run(
            id=run_id,
            application=order.application,
            appliance=order.appliance,
            volume=order.volume,
            pipeline=f"{pipeline.name}/{pipeline.version}",
            pipeline_digest=pipeline.digest,
            state=RunState.CREATED,
            results=place.runs / run_id,
            created_at=self._clock.now(),
            repeats=repeats,
            parameters=order.parameters,
        )
        self._runs.add(run, actor)
        return run

    def _check_plain(self, run: Run, folder: Path, actor: str) -> None:
        """Refuse a run that left links: they would be followed outside its sandbox."""
        link = next(strange(folder, apart=(STEPS,)), None)
        if link is not None:
            refusal = LinkLeft(run.id, link)
            self._end(run.id, RunState.FAILED, actor, refusal)
            raise refusal

    def _check_unchanged(self, run: Run, pipeline: Pipeline, place: Workplace) -> None:
        if folder_digest(pipeline.folder) != run.pipeline_digest:
            raise NotRepeatable(
                f"run '{run.id}' was made for another content of pipeline '{run.pipeline}': "
                "bring that content back, or start a new run"
            )
        manifest = place.volume / "manifest-sha256.txt"
        if not manifest.is_file() or sha256_file(manifest) != place.volume_digest:
            raise NotRepeatable(
                f"volume '{run.volume}' is not as it was sealed: `voxpop volume verify {run.volume}` shows what changed"
            )

    def _check_repeatable(self, record: RunRecord, pipeline: Pipeline, place: Workplace) -> None:
        if folder_digest(pipeline.folder) != record.pipeline_digest:
            raise NotRepeatable(
                f"pipeline '{record.pipeline}' has changed since run '{record.run}': "
                "a repeat needs the same content; bring it back, or start a new run"
            )
        if place.volume_digest != record.volume_digest:
            raise NotRepeatable(
                f"volume '{record.volume}' has changed since run '{record.run}': a repeat needs the same content"
            )

    def _begin(self, run: Run, actor: str) -> None:
        if run.state is RunState.RUNNING:
            self._ledger.record(Event("run.resumed", f"run:{run.id}", actor))
            return
        event = Event("run.started", f"run:{run.id}", actor, facts={"pipeline_sha256": run.pipeline_digest})
        self._move(run.id, run.state, RunState.RUNNING, event)

    def _done(self, record: RunRecord, actor: str) -> None:
        if self._runs.get(record.run).state is RunState.DONE:
            return  # another process was first to see the end
        facts: dict[str, Json] = {
            "record_sha256": sha256_bytes(dumps(record).encode()),
            "steps": len(record.steps),
            "sandbox": record.sandbox,
            "volume_sha256": record.volume_digest,
        }
        event = Event("run.done", f"run:{record.run}", actor, facts=facts)
        self._move(record.run, RunState.RUNNING, RunState.DONE, event)

    def _end(self, run_id: RunId, state: RunState, actor: str, why: VoxpopError) -> None:
        event = Event(f"run.{state.value}", f"run:{run_id}", actor, why.sentence)
        self._move(run_id, RunState.RUNNING, state, event)

    def _move(self, run_id: RunId, source: RunState, target: RunState, event: Event) -> None:
        LIFE_CYCLE.check(f"run '{run_id}'", source, target)
        self._ledger.move(event.subject, source, target, event)


def _task(run: Run, pipeline: Pipeline, place: Workplace, batch: Batch | None) -> Task:
    pipeline = replace(pipeline, parameters={**pipeline.parameters, **run.parameters})
    return Task(
        run=run.id,
        pipeline=pipeline,
        volume_id=run.volume,
        volume_digest=place.volume_digest,
        volume=place.volume,
        folder=_working_folder(run, place),
        inputs=task_inputs(pipeline, place.volume),
        cores=place.cores,
        memory_gb=place.memory_gb,
        image=place.image,
        cluster=_cluster(place, batch),
    )


def _working_folder(run: Run, place: Workplace) -> Path:
    """Return where a run works: one that was moved to its results already, and then interrupted, is there."""
    moved = plain_file(run.results, RECORD) is not None
    return run.results if place.bench is None or moved else place.bench / run.id


def _cluster(place: Workplace, batch: Batch | None) -> Cluster | None:
    if batch is None:
        return None
    return Cluster(batch, place.workers, place.worker_cores, place.worker_memory_gb, place.worker_gpus)


def _comparison_facts(comparison: Comparison) -> dict[str, Json]:
    facts: dict[str, Json] = {
        "original": comparison.original,
        "identical": comparison.identical,
        "steps": comparison.steps,
    }
    if comparison.first_difference:
        facts["first_difference"] = f"{comparison.first_difference.step}:{comparison.first_difference.position}"
    return facts
