"""Waiting for a job's workers on the front end; Slurm itself looks only every 30 s whether they have come."""

import os
import subprocess
import time

_PAUSE_S = 0.2
_PATIENCE_S = 60.0
_UNREADY = "#~%*!$@^-"  # sinfo(1): powering up or down, not answering, rebooting


def wait() -> int:
    """Return once the job's workers have registered, or the job no longer waits for them; always 0."""
    job, nodes = os.environ.get("SLURM_JOB_ID", ""), os.environ.get("SLURM_JOB_NODELIST", "")
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and _configuring(job) and not _ready(nodes):
        time.sleep(_PAUSE_S)
    return 0


def _configuring(job: str) -> bool:
    return bool(_said("squeue", "-h", "-j", job, "-t", "CF", "-o", "%i"))


def _ready(nodes: str) -> bool:
    states = _said("sinfo", "-h", "-N", "-n", nodes, "-o", "%t").split()
    return bool(states) and all("down" not in state and state[-1] not in _UNREADY for state in states)


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
