"""The accounts of an appliance's people: the same name with the same number on each machine of a cluster.

They are in files as passwd(5) and group(5) in a folder that all machines see, so that one who comes later is known at
once on those that run (libnss-extrausers).
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from voxpop.appliance.card import PERSON
from voxpop.appliance.errors import AccountTaken

_FIRST = PERSON + 900
_PASSWD, _GROUP, _LOCK = "passwd", "group", ".lock"


def inside() -> int:
    """Return who runs and persons are in a container: nobody of this machine where we are root, else ourselves."""
    return os.geteuid() or PERSON


def number_of(people: Path, account: str, home: str, taken: Callable[[], bool]) -> int:
    """Return the number of a person's account; it is made where there is none.

    Parameters
    ----------
    people : Path
        The folder of the files.
    home : str
        Where all machines see the person's folder.
    taken : callable
        Says whether the machines have an account of that name which is no person's.

    Raises
    ------
    AccountTaken
        If they have.
    """
    with (people / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = _read(people / _PASSWD)
        if account in known:
            return known[account]
        if taken():
            raise AccountTaken(account)
        number = max([_FIRST, *known.values()]) + 1
        _add(people / _GROUP, f"{account}:x:{number}:\n")
        _add(people / _PASSWD, f"{account}:x:{number}:{number}::{home}:/bin/bash\n")
        return number


def _read(path: Path) -> dict[str, int]:
    if not path.is_file():
        return {}
    lines = [line.split(":") for line in path.read_text(encoding="ascii").splitlines()]
    return {line[0]: int(line[2]) for line in lines}


def _add(path: Path, line: str) -> None:
    """Add a line, whole or not at all; the one that a killed one left is not added twice."""
    before = path.read_text(encoding="ascii") if path.is_file() else ""
    kept = [one for one in before.splitlines(keepends=True) if one.partition(":")[0] != line.partition(":")[0]]
    draft = path.with_name(f".{path.name}.new")
    draft.write_text("".join([*kept, line]), encoding="ascii")
    draft.replace(path)
