"""Slurm on an appliance's machines: its configuration, and its daemons."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from voxpop_node.card import Card, derived, hosts
from voxpop_node.daemons import Daemon
from voxpop_node.files import PRIVATE, PROGRAM, folder, write

_ETC = Path("/etc/slurm")
_MUNGE_KEY = Path("/etc/munge/munge.key")
_MUNGE_SOCKET = Path("/run/munge/munge.socket.2")
_STATE = Path("/var/spool/slurmctld")
_SPOOL = Path("/var/spool/slurmd")
_GATE_VERBS = ("resume", "suspend", "fail")
_NODE = "/usr/local/sbin/voxpop-node"
_DAY_S = 86_400
_HOSTS, _ANY = Path("/etc/hosts"), "0.0.0.0\tany\n"

_CONF = """\
# by voxpop-node: what is changed here is gone when the machine starts again
ClusterName=voxpop
SlurmctldHost={front}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# a job that is begun again would wait for the end of its first credential, 2 minutes
AuthInfo=cred_expire=10
CredType=cred/munge
StateSaveLocation={state}
SlurmdSpoolDir={spool}
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
# containers leave no control groups to Slurm: the machine's own limits hold its jobs
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU={memory_per_core}
SchedulerParameters=sched_interval=5,bf_interval=5,batch_sched_delay=0,sched_min_interval=100000
# power_save_interval=1: how often it looks whether workers are needed, in seconds
SlurmctldParameters=enable_configless,idle_on_node_suspend,power_save_interval=1
# a container sees its host's cores and memory: what is said here counts
SlurmdParameters=config_overrides
ReturnToService=2
JobRequeue=1
MaxJobCount=200000
MinJobAge={job_age_s}
SlurmdTimeout=15
BatchStartTimeout=10
MessageTimeout=10
TCPTimeout=4
KillWait=5
KillOnBadExit=1
MailProg=/bin/true
PrologSlurmctld={etc}/prolog
# with one a worker says itself that a job is over; else the front end sees it at its next whole second
Epilog=/bin/true
ResumeProgram={etc}/resume
SuspendProgram={etc}/suspend
ResumeFailProgram={etc}/fail
ResumeTimeout={boot_s}
SuspendTimeout=10
SuspendTime={idle_s}
ResumeRate=0
SuspendRate=0
TreeWidth=65533
NodeName={workers} CPUs={cores} RealMemory={memory_mb} State=CLOUD{gpus}
PartitionName=project Nodes={workers} Default=YES MaxTime=INFINITE OverSubscribe=NO State=UP
"""

_PROLOG = f"""\
#!/bin/sh
# Python takes longer to begin than a short job: it is begun only where a worker is not there yet
case "$(sinfo -h -N -n "$SLURM_JOB_NODELIST" -o %t)" in
    '' | *[!a-z]* | *down*) exec {_NODE} prolog ;;
esac
"""


def configuration(card: Card) -> dict[str, str]:
    """Return the files of ``/etc/slurm`` by name; workers fetch them from the front end."""
    text = _CONF.format(
        front=card.front,
        state=_STATE,
        spool=_SPOOL,
        etc=_ETC,
        memory_per_core=max(card.memory_mb // card.cores, 1),
        job_age_s=_DAY_S,
        boot_s=card.boot_s,
        idle_s=card.idle_s,
        workers=card.workers,
        cores=card.cores,
        memory_mb=card.memory_mb,
        gpus=f" Gres=gpu:{card.gpus}" if card.gpus else "",
    )
    if card.least:
        text += f"SuspendExcNodes={hosts(1, card.least)}\n"
    # Debian's own plugstack.conf includes what is not there, and Slurm complains
    files = {"cgroup.conf": "CgroupPlugin=disabled\n", "plugstack.conf": "# no plugins\n"}
    if card.gpus:
        text += "GresTypes=gpu\n"
        # which devices a machine has is told by what it was given, so a job sees all GPUs of its worker
        files["gres.conf"] = f"NodeName={card.workers} Name=gpu Count={card.gpus} Flags=CountOnly\n"
    return {"slurm.conf": text, **files}


def front(card: Card) -> list[Daemon]:
    """Write what the front end needs, and return its daemons."""
    for name, text in configuration(card).items():
        write(_ETC / name, text)
    for verb in _GATE_VERBS:  # Slurm starts them with one word, and takes no command line
        write(_ETC / verb, f'#!/bin/sh\nexec {_NODE} gate {verb} "$1"\n', PROGRAM)
    write(_ETC / "prolog", _PROLOG, PROGRAM)
    folder(_STATE)
    _name_any_address()
    return [_munge(), Daemon(("/usr/sbin/slurmctld", "-D"))]


def worker(card: Card, name: str) -> list[Daemon]:
    """Write what a worker needs, and return its daemons."""
    folder(_SPOOL)
    _name_any_address()
    # -b: a container's uptime is its host's, and the front end waits for a machine that has just begun
    command = ("/usr/sbin/slurmd", "-b", "-D", "-N", name, "--conf-server", card.front)
    return [_munge(), Daemon(command, again_s=card.boot_s)]


def desk(card: Card) -> Mapping[str, str]:
    """Start what proves who somebody is; commands ask the front end for the rest."""
    _prepare_munge()
    subprocess.run(["/usr/sbin/munged", "--force"], check=True, user="munge", group="munge", extra_groups=[])
    return {"SLURM_CONF_SERVER": card.front}


def answers() -> bool:
    """Say whether the front end takes jobs."""
    asked = subprocess.run(["scontrol", "ping"], capture_output=True, text=True, check=False)
    return asked.returncode == 0 and "is UP" in asked.stdout


def registered() -> set[str]:
    """Return the workers that are there and take jobs."""
    asked = subprocess.run(["sinfo", "-h", "-N", "-o", "%N %T"], capture_output=True, text=True, check=False)
    lines = [line.split() for line in asked.stdout.splitlines()]
    # a sign after the state is one of powering up or down, of not answering, or of a reservation
    return {line[0] for line in lines if len(line) == 2 and line[1] in ("idle", "mixed", "allocated", "completing")}


def expanded(names: str) -> list[str]:
    """Name the hosts of a list of hosts as Slurm writes it.

    Raises
    ------
    subprocess.CalledProcessError
        If it is none.
    """
    asked = subprocess.run(["scontrol", "show", "hostnames", names], capture_output=True, text=True, check=True)
    return asked.stdout.split()


def _name_any_address() -> None:
    """Give 0.0.0.0 a name: a daemon asks for it, and waits where the network has nobody to ask."""
    if _ANY not in _HOSTS.read_text(encoding="utf-8"):
        with _HOSTS.open("a", encoding="utf-8") as hosts_file:
            hosts_file.write(_ANY)


def _munge() -> Daemon:
    _prepare_munge()
    command = ("/usr/sbin/munged", "--foreground", "--force")
    return Daemon(command, user="munge", ready=_MUNGE_SOCKET.exists)


def _prepare_munge() -> None:
    folder(_MUNGE_KEY.parent, "munge", mode=0o700)
    folder(_MUNGE_SOCKET.parent, "munge")
    folder(Path("/var/lib/munge"), "munge", mode=0o700)
    folder(Path("/var/log/munge"), "munge", mode=0o700)
    write(_MUNGE_KEY, derived("munge"), PRIVATE, "munge")
    _MUNGE_SOCKET.unlink(missing_ok=True)
