"""Batch queues: what they have in common.

A job is a small script. It says in ``<log>.began`` that it begins, does its command, and puts the exit code into
``<log>.exit``, whole or not at all: so an end is known when the queue has forgotten it, and nothing else is an end.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from voxpop.appliance.model import Load
from voxpop.appliance.ports import Said
from voxpop.kernel.errors import Refused, Unavailable
from voxpop.run.ports import Job, JobSeen, JobState

Ask: TypeAlias = Callable[[Sequence[str], str], Said]
"""Does a command on the front end as root, with this on its standard input."""

ACCOUNT = "project"
"""Whose jobs the runs of an appliance are."""

REFUSED = "REFUSED|"
"""Begins the line of a script that tells of a job which the queue will not ever do."""

_END = "END"
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,62}")
_CODE = re.compile(r"[0-9]{1,3}")
_MOST_CODE = 255
_SIGN = "|"

_BEGIN = """\
exec 9<{folder} && flock -w 30 9 || exit 75
is_new() {{ # key log: neither does the queue know it, as $known says, nor has it ended
  case "
$known
" in *"
$1
"*) return 1;; esac
  [ ! -e "$2.exit" ]
}}
"""
"""One process at a time hands jobs over that have their logs in a folder."""

_FACT = """\
fact() {
  code=; began=; cancelled=
  [ -f "$2.exit" ] && code=$(head -c 8 "$2.exit")
  [ -f "$2.began" ] && began=$(head -c 16384 "$2.began" | cut -d ' ' -f 1 | tr '\\n' ' ')
  [ -e "$(dirname "$2")/$1.cancelled" ] && cancelled=yes
  printf 'fact|%s|%s|%s|%s\\n' "$1" "$code" "$cancelled" "$began"
}
"""
_MARK = """\
mark() {
  beside=$(dirname "$2")
  [ -e "$2.exit" ] || [ ! -d "$beside" ] || true >"$beside/$1.cancelled" || [ ! -d "$beside" ] || exit 74
}
"""


class QueueUnanswered(Unavailable):
    """A queue does not answer, or what it says can't be read."""

    code = "queue-unanswered"

    def __init__(self, queue: str, told: str) -> None:
        last = told.strip().splitlines()[-1:] or ["it said nothing"]
        super().__init__(f"queue '{queue}' does not answer as it should: {last[0][:300]}")
        self.queue = queue


class JobRefused(Refused):
    """A queue will not ever do a job."""

    code = "job-refused"

    def __init__(self, queue: str, told: str) -> None:
        last = told.strip().splitlines()[-1:] or ["it did not say why"]
        super().__init__(f"queue '{queue}' refused a job: {last[0][:300]}")
        self.queue = queue


@dataclass(frozen=True, slots=True)
class Fact:
    """What the files beside a job's log say of it."""

    exit_code: int | None
    cancelled: bool
    nodes: tuple[str, ...]


class FrontEnd:
    """Where a queue is asked, in scripts of the shell.

    Parameters
    ----------
    queue : str
        What the queue is called.
    account : str
        Who asks for jobs; empty for who is there already.
    """

    def __init__(self, queue: str, ask: Ask, account: str = ACCOUNT) -> None:
        self.account = account
        self._queue = queue
        self._ask = ask

    def do(self, script: str) -> list[str]:
        """Do a script as the account, and return its lines.

        Raises
        ------
        QueueUnanswered
            If it does not come to its end.
        """
        words = ["runuser", "-u", self.account, "--", "/bin/sh", "-s"] if self.account else ["/bin/sh", "-s"]
        return self._lines(words, script)

    def do_as_root(self, script: str) -> list[str]:
        """Do a script as root, and return its lines.

        Raises
        ------
        QueueUnanswered
            If it does not come to its end.
        """
        return self._lines(["/bin/sh", "-s"], script)

    def _lines(self, words: Sequence[str], script: str) -> list[str]:
        said = self._ask(words, f"cd /\n{script}echo {_END}\n")
        lines = said.stdout.splitlines()
        if said.exit_code != 0 or lines[-1:] != [_END]:
            raise QueueUnanswered(self._queue, said.stderr or said.stdout)
        return lines[:-1]


class Dialect(Protocol):
    """What a queue's own commands are, written as parts of scripts of the shell."""

    def take(self, jobs: Sequence[Job]) -> str:
        """Hand jobs over that are new (see ``is_new``); a line that begins with ``REFUSED`` says why one never is."""
        ...

    def jobs(self) -> str:
        """Tell where all jobs are."""
        ...

    def cancel(self, keys: Sequence[str]) -> str:
        """End jobs, or take them out of the queue."""
        ...

    def load(self) -> str:
        """Tell what there is to do."""
        ...

    def drain(self, names: Sequence[str]) -> str:
        """Give workers no further job."""
        ...

    def forget(self, names: Sequence[str]) -> str:
        """Let the queue know that workers are gone."""
        ...

    def read_jobs(self, lines: Sequence[str]) -> Mapping[str, JobSeen]:
        """Read what ``jobs`` told."""
        ...

    def read_load(self, lines: Sequence[str]) -> Load:
        """Read what ``load`` told, or raise ``ValueError``."""
        ...


class ScriptedQueue:
    """``run.ports.Batch`` and ``appliance.ports.Queue`` by a queue's own commands on the front end.

    Parameters
    ----------
    name : str
        What the queue is called.
    ask : callable
        Does a command on the front end as root.
    account : str
        Whose jobs these are; empty for who is there already.
    """

    def __init__(self, name: str, dialect: Dialect, ask: Ask, account: str) -> None:
        self._name = name
        self._dialect = dialect
        self._front = FrontEnd(name, ask, account)
        self._logs = Logs()

    @property
    def name(self) -> str:
        """What the queue is called; stands in the run's record."""
        return self._name

    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand jobs over, each once by its key: one that the queue knows, or that has ended, is left as it is.

        Raises
        ------
        QueueUnanswered
            If the queue does not answer; some of the jobs may have been taken, and the same call again is right.
        JobRefused
            If it will not ever do one of them.
        """
        if not jobs:
            return
        self._logs.note(jobs)
        begin = _BEGIN.format(folder=shlex.quote(str(jobs[0].log.parent)))
        for line in self._front.do(begin + self._dialect.take(jobs)):
            if line.startswith(REFUSED):
                raise JobRefused(self._name, line.removeprefix(REFUSED))

    def look(self, keys: Sequence[str]) -> Mapping[str, JobSeen]:
        """Return where each of these jobs is.

        LOST is one that the queue does not know and whose end nobody wrote down; that is looked for beside the log of a
        job that was handed over here.

        Raises
        ------
        QueueUnanswered
            If the queue does not answer: no job is then known to have ended.
        """
        lines = self._front.do(self._dialect.jobs() + self._logs.facts_script(keys))
        return seen(keys, self._dialect.read_jobs(lines), facts_of(lines))

    def cancel(self, keys: Sequence[str]) -> None:
        """End jobs, or take them out of the queue; one that has ended, or is unknown, is left as it is.

        Raises
        ------
        QueueUnanswered
            If the queue does not answer.
        """
        plain = plain_keys(keys)
        if plain:
            self._front.do(self._logs.marks_script(plain) + self._dialect.cancel(plain))

    def load(self) -> Load:
        """Return what there is to do.

        Raises
        ------
        QueueUnanswered
            If the queue does not answer, or what it says can't be read.
        """
        try:
            return self._dialect.read_load(self._front.do_as_root(self._dialect.load()))
        except ValueError as strange:
            raise QueueUnanswered(self._name, str(strange)) from strange

    def drain(self, names: Sequence[str]) -> None:
        """Give these no further job; what runs on them goes on."""
        self._about(names, self._dialect.drain)

    def forget(self, names: Sequence[str]) -> None:
        """Hear that these are gone: their jobs are run again elsewhere, and the names can come back."""
        self._about(names, self._dialect.forget)

    def _about(self, names: Sequence[str], write: Callable[[Sequence[str]], str]) -> None:
        plain = plain_keys(names)
        if plain:
            self._front.do_as_root(write(plain))


class Logs:
    """Where the log of each job is that was handed over here; what lies beside it says how the job ended."""

    def __init__(self) -> None:
        self._known: dict[str, Path] = {}

    def note(self, jobs: Sequence[Job]) -> None:
        """Keep where the logs of jobs are.

        Raises
        ------
        ValueError
            If a key is none.
        """
        for job in jobs:
            if not _KEY.fullmatch(job.key):
                raise ValueError(job.key)
            self._known[job.key] = job.log

    def facts_script(self, keys: Sequence[str]) -> str:
        """Write the part of a script that tells what lies beside the logs; it comes after the queue was asked."""
        return _FACT + "".join(self._calls("fact", keys))

    def marks_script(self, keys: Sequence[str]) -> str:
        """Write the part of a script that marks jobs which have not ended as cancelled."""
        return _MARK + "".join(self._calls("mark", keys))

    def _calls(self, function: str, keys: Sequence[str]) -> Iterator[str]:
        for key in keys:
            if key in self._known:
                yield f"{function} {key} {shlex.quote(str(self._known[key]))}\n"


def plain_keys(keys: Sequence[str]) -> list[str]:
    """Return those that can be keys: no other job was ever handed over."""
    return [key for key in keys if _KEY.fullmatch(key)]


def facts_of(lines: Sequence[str]) -> dict[str, Fact]:
    """Read what ``facts_script`` told, out of a script's lines."""
    found = {}
    for line in lines:
        kind, *rest = line.split(_SIGN)
        if kind == "fact" and len(rest) == 4:
            key, code, cancelled, began = rest
            nodes = tuple(node if _NODE.fullmatch(node) else "" for node in began.split())
            found[key] = Fact(_exit_code(code), cancelled == "yes", nodes)
    return found


def seen(keys: Sequence[str], told: Mapping[str, JobSeen], facts: Mapping[str, Fact]) -> dict[str, JobSeen]:
    """Say where jobs are: what lies beside the log says that one has ended, else the queue says where it is."""
    return {key: _seen(told.get(key, JobSeen(JobState.LOST)), facts.get(key, Fact(None, False, ()))) for key in keys}


def job_script(job: Job, node: str = "${SLURMD_NODENAME:-$(hostname)}", *, before: Sequence[str] = ()) -> str:
    """Write a job as a script.

    Parameters
    ----------
    node : str
        What the shell makes the worker's name of.
    before : sequence of str
        Stands before the command.
    """
    variables = [f"{name}={value}" for name, value in sorted(job.environment.items())]
    command = shlex.join([*before, "env", "-i", *variables, *job.command])
    return f"""\
#!/bin/sh
export PATH=/usr/local/bin:/usr/bin:/bin
log={shlex.quote(str(job.log))}
mine="{node} $$ $(date +%s%N)"
printf '%s\\n' "$mine" >>"$log.began" || exit 74
exec >>"$log" 2>&1 </dev/null
cd {shlex.quote(str(job.folder))} || exit 74
{command} &
command=$!
trap 'kill -TERM "$command" 2>/dev/null; wait "$command"; exit 0' TERM INT HUP  # what it began ends before it
wait "$command"
code=$?
trap '' TERM INT HUP
[ "$(tail -n 1 "$log.began")" = "$mine" ] || exit 0  # it was begun elsewhere since
printf '%s\\n' "$code" >"$log.exit.part" && mv "$log.exit.part" "$log.exit"
exit 0
"""


def _seen(told: JobSeen, fact: Fact) -> JobSeen:
    node = fact.nodes[-1] if fact.nodes else told.node
    attempts = max(len(fact.nodes), told.attempts)
    if fact.cancelled:
        return JobSeen(JobState.CANCELLED, None, node, attempts)
    if fact.exit_code is not None:
        return JobSeen(JobState.DONE, fact.exit_code, node, attempts)
    return JobSeen(told.state, None, node, attempts)


def _exit_code(text: str) -> int | None:
    return int(text) if _CODE.fullmatch(text) and int(text) <= _MOST_CODE else None
