"""A queue of one worker, this machine, in the order of submission."""

import os
import shutil
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from voxpop.backends import process
from voxpop.backends.batch import ACCOUNT, Ask, job_script
from voxpop.backends.process import Child
from voxpop.kernel.plainfiles import read_plain
from voxpop.run.ports import Job, JobSeen, JobState

NAME = "local"
_MOST_CODE = 255
_NOBODY = "-"
"""Stands for this machine, whose name is nobody's business."""


@dataclass(slots=True)
class _Known:
    job: Job
    state: JobState = JobState.WAITING
    child: Child | None = None
    attempts: int = 0


class LocalBatch:
    """``run.ports.Batch`` on this machine.

    Parameters
    ----------
    cores : int
        Jobs that run at one time have no more than this together.
    """

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._free = cores
        self._jobs: dict[str, _Known] = {}
        self._waiting: deque[str] = deque()
        self._changed = threading.Condition()
        self._threads = 0

    @property
    def name(self) -> str:
        """``local``; stands in the run's record."""
        return NAME

    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand jobs over, each once by its key: one that is known, or has ended, is left as it is."""
        with self._changed:
            for job in jobs:
                if job.key not in self._jobs and _exit_code(job) is None:
                    self._waiting.append(job.key)
                self._jobs.setdefault(job.key, _Known(job))
            self._start_threads()
            self._changed.notify_all()

    def look(self, keys: Sequence[str]) -> Mapping[str, JobSeen]:
        """Return where each of these jobs is; LOST for one that was never handed over."""
        with self._changed:
            return {key: self._seen(key) for key in keys}

    def cancel(self, keys: Sequence[str]) -> None:
        """End jobs, or take them out of the queue; one that has ended, or is unknown, is left as it is."""
        with self._changed:
            known = [self._jobs[key] for key in keys if key in self._jobs]
            going = [one for one in known if _exit_code(one.job) is None]
            for one in going:
                one.state = JobState.CANCELLED
        for one in going:
            if one.child is not None:
                one.child.terminate()

    def _seen(self, key: str) -> JobSeen:
        known = self._jobs.get(key)
        if known is None:
            return JobSeen(JobState.LOST)
        exit_code = None if known.state is JobState.CANCELLED else _exit_code(known.job)
        if exit_code is not None:
            return JobSeen(JobState.DONE, exit_code, "", max(known.attempts, 1))
        return JobSeen(known.state, None, "", known.attempts)

    def _start_threads(self) -> None:
        # each waits for the one job that it started, as who starts a process here has to stay as long as it does
        while self._threads < min(self._cores, len(self._jobs)):
            self._threads += 1
            threading.Thread(target=self._work, name="local queue", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._next_fits)
                known = self._jobs[self._waiting.popleft()]
                if known.state is JobState.CANCELLED:
                    continue
                cores = self._needs(known)
                self._free -= cores
                known.state, known.attempts = JobState.RUNNING, known.attempts + 1
                known.child = _started(known.job)
            known.child.wait()
            with self._changed:
                self._free += cores
                if known.state is not JobState.CANCELLED:
                    known.state = JobState.LOST  # unless there is an exit code
                self._changed.notify_all()

    def _next_fits(self) -> bool:
        return bool(self._waiting) and self._needs(self._jobs[self._waiting[0]]) <= self._free

    def _needs(self, known: _Known) -> int:
        return min(known.job.cores, self._cores)


def _started(job: Job) -> Child:
    script = job_script(job, _NOBODY, before=_dies_with_script())
    # no file of the script's own: what lies beside the log belongs to the run
    return process.start(["/bin/sh", "-c", script], cwd=Path("/"))


def _dies_with_script() -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()


def _exit_code(job: Job) -> int | None:
    try:
        written = read_plain(job.log.parent, f"{job.log.name}.exit")
    except FileNotFoundError:
        return None
    text = written[:8].decode("ascii", errors="replace").strip()
    return int(text) if text.isdecimal() and int(text) <= _MOST_CODE else None


def open_batch(ask: Ask | None = None, account: str = ACCOUNT) -> LocalBatch:
    """Open this machine as a queue; there is nobody to ask."""
    del ask, account
    return LocalBatch(os.cpu_count() or 1)
