"""What the run stage needs from outside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
    def home(self) -> str:
        """Where it shows the person's folder."""
        ...

    @property
    def person(self) -> int:
        """The number of the person's account inside."""
        ...

    def wrap_terminal(self, seat: Seat, line: str | None = None) -> Sequence[str]:
        """Return the command line of a shell in its place; with ``line``, of one that does that line and ends."""
        ...


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
