"""The parent's side of a queue: hands over what the child asks for, and what got lost once more.

What lies in the run's folder was written by the run: it is read as it lies there, and only what is a request is taken.
"""

import json
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from voxpop.backends.jobs.cwltool.request import (
    EXIT_SUFFIX,
    FAILED_SUFFIX,
    JOBS,
    LOG_SUFFIX,
    MOST_BYTES,
    NAME,
    SUFFIX,
    Request,
)
from voxpop.backends.jobs.cwltool.spec import write_whole
from voxpop.kernel.errors import Unavailable
from voxpop.kernel.plainfiles import PlainFolder
from voxpop.kernel.units import MB_PER_GB
from voxpop.run.errors import JobLost, JobUnfit, QueueSilent
from voxpop.run.ports import Cluster, Job, JobSeen, JobState

_MOST_NAMES = 50_000
_AT_ONCE = 100
_MOST_AT_ONCE = 1000
_LOOK_EVERY_S = 1.0
_ATTEMPTS = 3
_PATIENCE_S = 300.0
_ASK_AGAIN_S = 2.0
_GONE = (JobState.LOST, JobState.CANCELLED)
_UNKNOWN = JobSeen(JobState.LOST)
_log = logging.getLogger("voxpop.runs")


@dataclass(slots=True)
class _Handed:
    """A request that the queue has, or is to have.

    Parameters
    ----------
    missed : int
        How often in turn the queue did not know it.
    """

    request: Request
    job: Job
    given: bool = False
    missed: int = 0
    attempts: int = 1


@dataclass(slots=True)
class _Turns:
    """Which turn each request is in; a job that was lost is a job of another key. Kept where no run can write.

    Parameters
    ----------
    path : Path
        Beside the run's folder.
    """

    path: Path
    known: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path.is_file():
            self.known = {str(name): int(turn) for name, turn in json.loads(self.path.read_text()).items()}

    def key(self, name: str) -> str:
        turn = self.known.get(name, 1)
        return name if turn == 1 else f"{name}-r{turn}"

    def next(self, names: Iterable[str]) -> None:
        for name in names:
            self.known[name] = self.known.get(name, 1) + 1
        write_whole(self.path, json.dumps(self.known, sort_keys=True))


class Dispatcher:
    """Keeps a run's requests in its queue until each has ended.

    Parameters
    ----------
    run : str
    folder : Path
        The run's own folder, without a link on the way.
    """

    def __init__(self, run: str, folder: Path, cluster: Cluster) -> None:
        self._run = run
        self._folder = folder
        self._cluster = cluster
        self._turns = _Turns(folder.with_name(f"{folder.name}.queue.json"))
        self._handed: dict[str, _Handed] = {}
        self._keys: set[str] = set()
        self._looked = 0.0
        self._answered = time.monotonic()
        self._silent_until = 0.0

    def step(self) -> None:
        """Hand over what is new; about once a second, see what became of the rest.

        Raises
        ------
        JobLost
            If the queue lost one of them three times.
        JobUnfit
            If the run asks for what is no job.
        QueueSilent
            If the queue has not answered for five minutes.
        """
        self._take_in()
        now = time.monotonic()
        if now < self._silent_until:
            return
        try:
            self._submit()
            if now - self._looked >= _LOOK_EVERY_S:
                self._looked = now
                self._look()
        except Unavailable as silent:
            self._silent_until = time.monotonic() + _ASK_AGAIN_S
            _log.warning("run %s: its queue does not answer: %s", self._run, silent)
            if time.monotonic() - self._answered > _PATIENCE_S:
                raise QueueSilent(self._run, self._cluster.batch.name) from silent
        else:
            self._answered = time.monotonic()

    def give_up(self, *, for_ever: bool = False) -> None:
        """Take all that the run ever asked for out of the queue, whoever handed it over: it is not wanted any more.

        Parameters
        ----------
        for_ever : bool
            Whether the run is never tried again.

        Notes
        -----
        What says that it has ended is taken out, too: a job may say so and go on.
        """
        left = _open(self._files())
        try:
            for some in _parts(sorted({*self._keys, *map(self._turns.key, left)})):
                self._cluster.batch.cancel(some)
        except Unavailable as silent:
            _log.warning("run %s: what it had in its queue could not be cancelled: %s", self._run, silent)
            return
        if left and not for_ever:
            self._turns.next(left)
        else:
            self._turns.path.unlink(missing_ok=True)

    def _take_in(self) -> None:
        """Read the requests that are new, and forget those that have ended."""
        found = self._files()
        names = _open(found)
        for name in self._handed.keys() - names:
            del self._handed[name]
        for name in sorted(names - self._handed.keys()):
            if f"{name}{FAILED_SUFFIX}" in found:  # of a child before: it is asked for under another name
                continue
            request = self._read(name)
            if request is not None:
                self._handed[name] = _Handed(request, self._job(name, request))

    def _files(self) -> frozenset[str]:
        try:
            with PlainFolder(self._folder / JOBS) as jobs:
                return frozenset(jobs.names(_MOST_NAMES))
        except FileNotFoundError:
            return frozenset()

    def _read(self, name: str) -> Request | None:
        try:
            with PlainFolder(self._folder / JOBS) as jobs:
                written = jobs.read(f"{name}{SUFFIX}", MOST_BYTES + 1)
        except FileNotFoundError:  # it has just ended
            return None
        try:
            request = Request.of(written)
        except (ValueError, RecursionError) as broken:
            raise JobUnfit(self._run) from broken
        most = (self._cluster.cores, self._cluster.memory_gb * MB_PER_GB, self._cluster.gpus)
        needs = (request.cores, request.memory_mb, request.gpus)
        fits = all(need <= there for need, there in zip(needs, most, strict=True))
        if not (fits and request.lies_below(str(self._folder))):
            raise JobUnfit(self._run)
        return request

    def _job(self, name: str, request: Request) -> Job:
        return Job(
            key=self._turns.key(name),
            command=request.command,
            folder=Path(request.folder),
            environment=request.environment,
            log=self._folder / JOBS / f"{name}{LOG_SUFFIX}",
            cores=max(request.cores, 1),
            memory_mb=max(request.memory_mb, 1),
            gpus=request.gpus,
        )

    def _submit(self) -> None:
        new = [handed for handed in self._handed.values() if not handed.given][:_AT_ONCE]
        if new:
            self._keys |= {handed.job.key for handed in new}  # before: some may be taken though the answer is lost
            self._cluster.batch.submit([handed.job for handed in new])
            for handed in new:
                handed.given = True

    def _look(self) -> None:
        given = {handed.job.key: name for name, handed in self._handed.items() if handed.given}
        if not given:
            return
        seen = self._cluster.batch.look(list(given))
        gone = [name for key, name in given.items() if self._is_gone(self._handed[name], seen.get(key, _UNKNOWN))]
        if not gone:
            return
        for name in gone:
            if self._handed[name].attempts == _ATTEMPTS:
                raise JobLost(self._run, self._handed[name].request.step, self._cluster.batch.name, _ATTEMPTS)
        self._cluster.batch.cancel([self._handed[name].job.key for name in gone])  # what can't be read may be there yet
        self._turns.next(gone)
        for name in gone:
            before = self._handed[name]
            self._handed[name] = _Handed(before.request, self._job(name, before.request), attempts=before.attempts + 1)
            _log.warning("run %s: its queue lost a job of step %s, which is done again", self._run, before.request.step)

    def _is_gone(self, handed: _Handed, seen: JobSeen) -> bool:
        """Say whether a job is lost: twice in turn, since its end may be on its way to our side of the file system."""
        handed.missed = handed.missed + 1 if seen.state in _GONE else 0
        return handed.missed > 1


def _parts(keys: list[str]) -> Iterator[list[str]]:
    """Divide what would be too long for one command line."""
    for begin in range(0, len(keys), _MOST_AT_ONCE):
        yield keys[begin : begin + _MOST_AT_ONCE]


def _open(files: frozenset[str]) -> set[str]:
    """Return the names of requests that have not ended."""
    asked = {name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX)}
    return {name for name in asked if NAME.fullmatch(name) and f"{name}{EXIT_SUFFIX}" not in files}
