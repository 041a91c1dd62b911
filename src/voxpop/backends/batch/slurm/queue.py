"""``run.ports.Batch`` and ``appliance.ports.Queue`` by sbatch(1), squeue(1), scancel(1), sinfo(1) and scontrol(1)."""

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
from voxpop.backends.batch.slurm.states import jobs_of, load_of
from voxpop.run.ports import Job, JobSeen

NAME = "slurm"
_REFUSED = "REFUSED|"

_TAKE = """\
exec 9<{folder} && flock -w 30 9 || exit 75
known=$(squeue -h -t all {whose} -o '%j') || exit 69
take() {{ # key log options script
  case "
$known
" in *"
$1
"*) return;; esac
  [ -e "$2.exit" ] && return
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


class Slurm:
    """Slurm of an appliance.

    Parameters
    ----------
    ask : callable
        Does a command on the front end as root.
    account : str
        Whose jobs these are.
    """

    def __init__(self, ask: Ask, account: str = ACCOUNT) -> None:
        self._front = FrontEnd(NAME, ask, account)
        self._whose = f"-u {account}" if account else "--me"
        self._logs = Logs()

    @property
    def name(self) -> str:
        """``slurm``; stands in the run's record."""
        return NAME

    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand jobs over, each once by its key: one that Slurm knows, or that has ended, is left as it is.

        Raises
        ------
        QueueUnanswered
            If Slurm does not answer; some of the jobs may have been taken, and the same call again is right.
        JobRefused
            If it will not ever do one of them.
        """
        if not jobs:
            return
        self._logs.note(jobs)
        folder = shlex.quote(str(jobs[0].log.parent))
        begin = _TAKE.format(folder=folder, whose=self._whose, refused=_REFUSED)
        for line in self._front.do(begin + "".join(map(_take, jobs))):
            if line.startswith(_REFUSED):
                raise JobRefused(NAME, line.removeprefix(_REFUSED))

    def look(self, keys: Sequence[str]) -> Mapping[str, JobSeen]:
        """Return where each of these jobs is.

        LOST is one that Slurm does not know and whose end nobody wrote down; that is looked for beside the log of a
        job that was handed over here.

        Raises
        ------
        QueueUnanswered
            If Slurm does not answer: no job is then known to have ended.
        """
        lines = self._front.do(_JOBS.format(whose=self._whose) + self._logs.facts_script(keys))
        return seen(keys, jobs_of(lines), facts_of(lines))

    def cancel(self, keys: Sequence[str]) -> None:
        """End jobs, or take them out of the queue; one that has ended, or is unknown, is left as it is.

        Raises
        ------
        QueueUnanswered
            If Slurm does not answer.
        """
        plain = plain_keys(keys)
        if plain:
            script = _CANCEL.format(whose=self._whose, keys=" ".join(plain))
            self._front.do(self._logs.marks_script(plain) + script)

    def load(self) -> Load:
        """Return what there is to do.

        Raises
        ------
        QueueUnanswered
            If Slurm does not answer, or what it says can't be read.
        """
        try:
            return load_of(self._front.do_as_root(_LOAD))
        except ValueError as strange:
            raise QueueUnanswered(NAME, str(strange)) from strange

    def drain(self, names: Sequence[str]) -> None:
        """Give these no further job; what runs on them goes on."""
        self._update(names, "state=drain reason=idle")

    def forget(self, names: Sequence[str]) -> None:
        """Hear that these are gone: their jobs are run again elsewhere, and the names can come back."""
        self._update(names, "state=down reason=gone", "state=power_down_force")

    def _update(self, names: Sequence[str], *changes: str) -> None:
        if names:
            which = shlex.quote(",".join(names))
            self._front.do_as_root(
                "".join(f"scontrol update nodename={which} {change} || exit 69\n" for change in changes)
            )


def _take(job: Job) -> str:
    options = f"{_OPTIONS} --cpus-per-task={job.cores} --mem={job.memory_mb}M"
    if job.gpus:
        options += f" --gres=gpu:{job.gpus}"
    return shlex.join(["take", job.key, str(job.log), options, job_script(job)]) + "\n"


def open_batch(ask: Ask, account: str = ACCOUNT) -> Slurm:
    """Open the Slurm of an appliance; it is asked when it is first needed."""
    return Slurm(ask, account)
