"""The child's side of a queue: hands commands to the parent, and waits for their ends."""

import re
import shlex
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from voxpop.backends.jobs.cwltool.request import (
    BEGAN_SUFFIX,
    EXIT_SUFFIX,
    FAILED_SUFFIX,
    JOBS,
    LOG_SUFFIX,
    MOST_BYTES,
    SUFFIX,
    Request,
)
from voxpop.backends.jobs.cwltool.spec import write_whole
from voxpop.kernel.digests import sha256_json

_LOOK_EVERY_S = 0.05
_DIGITS = 32
_MOST_LOG_BYTES = 10_000_000
_MOST_BEGUN = 1000
_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,62}")

_AS_IT_WAS = """\
before=$1; shift
if [ -e "$before" ]; then
  find . "$TMPDIR" -mindepth 1 -delete && cp -a "$before/." . || exit 71
else
  rm -rf "$before.part" && cp -a . "$before.part" && mv "$before.part" "$before" || exit 71
fi
"""
"""A job that is begun again, after its worker was lost, finds its folder as the first one found it; 71 is EX_OSERR."""


@dataclass(frozen=True, slots=True)
class Streams:
    """Where a command's streams go; None leaves input empty, and puts output into the job's log."""

    stdin: str | None = None
    stdout: str | None = None
    stderr: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A command as cwltool would start it.

    Parameters
    ----------
    before : Path
        Where a copy of its folder is put, as it was before.
    limit_s : int, optional
        How long it may run.
    """

    step: str
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    streams: Streams
    before: Path
    cores: int
    memory_mb: int
    gpus: int
    limit_s: int | None = None

    def request(self) -> Request:
        """Write it as one command."""
        words = ["timeout", str(self.limit_s), *self.command] if self.limit_s else list(self.command)
        arrows = {"<": self.streams.stdin, ">": self.streams.stdout, "2>": self.streams.stderr}
        redirected = " ".join(f"{arrow}{shlex.quote(path)}" for arrow, path in arrows.items() if path is not None)
        script = f'{_AS_IT_WAS}exec "$@" {redirected}\n'
        own = {"MPLCONFIGDIR": f"{self.environment['TMPDIR']}/matplotlib"}  # the child's may go while this one runs
        return Request(
            step=self.step,
            command=("/bin/sh", "-c", script, "job", str(self.before), *words),
            folder=str(self.folder),
            environment={**self.environment, **own},
            cores=self.cores,
            memory_mb=self.memory_mb,
            gpus=self.gpus,
        )


class GivenUp(Exception):
    """What a command would have come to is not wanted any more."""


class Outbox:
    """Hands commands over and waits for their exit codes; one thread looks for all of them.

    Parameters
    ----------
    run : str
        Two runs never have a name in common.
    folder : Path
        The run's own folder.
    queue : str
        What the queue is called.
    """

    def __init__(self, run: str, folder: Path, queue: str) -> None:
        self.queue = queue
        self._run = run
        self._folder = folder / JOBS
        self._folder.mkdir(exist_ok=True)
        self._ended = threading.Condition()
        self._waiting: set[str] = set()
        self._given_up = False
        threading.Thread(target=self._watch, name="queue", daemon=True).start()

    def name(self, key: str, indices: Sequence[int]) -> str:
        """Name an execution; one that did not end well has another name when it is tried again."""
        digest = sha256_json({"run": self._run, "key": key, "indices": list(indices)})[:_DIGITS]
        count = 0
        while (self._folder / f"{digest}-{count}{FAILED_SUFFIX}").exists():
            count += 1
        return f"{digest}-{count}"

    def knows(self, name: str) -> bool:
        """Say whether it was handed over before, by a child that was killed."""
        return (self._folder / f"{name}{SUFFIX}").is_file()

    def carry_out(self, name: str, ask: Ask, log: BinaryIO) -> int:
        """Hand a command over, unless it was before; wait for its end, and return its exit code.

        Raises
        ------
        OSError
            If it is too long for a queue.
        GivenUp
            If another command of the run has failed, so that nobody waits for this one any more.
        """
        if not self.knows(name):
            text = ask.request().text()
            if len(text) > MOST_BYTES:
                raise OSError(f"the command line of step '{ask.step}' is too long for a queue")
            write_whole(self._folder / f"{name}{SUFFIX}", text)
        exit_code = self._end_of(name)
        with (self._folder / f"{name}{LOG_SUFFIX}").open("rb") as written:
            log.write(written.read(_MOST_LOG_BYTES))
        log.flush()
        return exit_code

    def begun(self, name: str) -> list[str]:
        """Return the worker of each time that it was begun; empty for one that has no name, or none of a worker."""
        lines = self._text(f"{name}{BEGAN_SUFFIX}").splitlines()[:_MOST_BEGUN]
        nodes = (line.partition(" ")[0] for line in lines)
        return [node if _NODE.fullmatch(node) else "" for node in nodes]

    def done(self, name: str) -> None:
        """Forget an execution that is recorded; the request goes first, so that nobody takes it for a new one."""
        for path in (self._folder / f"{name}{SUFFIX}", *self._folder.glob(f"{name}.*")):
            path.unlink(missing_ok=True)

    def failed(self, name: str) -> None:
        """Let an execution be done anew when the run is tried again, and wait for no other."""
        (self._folder / f"{name}{FAILED_SUFFIX}").touch()
        with self._ended:
            self._given_up = True
            self._ended.notify_all()

    def _end_of(self, name: str) -> int:
        with self._ended:
            self._waiting.add(name)
            self._ended.wait_for(lambda: name not in self._waiting or self._given_up)
            if name in self._waiting:
                raise GivenUp
        return int(self._text(f"{name}{EXIT_SUFFIX}"))

    def _watch(self) -> None:
        while True:
            with self._ended:
                waiting = tuple(self._waiting)
            ended = {name for name in waiting if (self._folder / f"{name}{EXIT_SUFFIX}").exists()}
            if ended:
                with self._ended:
                    self._waiting -= ended
                    self._ended.notify_all()
            time.sleep(_LOOK_EVERY_S)

    def _text(self, name: str) -> str:
        path = self._folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
