"""HTCondor on an appliance's machines: its configuration, and its daemons."""

import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from voxpop_node.card import Card, derived
from voxpop_node.daemons import Daemon
from voxpop_node.files import PRIVATE, folder, write

_CONFIG = Path("/etc/condor/config.d/90-voxpop.conf")
_PASSWORD = Path("/etc/condor/passwords.d/POOL")
_LOG = Path("/var/log/condor")
_DESK_CONFIG = Path("/run/condor/condor_config")
_SHOWN_IN = "auth"
_SCRAMBLE = bytes((0xDE, 0xAD, 0xBE, 0xEF))  # condor_utils/store_cred.cpp, simple_scramble
_FOLDERS = ("/var/log", "/var/run", "/var/lock", "/var/spool", "/var/lib")

_COMMON = """\
# by voxpop-node: what is changed here is gone when the machine starts again
use role:{roles}
CONDOR_HOST = {front}
COLLECTOR_NAME = {appliance}
UID_DOMAIN = voxpop
FILESYSTEM_DOMAIN = voxpop
TRUST_UID_DOMAIN = True
SOFT_UID_DOMAIN = True
DEFAULT_DOMAIN_NAME =
use security:recommended_v9_0
SEC_DEFAULT_AUTHENTICATION = REQUIRED
SEC_DEFAULT_ENCRYPTION = REQUIRED
SEC_DEFAULT_INTEGRITY = REQUIRED
SEC_DEFAULT_AUTHENTICATION_METHODS = FS, {by_files}PASSWORD
SEC_CLIENT_AUTHENTICATION_METHODS = FS, PASSWORD
FS_REMOTE_DIR = {shown_in}
SEC_PASSWORD_FILE = {pool_file}
# the pool's password is root's on each machine; who else is there shows by a file that he is who he says
ALLOW_READ = *@voxpop, condor@password
ALLOW_WRITE = *@voxpop, condor@password
ALLOW_DAEMON = condor@password, condor@voxpop, root@voxpop
ALLOW_ADVERTISE_STARTD = $(ALLOW_DAEMON)
ALLOW_ADVERTISE_MASTER = $(ALLOW_DAEMON)
ALLOW_ADVERTISE_SCHEDD = $(ALLOW_DAEMON)
ALLOW_NEGOTIATOR = $(ALLOW_DAEMON)
ALLOW_ADMINISTRATOR = $(ALLOW_DAEMON)
ALLOW_CLIENT = *
# a worker that was taken away leaves its ads behind: they end soon, so nobody counts on it for long
UPDATE_INTERVAL = 5
MASTER_UPDATE_INTERVAL = 5
CLASSAD_LIFETIME = 20
MAX_DEFAULT_LOG = 5 Mb
MASTER_BACKOFF_CEILING = 10
ENABLE_KERNEL_TUNING = False
# what no image has need not be looked for
JAVA =
DOCKER =
SINGULARITY =
"""
_FRONT = """\
# a name with its host: others find it by that where no names are told but those of machines
SCHEDD_NAME = queue@$(CONDOR_HOST)
NEGOTIATOR_INTERVAL = 2
NEGOTIATOR_CYCLE_DELAY = 1
NEGOTIATOR_MIN_INTERVAL = 1
SCHEDD_INTERVAL = 5
SCHEDD_MIN_INTERVAL = 1
JOB_START_DELAY = 0
# a worker that does not answer for so long has died: its job runs again elsewhere
JOB_DEFAULT_LEASE_DURATION = 20
MAX_JOBS_RUNNING = 10000
"""
_DESK = """\
# by voxpop-node, for the commands of a person: who somebody is shows by a file in a folder that the front end sees
CONDOR_HOST = {front}
SCHEDD_HOST = queue@{front}
UID_DOMAIN = voxpop
FILESYSTEM_DOMAIN = voxpop
RELEASE_DIR = /usr
LOCAL_DIR = /tmp
use security:recommended_v9_0
SEC_DEFAULT_AUTHENTICATION = REQUIRED
SEC_DEFAULT_ENCRYPTION = REQUIRED
SEC_DEFAULT_INTEGRITY = REQUIRED
SEC_DEFAULT_AUTHENTICATION_METHODS = FS_REMOTE
SEC_CLIENT_AUTHENTICATION_METHODS = FS_REMOTE
FS_REMOTE_DIR = {shown_in}
"""
_WORKER = """\
NUM_CPUS = {cores}
MEMORY = {memory_mb}
# containers leave no control groups to HTCondor: the machine's own limits hold its jobs
BASE_CGROUP =
USE_PID_NAMESPACES = False
START = True
SUSPEND = False
PREEMPT = False
KILL = False
RUNBENCHMARKS = False
{gpus}"""


def configuration(card: Card, part: str) -> str:
    """Return the configuration of the front end or of a worker."""
    roles = "CentralManager, Submit" if part == "front" else "Execute"
    common = _COMMON.format(
        roles=roles,
        front=card.front,
        appliance=card.appliance,
        pool_file=_PASSWORD,
        by_files="FS_REMOTE, " if card.bench else "",
        shown_in=_shown_in(card),
    )
    if part == "front":
        return common + _FRONT
    gpus = "use feature:GPUs\n" if card.gpus else ""
    return common + _WORKER.format(cores=card.cores, memory_mb=card.memory_mb, gpus=gpus)


def front(card: Card) -> list[Daemon]:
    """Write what the front end needs, and return its daemons."""
    return _machine(card, "front")


def worker(card: Card, name: str) -> list[Daemon]:
    """Write what a worker needs, and return its daemons."""
    del name  # HTCondor calls a machine as it calls itself
    return _machine(card, "worker")


def desk(card: Card) -> Mapping[str, str]:
    """Write what the commands of a person need."""
    write(_DESK_CONFIG, _DESK.format(front=card.front, shown_in=_shown_in(card)))
    return {"CONDOR_CONFIG": str(_DESK_CONFIG)}


def answers() -> bool:
    """Say whether the front end takes jobs."""
    return bool(_named("-schedd", "Name"))


def registered() -> set[str]:
    """Return the workers that are there and take jobs."""
    return {name.partition(".")[0] for name in _named("-startd", "Machine")}


def _shown_in(card: Card) -> str:
    return f"{card.bench}/{_SHOWN_IN}"


def _named(kind: str, attribute: str) -> list[str]:
    asked = ["condor_status", kind, "-af", attribute]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()


def _machine(card: Card, part: str) -> list[Daemon]:
    for place in _FOLDERS:
        folder(Path(place) / "condor", "condor")
    folder(Path("/var/lib/condor/execute"), "condor")
    folder(_PASSWORD.parent, mode=0o700)
    write(_PASSWORD, _scrambled(derived("pool").hex().encode() + b"\0"), PRIVATE)
    write(_CONFIG, configuration(card, part))
    log = "SchedLog" if part == "front" else "StartLog"
    # SIGQUIT: it ends what it started at once, and takes its ads back
    return [Daemon(("/usr/sbin/condor_master", "-f", "-t"), farewell=signal.SIGQUIT, logs=(_LOG / log,))]


def _scrambled(secret: bytes) -> bytes:
    return bytes(byte ^ _SCRAMBLE[place % len(_SCRAMBLE)] for place, byte in enumerate(secret))
