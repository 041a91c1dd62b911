"""What a machine is told of its appliance: a file without a secret, and the secret of the queue beside it."""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CARD = Path("/etc/voxpop/node.json")
SECRET = Path("/run/voxpop/queue.key")
FORMAT = 1
QUEUES = ("htcondor", "slurm")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_SHORTEST_SECRET = 16  # bytes


class Unfit(Exception):
    """The machine can't be what it was asked to be; told in one sentence."""


@dataclass(frozen=True, slots=True)
class Card:
    """What an appliance's machines have in common.

    Parameters
    ----------
    front : str
        The front end's name in the appliance's network; workers are ``w1`` to ``w<most>``.
    least, most : int
        ``least`` of the workers are never sent away.
    cores, memory_mb, gpus : int
        Of one worker.
    idle_s : int
        A worker that had nothing to do for so long is sent away.
    boot_s : int
        A worker that has not registered so long after it was asked for is given up.
    person : int
        The number of the account ``project``, whose jobs the runs are.
    bench : str
        The folder that all machines see and may write to; empty where there is none.
    """

    appliance: str
    queue: str
    front: str
    least: int
    most: int
    cores: int
    memory_mb: int
    gpus: int
    idle_s: int
    boot_s: int
    person: int
    bench: str

    @property
    def workers(self) -> str:
        """All workers, as Slurm writes lists of hosts."""
        return hosts(1, self.most)


def hosts(first: int, last: int) -> str:
    """Name the workers with these numbers, as Slurm writes lists of hosts."""
    return f"w{first}" if first == last else f"w[{first}-{last}]"


def read_card(path: Path = CARD) -> Card:
    """Read the file that a site gave this machine.

    Raises
    ------
    Unfit
        If it is not there, or not as it must be.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise Unfit(f"{path} has the format {content['format']}: this image knows {FORMAT}; build the image again")
        return _card(content)
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise Unfit(f"{path} is not as it must be ({type(wrong).__name__}: {wrong}): deploy again") from wrong


def derived(purpose: str, path: Path = SECRET) -> bytes:
    """Make a secret for one purpose of the queue's one secret.

    Raises
    ------
    Unfit
        If that is not there, or too short to keep anything.
    """
    try:
        secret = path.read_bytes().strip()
    except OSError as wrong:
        raise Unfit(f"{path} can't be read: deploy again") from wrong
    if len(secret) < _SHORTEST_SECRET:
        raise Unfit(f"{path} holds fewer than {_SHORTEST_SECRET} bytes: deploy again")
    return hmac.digest(secret, f"voxpop {purpose}".encode(), hashlib.sha512)


def _card(content: dict[str, Any]) -> Card:
    workers = content["workers"]
    least, most = _number(workers["least"], 0), _number(workers["most"], 1)
    if least > most:
        raise ValueError("least is more than most")
    return Card(
        appliance=_word(content["appliance"], _ID),
        queue=_queue(content["queue"]),
        front=_word(content["front"], _HOST),
        least=least,
        most=most,
        cores=_number(workers["cores"], 1),
        memory_mb=_number(workers["memory_mb"], 1),
        gpus=_number(workers["gpus"], 0),
        idle_s=_number(content["idle_s"], 1),
        boot_s=_number(content["boot_s"], 1),
        person=_number(content["person"], 1),
        bench=_path(content["folders"].get("bench", "")),
    )


def _queue(value: object) -> str:
    if value not in QUEUES:
        raise ValueError(f"the queue must be one of {', '.join(QUEUES)}")
    return str(value)


def _number(value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"a whole number from {least} on is needed")
    return value


def _path(value: object) -> str:
    if not isinstance(value, str) or (value and not value.startswith("/")) or "\n" in value:
        raise ValueError("a path from / on is needed")
    return value


def _word(value: object, shape: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise ValueError("a name is needed that can name a machine")
    return value
