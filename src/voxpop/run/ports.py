"""What the run stage needs from outside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ApplicationId, RunId, VolumeId
from voxpop.run.model import Pipeline, Run, RunRecord


@dataclass(frozen=True, slots=True)
class Confinement:
    """What a run may touch.

    Parameters
    ----------
    read_only : tuple of Path
        The volume and the pipeline's folder.
    read_write : tuple of Path
        The run's own folder (scratch, record and outputs).
    cores : int
    memory_gb : int
    """

    read_only: tuple[Path, ...]
    read_write: tuple[Path, ...]
    cores: int
    memory_gb: int


class Sandbox(Protocol):
    """What keeps a child process in its place."""

    @property
    def name(self) -> str:
        """``bubblewrap``, ``file modes`` or ``docker``; stands in the run's record."""
        ...

    @property
    def python(self) -> str:
        """The Python inside that has voxpop and what pipelines are carried out with."""
        ...

    def wrap(self, command: Sequence[str], confinement: Confinement) -> Sequence[str]:
        """Return the command line that starts ``command`` confined: paths keep their names inside."""
        ...


@dataclass(frozen=True, slots=True)
class Seat:
    """What a person's terminal shows, and what holds it.

    Parameters
    ----------
    account : str
        The name that the shell calls the person.
    host : str
        The name that the shell calls the machine.
    volume : Path
        Read-only.
    results : tuple of Path
        Folders of runs, read-only; each keeps its last name.
    home : Path
        The person's own folder, read-write.
    accounts : Path
        A file in the format of passwd(5) that names the person alone.
    """

    account: str
    host: str
    volume: Path
    results: tuple[Path, ...]
    home: Path
    accounts: Path
    cores: int
    memory_gb: int


@runtime_checkable
class CanHostTerminal(Protocol):
    """A sandbox that can hold a person at a terminal of their own."""

    @property
    def people(self) -> Path | None:
        """Where it wants the folders of its people, so that other machines see them; None where that is all one."""
        ...

    def home(self, folder: Path) -> str:
        """Return where it shows a person's folder."""
        ...

    def person(self, account: str) -> int:
        """Return the number of a person's account inside.

        Raises
        ------
        Refused
            If an account of that name is there which is no person's.
        """
        ...

    def wrap_terminal(self, seat: Seat, line: str | None = None) -> Sequence[str]:
        """Return the command line of a shell in its place; with ``line``, of one that does that line and ends."""
        ...


class JobState(StrEnum):
    """Where a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    """It ended by itself; its exit code says how."""
    CANCELLED = "cancelled"
    LOST = "lost"
    """Nobody can say: it is unknown to the queue, or what the queue says can't be read."""


@dataclass(frozen=True, slots=True)
class Job:
    """One command for a queue.

    Parameters
    ----------
    key : str
        Lower-case letters, digits and hyphens, at most 60; the same key is submitted once.
    command : tuple of str
    folder : Path
        Where it is done; all machines see it under this name.
    environment : mapping
        The whole of it.
    log : Path
        Where its standard output and error go.
    cores, memory_mb, gpus : int
        What it needs on one worker.
    """

    key: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    log: Path
    cores: int = 1
    memory_mb: int = 512
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class JobSeen:
    """What a queue says of a job.

    Parameters
    ----------
    exit_code : int or None
        Of one that is DONE; 128 and more for a signal.
    node : str
        The worker that it runs or ran on; empty where it has none.
    attempts : int
        How often it was begun.
    """

    state: JobState
    exit_code: int | None = None
    node: str = ""
    attempts: int = 0


class Batch(Protocol):
    """A batch queue, as runs need it."""

    @property
    def name(self) -> str:
        """``local``, ``htcondor`` or ``slurm``; stands in the run's record."""
        ...

    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand jobs over, each once by its key: one that the queue knows, or that has ended, is left as it is.

        Raises
        ------
        Unavailable
            If the queue does not answer; some of the jobs may have been taken, and the same call again is right.
        """
        ...

    def look(self, keys: Sequence[str]) -> Mapping[str, JobSeen]:
        """Return where each of these jobs is; LOST for one that the queue does not know.

        Raises
        ------
        Unavailable
            If the queue does not answer: no job is then known to have ended.
        """
        ...

    def cancel(self, keys: Sequence[str]) -> None:
        """End jobs, or take them out of the queue; one that has ended, or is unknown, is left as it is."""
        ...


@dataclass(frozen=True, slots=True)
class Cluster:
    """A queue that a run's commands are handed to, and the workers behind it.

    Parameters
    ----------
    workers : int
        How many there may be at most.
    cores, memory_gb, gpus : int
        Of one worker.
    """

    batch: Batch
    workers: int
    cores: int
    memory_gb: int
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """One run as the engine is told.

    Parameters
    ----------
    folder : Path
        The run's own folder: the engine writes ``outputs/``, ``record.json``, ``log.txt``,
        ``progress.txt`` (a line as each execution ends) and ``steps/`` there;
        ``steps/`` holds what each execution wrote, and lets a killed run go on.
    inputs : mapping
        The workflow's input object: absolute paths for files.
    image : str
        The digest of the image that it runs in; empty where there is none.
    cluster : Cluster, optional
        Does the workflow's commands; without one they are done beside the engine.
    """

    run: RunId
    pipeline: Pipeline
    volume_id: VolumeId
    volume_digest: str
    volume: Path
    folder: Path
    inputs: Mapping[str, Json]
    cores: int
    memory_gb: int
    image: str = ""
    cluster: Cluster | None = None


class Engine(Protocol):
    """Runs a CWL workflow in one confined child process; a second call for a killed run goes on where it was."""

    def execute(
        self,
        task: Task,
        sandbox: Sandbox,
        tick: Callable[[str], None],
        wanted: Callable[[], bool] = lambda: True,
    ) -> RunRecord:
        """Run to the end; ``tick`` is called with the step's name as each execution ends.

        Parameters
        ----------
        wanted : callable
            Asked about once a second; once it says no, the child is ended and ``RunStopped`` is raised.

        Raises
        ------
        Refused
            If a step failed; the sentence names the step.
        Unavailable
            If the child was ended from outside; the same call again goes on.
        """
        ...

    def discard(self, task: Task) -> None:
        """Take what a run that nobody wants any more has in its queue out of it; silent where there is nothing.

        Raises
        ------
        RunBusy
            If another process carries the run out.
        """
        ...


class Runs(Protocol):
    """Where runs are kept."""

    def add(self, run: Run, actor: str) -> None:
        """Keep a new run; the same again is silent."""
        ...

    def get(self, run: RunId) -> Run:
        """Return a run, or raise ``Absent``."""
        ...

    def of_application(self, application: ApplicationId) -> Sequence[Run]:
        """Return the application's runs, the oldest first."""
        ...
