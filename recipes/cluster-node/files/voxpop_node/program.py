"""The program ``voxpop-node``."""

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

from voxpop_node import condor, desk, gate, prolog, slurm
from voxpop_node.accounts import make_account
from voxpop_node.card import Card, Unfit, read_card
from voxpop_node.daemons import PATH, Daemon, stay

USAGE = """\
usage: voxpop-node front                          be the front end, until told to end
       voxpop-node worker                         be the worker that the host's name says, until told to end
       voxpop-node desk NUMBER COMMAND ...        do a person's command where the queue's own commands work
       voxpop-node check [WORKER ...]             end with 0 if the queue answers, and these workers have registered
       voxpop-node gate resume|suspend|fail LIST  ask voxpop for workers, or tell that they are not needed or not come
       voxpop-node prolog                         wait for the workers of the job that Slurm names
"""
_WRONG_USAGE = 2


class Queue(Protocol):
    """What a batch queue is on a machine."""

    def front(self, card: Card) -> list[Daemon]:
        """Write what the front end needs, and return its daemons."""
        ...

    def worker(self, card: Card, name: str) -> list[Daemon]:
        """Write what a worker needs, and return its daemons."""
        ...

    def desk(self, card: Card) -> Mapping[str, str]:
        """Prepare for the queue's own commands; returns the variables that they need."""
        ...

    def answers(self) -> bool:
        """Say whether the front end takes jobs."""
        ...

    def registered(self) -> set[str]:
        """Return the workers that are there and take jobs."""
        ...


_QUEUES: Mapping[str, Queue] = {"htcondor": condor, "slurm": slurm}


def main(words: Sequence[str]) -> int:
    """Do what a command line says; returns an exit code."""
    given, os.environ["PATH"] = os.environ.get("PATH", PATH), PATH
    try:
        match list(words):
            case ["front" | "worker" as part]:
                return _be(part)
            case ["desk", number, *command] if command and number.isdecimal() and int(number):
                desk.sit({**_desk(), "PATH": given}, int(number), command)
            case ["check", *workers]:
                return _check(workers)
            case ["gate", "resume" | "suspend" | "fail" as verb, names]:
                return gate.ask(read_card(), verb, names)
            case ["prolog"]:
                return prolog.wait()
    except Unfit as unfit:
        sys.stderr.write(f"voxpop-node: {unfit}\n")
        return 1
    sys.stderr.write(USAGE)
    return _WRONG_USAGE


def _be(part: str) -> int:
    card = read_card()
    make_account(card.person)
    return stay(_daemons(card, part), card.boot_s)


def _desk() -> Mapping[str, str]:
    os.umask(0o022)
    card = read_card()
    return _QUEUES[card.queue].desk(card)


def _daemons(card: Card, part: str) -> list[Daemon]:
    queue = _QUEUES[card.queue]
    if part == "front":
        return queue.front(card)
    name = socket.gethostname().partition(".")[0]
    if name not in {f"w{number}" for number in range(1, card.most + 1)}:
        raise Unfit(f"this machine is called '{name}': a worker is called w1 to w{card.most}")
    return queue.worker(card, name)


def _check(workers: Sequence[str]) -> int:
    queue = _QUEUES[read_card().queue]
    if not queue.answers():
        raise Unfit("the queue does not answer")
    missing = sorted(set(workers) - queue.registered()) if workers else []
    if missing:
        raise Unfit(f"these workers have not registered: {', '.join(missing)}")
    return 0
