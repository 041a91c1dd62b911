"""``run.ports.Batch`` and ``appliance.ports.Queue`` by condor_submit(1), condor_q(1), condor_rm(1) and the like."""

import shlex
from collections.abc import Mapping, Sequence

from voxpop.appliance.model import Load
from voxpop.backends.batch import ACCOUNT, REFUSED, Ask, ScriptedQueue, job_script
from voxpop.backends.batch.htcondor.states import jobs_of, load_of
from voxpop.run.ports import Job, JobSeen

NAME = "htcondor"

_COMMON = """\
universe = vanilla
executable = /bin/sh
transfer_executable = false
should_transfer_files = NO
getenv = false
notification = never
initialdir = /
job_lease_duration = 20
periodic_remove = JobStatus == 5 && time() - EnteredCurrentStatus > 10
"""
"""The lease: how long a worker may be silent before its job is idle again. What stays held would wait for ever."""

_TAKE = """\
known=$(condor_q -constraint 'VoxpopKey isnt undefined' -af VoxpopKey) || exit 69
new=
take() { # key log description script
  is_new "$1" "$2" || return 0
  printf '%s' "$4" >"$2.sh" || exit 74
  new="$new$3"
}
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
_DRAIN = """\
condor_off -peaceful -daemon startd -constraint 'Machine == "{name}"' >&2 || exit 69
"""
_FORGET = """\
# a shadow calls for a machine that is gone for a minute, and one that is ended is begun anew for the same machine,
# unless its job is held in between; what one that was killed has held is released with the next
jobs=$(condor_q -allusers -constraint 'regexp("@{name}([.]|$)", RemoteHost)' -af 'strcat(ClusterId, ".", ProcId)')
if [ -n "$jobs" ]; then
  condor_hold -reason 'its worker is gone' $jobs >&2
  for job in $jobs; do pkill -KILL -f "^condor_shadow $job "; done
fi
condor_release -constraint 'regexp("^its worker is gone", HoldReason)' >/dev/null 2>&1
printf '%s\\n' 'MyType = "Query"' 'TargetType = "Machine"' 'Requirements = regexp("^{name}([.]|$)", Machine)' |
  condor_advertise INVALIDATE_STARTD_ADS - >&2 || exit 69
"""


class HTCondor(ScriptedQueue):
    """HTCondor of an appliance, or one that others keep.

    Parameters
    ----------
    ask : callable
        Does a command on the front end as root.
    account : str
        Whose jobs these are; empty for who is there already.
    """

    def __init__(self, ask: Ask, account: str = ACCOUNT) -> None:
        super().__init__(NAME, _Dialect(), ask, account)


class _Dialect:
    """What HTCondor is told, as ``backends.batch.Dialect`` says."""

    def take(self, jobs: Sequence[Job]) -> str:
        return _TAKE + "".join(map(_take, jobs)) + _SUBMIT.format(common=shlex.quote(_COMMON), refused=REFUSED)

    def jobs(self) -> str:
        return _JOBS

    def cancel(self, keys: Sequence[str]) -> str:
        names = ", ".join(f'"{key}"' for key in keys)
        return _CANCEL.format(those=shlex.quote(f"member(VoxpopKey, {{{names}}}) && JobStatus =!= 3"))

    def load(self) -> str:
        return _LOAD

    def drain(self, names: Sequence[str]) -> str:
        return "".join(_DRAIN.replace("{name}", name) for name in names)

    def forget(self, names: Sequence[str]) -> str:
        return "".join(_FORGET.replace("{name}", name) for name in names)

    def read_jobs(self, lines: Sequence[str]) -> Mapping[str, JobSeen]:
        return jobs_of(lines)

    def read_load(self, lines: Sequence[str]) -> Load:
        return load_of(lines)


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
