"""``run.ports.Batch`` and ``appliance.ports.Queue`` by sbatch(1), squeue(1), scancel(1), sinfo(1) and scontrol(1)."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from voxpop.appliance.model import Load
from voxpop.backends.batch import ACCOUNT, REFUSED, Ask, ScriptedQueue, job_script
from voxpop.backends.batch.slurm.states import jobs_of, load_of
from voxpop.run.ports import Job, JobSeen

NAME = "slurm"

_TAKE = """\
known=$(squeue -h -t all {whose} -o '%j') || exit 69
take() {{ # key log options script
  is_new "$1" "$2" || return 0
  told=$(printf '%s' "$4" | sbatch --parsable --job-name="$1" $3 2>&1 >/dev/null) && return
  case "$told" in
    *'node configuration'*|*'Invalid'*|*'Memory required'*|*'More processors'*|*'limit'*)
      printf '{refused}%s\\n' "$(printf '%s' "$told" | tail -n 1)"; echo END; exit 0;;
  esac
  printf '%s\\n' "$told" >&2; exit 69
}}
"""
_JOBS = "jobs=$(squeue -h -t all {whose} -o 'job|%j|%t|%N|%r') || exit 69\nprintf '%s\\n' \"$jobs\"\n"
_CANCEL = """\
list=$(squeue -h {whose} -o '%j %i') || exit 69
ids=$(printf '%s\\n' "$list" | while read -r name id; do
  case " {keys} " in *" $name "*) echo "$id";; esac
done)
[ -z "$ids" ] || scancel $ids || [ -z "$(squeue -h -j "$(echo $ids | tr ' ' ',')" -o %i 2>/dev/null)" ] || exit 69
"""
_LOAD = """\
jobs=$(squeue -h -o 'job|%j|%t|%N|%r|%b') || exit 69
nodes=$(sinfo -h -N -o 'node|%N|%T') || exit 69
# what died and is powered down stays down until somebody says that its name can come back
gone=$(printf '%s\\n' "$nodes" | sed -n 's/^node|\\(.*\\)|down[*]*~$/\\1/p' | paste -sd , -)
[ -z "$gone" ] || scontrol update nodename="$gone" state=resume || exit 69
printf '%s\\n' "$jobs" "$nodes"
"""
_OPTIONS = "--export=NIL --output=/dev/null --chdir=/ --nodes=1 --ntasks=1 --requeue --open-mode=append"
"""NIL: no environment of the front end, and none of a login on the worker; the job brings its own."""


class Slurm(ScriptedQueue):
    """Slurm of an appliance, or one that others keep.

    Parameters
    ----------
    ask : callable
        Does a command on the front end as root.
    account : str
        Whose jobs these are; empty for who is there already.
    """

    def __init__(self, ask: Ask, account: str = ACCOUNT) -> None:
        super().__init__(NAME, _Dialect(f"-u {account}" if account else "--me"), ask, account)


@dataclass(frozen=True, slots=True)
class _Dialect:
    """What Slurm is told, as ``backends.batch.Dialect`` says.

    Parameters
    ----------
    whose : str
        The option that names whose jobs are meant.
    """

    whose: str

    def take(self, jobs: Sequence[Job]) -> str:
        return _TAKE.format(whose=self.whose, refused=REFUSED) + "".join(map(_take, jobs))

    def jobs(self) -> str:
        return _JOBS.format(whose=self.whose)

    def cancel(self, keys: Sequence[str]) -> str:
        return _CANCEL.format(whose=self.whose, keys=" ".join(keys))

    def load(self) -> str:
        return _LOAD

    def drain(self, names: Sequence[str]) -> str:
        return _update(names, "state=drain reason=idle")

    def forget(self, names: Sequence[str]) -> str:
        return _update(names, "state=down reason=gone", "state=power_down_force")

    def read_jobs(self, lines: Sequence[str]) -> Mapping[str, JobSeen]:
        return jobs_of(lines)

    def read_load(self, lines: Sequence[str]) -> Load:
        return load_of(lines)


def _update(names: Sequence[str], *changes: str) -> str:
    which = ",".join(names)
    return "".join(f"scontrol update nodename={which} {change} || exit 69\n" for change in changes)


def _take(job: Job) -> str:
    options = f"{_OPTIONS} --cpus-per-task={job.cores} --mem={job.memory_mb}M"
    if job.gpus:
        options += f" --gres=gpu:{job.gpus}"
    return shlex.join(["take", job.key, str(job.log), options, job_script(job)]) + "\n"
