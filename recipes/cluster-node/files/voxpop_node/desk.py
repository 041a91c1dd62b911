"""A person's place in a cluster: a machine where the queue's own commands work, and that is none of its workers."""

import os
from collections.abc import Mapping, Sequence


def sit(environment: Mapping[str, str], number: int, command: Sequence[str]) -> None:
    """Become the person for good, and do a command instead of this program."""
    os.setgroups([])
    os.setgid(number)
    os.setuid(number)
    os.execvpe(command[0], list(command), {**os.environ, **environment})  # noqa: S606 -- no shell is wanted
