"""``run.ports.Batch`` and ``appliance.ports.Queue`` by condor_submit(1), condor_q(1), condor_rm(1) and the like."""

import shlex
from collections.abc import Mapping, Sequence

from voxpop.appliance.model import Load
from voxpop.backends.batch import (
    ACCOUNT,
    Ask,
    FrontEnd,
    JobRefused,
    Logs,
    QueueUnanswered,
    facts_of,
    job_script,
    plain_keys,
    seen,
)
from voxpop.backends.batch.htcondor.states import jobs_of, load_of
from voxpop.run.ports import Job, JobSeen

NAME = "htcondor"
_REFUSED = "REFUSED|"

_COMMON = """\
universe = vanilla
executable = /bin/sh
transfer_executable = false
should_transfer_files = NO
getenv = false
notification = never
initialdir = /
job_lease_duration = 20
periodic_remove = JobStatus == 5
"""
"""The lease: how long a worker may be silent before its job is idle again. Held is what would wait for ever."""

_TAKE = """\
exec 9<{folder} && flock -w 30 9 || exit 75
known=$(condor_q -constraint 'VoxpopKey isnt undefined' -af VoxpopKey) || exit 69
new=
take() {{ # key log description script
  case "
$known
" in *"
$1
"*) return;; esac
  [ -e "$2.exit" ] && return
  printf '%s' "$4" >"$2.sh" || exit 74
  new="$new$3"
}}
"""
_SUBMIT = """\
if [ -n "$new" ]; then
  told=$({{ printf '%s' {common}; printf '%s' "$new"; }} | condor_submit -terse - 2>&1 >/dev/null) || case "$told" in
    *[Ii]nvalid*|*'not defined'*|*'Parse error'*)
      printf '{refused}%s\\n' "$(printf '%s' "$told" | tail -n 1)"; echo END; exit 0;;
    *) printf '%s\\n' "$told" >&2; exit 69;;
  esac
fi
"""
_JOBS = """\
jobs=$(condor_q -constraint 'VoxpopKey isnt undefined' -af VoxpopKey JobStatus NumJobStarts RemoteHost) || exit 69
printf '%s\\n' "$jobs" | sed 's/^/job /'
"""
_CANCEL = """\
found=$(condor_q -constraint {those} -af VoxpopKey) || exit 69
[ -z "$found" ] || condor_rm -constraint {those} >/dev/null 2>&1 ||
  [ -z "$(condor_q -constraint {those} -af VoxpopKey)" ] || exit 69
"""
_LOAD = """\
jobs=$(condor_q -allusers -af JobStatus RequestGPUs) || exit 69
slots=$(condor_status -af Machine SlotType State Activity Draining 'time() - LastHeardFrom') || exit 69
printf '%s\\n' "$jobs" | sed 's/^/job /'
printf '%s\\n' "$slots" | sed 's/^/slot /'
"""


class HTCondor:
    """HTCondor of an appliance.

    Parameters
    ----------
    ask : callable
        Does a command on the front end as root.
    account : str
        Whose jobs these are.
    """

    def __init__(self, ask: Ask, account: str = ACCOUNT) -> None:
        self._front = FrontEnd(NAME, ask, account)
        self._logs = Logs()

    @property
    def name(self) -> str:
        """``htcondor``; stands in the run's record."""
        return NAME

    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand jobs over, each once by its key: one that HTCondor knows, or that has ended, is left as it is.

        Raises
        ------
        QueueUnanswered
            If HTCondor does not answer; some of the jobs may have been taken, and the same call again is right.
        JobRefused
            If it will not ever do one of them.
        """
        if not jobs:
            return
        self._logs.note(jobs)
        begin = _TAKE.format(folder=shlex.quote(str(jobs[0].log.parent)))
        end = _SUBMIT.format(common=shlex.quote(_COMMON), refused=_REFUSED)
        for line in self._front.do(begin + "".join(map(_take, jobs)) + end):
            if line.startswith(_REFUSED):
                raise JobRefused(NAME, line.removeprefix(_REFUSED))

    def look(self, keys: Sequence[str]) -> Mapping[str, JobSeen]:
        """Return where each of these jobs is.

        LOST is one that HTCondor does not know and whose end nobody wrote down; that is looked for beside the log of a
        job that was handed over here.

        Raises
        ------
        QueueUnanswered
            If HTCondor does not answer: no job is then known to have ended.
        """
        lines = self._front.do(_JOBS + self._logs.facts_script(keys))
        return seen(keys, jobs_of(lines), facts_of(lines))

    def cancel(self, keys: Sequence[str]) -> None:
        """End jobs, or take them out of the queue; one that has ended, or is unknown, is left as it is.

        Raises
        ------
        QueueUnanswered
            If HTCondor does not answer.
        """
        plain = plain_keys(keys)
        if plain:
            names = ", ".join(f'"{key}"' for key in plain)
            those = shlex.quote(f"member(VoxpopKey, {{{names}}}) && JobStatus =!= 3")
            self._front.do(self._logs.marks_script(plain) + _CANCEL.format(those=those))

    def load(self) -> Load:
        """Return what there is to do.

        Raises
        ------
        QueueUnanswered
            If HTCondor does not answer, or what it says can't be read.
        """
        try:
            return load_of(self._front.do_as_root(_LOAD))
        except ValueError as strange:
            raise QueueUnanswered(NAME, str(strange)) from strange

    def drain(self, names: Sequence[str]) -> None:
        """Give these no further job; what runs on them goes on."""
        self._each(names, "condor_off -peaceful -daemon startd -constraint 'Machine == \"{name}\"' >&2 || exit 69\n")

    def forget(self, names: Sequence[str]) -> None:
        """Hear that these are gone: their jobs are run again elsewhere, and the collector drops what they said."""
        self._each(
            names,
            "condor_vacate_job -fast -constraint 'regexp(\"@{name}([.]|$)\", RemoteHost)' >/dev/null 2>&1\n"
            "printf '%s\\n' 'MyType = \"Query\"' 'TargetType = \"Machine\"' "
            "'Requirements = regexp(\"^{name}([.]|$)\", Machine)' | condor_advertise INVALIDATE_STARTD_ADS - >&2 "
            "|| exit 69\n",
        )

    def _each(self, names: Sequence[str], line: str) -> None:
        plain = plain_keys(names)
        if plain:
            self._front.do_as_root("".join(line.replace("{name}", name) for name in plain))


def _take(job: Job) -> str:
    script = str(job.log) + ".sh"
    needs = {"request_cpus": job.cores, "request_memory": job.memory_mb, "request_gpus": job.gpus}
    lines = [
        f"arguments = {_argument(script)}",
        f'My.VoxpopKey = "{job.key}"',
        f"batch_name = {job.key}",
        *(f"{name} = {value}" for name, value in needs.items() if value),
        "queue",
    ]
    if not job.gpus:
        lines.insert(-1, "request_gpus = 0")  # what a job before it asked for is said until it is said otherwise
    return shlex.join(["take", job.key, str(job.log), "\n".join(lines) + "\n", job_script(job)]) + "\n"


def _argument(word: str) -> str:
    # condor_submit(1), arguments, the new syntax
    inner = word.replace("'", "''").replace('"', '""')
    return f"\"'{inner}'\""


def open_batch(ask: Ask, account: str = ACCOUNT) -> HTCondor:
    """Open the HTCondor of an appliance; it is asked when it is first needed."""
    return HTCondor(ask, account)
