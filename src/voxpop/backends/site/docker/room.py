"""How much of an engine an appliance gets, and what of a blueprint that can't be."""

from collections.abc import Iterator
from dataclasses import dataclass

from voxpop.appliance.model import Environment, Workers
from voxpop.appliance.tosca import Blueprint


@dataclass(frozen=True, slots=True)
class Room:
    """What one appliance may have.

    Parameters
    ----------
    gpus : int
        Those that the engine can hand to containers.
    workers : int or None
        At most; None for as many as there are cores for.
    """

    cores: int
    memory_gb: int
    gpus: int = 0
    workers: int | None = None


def asked_workers(asked: Environment) -> Workers:
    """Return the workers that an environment with a queue asks for; of one core each where it does not say."""
    return asked.workers or Workers(0, asked.cores, 1, max(asked.memory_gb // asked.cores, 1))


def given_workers(asked: Environment, room: Room) -> Workers:
    """Return the workers that there is room for: never more than asked for, and one at least."""
    wanted = asked_workers(asked)
    cores, memory_gb = min(wanted.cores, room.cores), min(wanted.memory_gb, room.memory_gb)
    gpus = min(wanted.gpus, room.gpus)
    limits = [wanted.most, room.workers or room.cores // cores, room.memory_gb // memory_gb]
    if gpus:
        limits.append(room.gpus // gpus)
    most = min(limits)
    return Workers(min(wanted.least, most), most, cores, memory_gb, gpus)


def shortfalls(site: str, blueprint: Blueprint, room: Room) -> Iterator[str]:
    """Say what a blueprint asks for and there is no room for, each as one clause."""
    asked = blueprint.environment
    if any(node.is_queue for node in blueprint.software):
        yield from _fewer_workers(site, asked, room)
    else:
        if asked.cores > room.cores:
            yield f"asked {asked.cores} cores, site {site} gives {room.cores}: jobs run on {room.cores}"
        if asked.memory_gb > room.memory_gb:
            yield f"asked {asked.memory_gb} GB of memory, site {site} gives {room.memory_gb} GB: jobs get that"
        if asked.gpus:
            yield f"asked {asked.gpus} GPUs: site {site} passes them on to workers of a queue alone"
    for node in blueprint.software:
        if node.is_portal:
            yield f"asked a portal ({node.recipe}): the bank's own serves it"


def _fewer_workers(site: str, asked: Environment, room: Room) -> Iterator[str]:
    wanted, given = asked_workers(asked), given_workers(asked, room)
    for what, of_wanted, of_given in (
        ("cores", wanted.cores, given.cores),
        ("GB of memory", wanted.memory_gb, given.memory_gb),
        ("GPUs", wanted.gpus, given.gpus),
    ):
        if of_given < of_wanted:
            yield f"asked workers of {of_wanted} {what}, site {site} gives {of_given}: jobs get that"
    if given.most < wanted.most:
        yield f"asked up to {wanted.most} workers, site {site} gives {given.most}: there are never more"
