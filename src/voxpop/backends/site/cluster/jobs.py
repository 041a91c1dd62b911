"""The cluster's queue, as runs hand their commands to it: where programs are, and what each job is held in."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from voxpop.run.ports import Batch, Job, JobSeen

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Hold:
    """What jobs see.

    Parameters
    ----------
    path : str
        Where they look for programs.
    image : Path or None
        What they run in, by Apptainer; None where they see all of their machine.
    read_only : tuple of Path
        The volume and the pipelines.
    bench : Path
        Holds a folder a run; a job sees that of its own.
    """

    path: str
    image: Path | None
    read_only: tuple[Path, ...]
    bench: Path

    def held(self, job: Job) -> Job:
        """Return a job with its place around its command."""
        environment = {**job.environment, "PATH": self.path}
        if self.image is None:
            return replace(job, environment=environment)
        run = self.bench / job.folder.relative_to(self.bench).parts[0]
        words = ["apptainer", "exec", "--containall", "--no-home", "--net", "--network", "none", "--no-privs"]
        for path in self.read_only:
            words += ["--bind", f"{path}:{path}:ro"]
        words += ["--bind", f"{run}:{run}:rw", "--pwd", str(job.folder), *(["--nv"] if job.gpus else [])]
        inside = [f"{name}={value}" for name, value in sorted(environment.items())]
        return replace(job, command=(*words, str(self.image), "env", "-i", *inside, *job.command))


class Noted:
    """The keys of all jobs that an appliance ever handed over, so that none of them stays behind it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, keys: Sequence[str]) -> None:
        """Keep keys."""
        with self._path.open("a", encoding="ascii") as file:
            file.write("".join(f"{key}\n" for key in keys))

    def parts(self) -> Iterator[list[str]]:
        """Give them, some at a time."""
        keys: list[str] = []
        with suppress(FileNotFoundError):
            keys = self._path.read_text(encoding="ascii").split()
        for begin in range(0, len(keys), _AT_ONCE):
            yield keys[begin : begin + _AT_ONCE]


class HeldQueue:
    """``run.ports.Batch`` on a cluster that others keep."""

    def __init__(self, queue: Batch, hold: Hold, noted: Noted) -> None:
        self._queue = queue
        self._hold = hold
        self._noted = noted

    @property
    def name(self) -> str:
        """What the queue is called; stands in the run's record."""
        return self._queue.name

    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand jobs over, each in its place; see `run.ports.Batch`."""
        self._noted.note([job.key for job in jobs])  # before: some may be taken though the answer is lost
        self._queue.submit([self._hold.held(job) for job in jobs])

    def look(self, keys: Sequence[str]) -> Mapping[str, JobSeen]:
        """Return where jobs are; see `run.ports.Batch`."""
        return self._queue.look(keys)

    def cancel(self, keys: Sequence[str]) -> None:
        """End jobs; see `run.ports.Batch`."""
        self._queue.cancel(keys)
