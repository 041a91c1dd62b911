"""The accounts of an appliance: the same names with the same numbers on each of its machines."""

import grp
import os
import pwd
import subprocess
from collections.abc import Sequence
from pathlib import Path

from voxpop_node.card import Person

PROJECT = "project"
"""Whose jobs the runs are."""

_HOMES = Path("/home")
_PRIVATE = 0o700


def make_accounts(person: int, people: Sequence[Person]) -> None:
    """Make the account of the project and those of its people; who is there stays."""
    for one in (Person(PROJECT, person), *people):
        if not _known(one.name):
            _add(one)
        home = _HOMES / one.name
        home.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        os.chown(home, one.uid, one.uid)


def _add(one: Person) -> None:
    group = ["groupadd", "--non-unique", "--gid", str(one.uid), one.name]
    # no last log: it is a file as long as the highest number of an account
    user = ["useradd", "--non-unique", "--badname", "--no-log-init", "--no-create-home", "--shell", "/bin/bash"]
    user += ["--uid", str(one.uid), "--gid", str(one.uid), "--home-dir", str(_HOMES / one.name), one.name]
    if not _known_group(one.name):
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
