"""The account whose jobs the runs are: one name with one number on each machine of an appliance.

People have theirs in a folder that all machines see, `/var/lib/extrausers`, see libnss-extrausers.
"""

import grp
import os
import pwd
import subprocess
from pathlib import Path

PROJECT = "project"
"""Whose jobs the runs are."""

_HOME = Path("/home") / PROJECT
_PRIVATE = 0o700


def make_account(number: int) -> None:
    """Make the account of the project; one that is there stays."""
    if not _known(PROJECT):
        _add(number)
    _HOME.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    os.chown(_HOME, number, number)


def _add(number: int) -> None:
    group = ["groupadd", "--non-unique", "--gid", str(number), PROJECT]
    # no last log: it is a file as long as the highest number of an account
    user = ["useradd", "--non-unique", "--badname", "--no-log-init", "--no-create-home", "--shell", "/bin/bash"]
    user += ["--uid", str(number), "--gid", str(number), "--home-dir", str(_HOME), PROJECT]
    if not _known_group(PROJECT):
        subprocess.run(group, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(user, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _known_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True
