"""What a change of an environment means, line by line, for who is to deploy it."""

from collections.abc import Iterator, Sequence

from voxpop.appliance.model import Environment, Workers
from voxpop.appliance.tosca import Blueprint

_PARTS = (("cores", ""), ("memory_gb", " GB"), ("gpus", ""), ("storage_gb", " GB"), ("days", ""))


def changes(old: Blueprint, new: Blueprint, volumes: tuple[str, str]) -> tuple[str, ...]:
    """Compare what stands with what is planned.

    Parameters
    ----------
    volumes : tuple of str
        The names of the old volume and of the new one.

    Returns
    -------
    tuple of str
        A line a change, such as ``cores 4 -> 8``; empty where nothing changes.
    """
    return tuple(_changes(old, new, volumes))


def _changes(old: Blueprint, new: Blueprint, volumes: tuple[str, str]) -> Iterator[str]:
    before, after = old.environment, new.environment
    for name, unit in _PARTS:
        was, is_now = getattr(before, name), getattr(after, name)
        if was != is_now:
            word = name.partition("_")[0]
            yield f"{word} {was} -> {is_now}{unit}"
    yield from _workers(before.workers, after.workers)
    if old.elasticity and new.elasticity and old.elasticity.idle_s != new.elasticity.idle_s:
        yield f"a worker without a job goes after {old.elasticity.idle_s} s -> {new.elasticity.idle_s} s"
    yield from _recipes(old, new)
    if before.pipeline != after.pipeline:
        yield f"pipeline {before.pipeline} -> {after.pipeline}"
    if volumes[0] != volumes[1]:
        yield f"volume {volumes[0]} -> {volumes[1]}"
    elif old.volume_digest != new.volume_digest:
        yield f"volume {volumes[0]}: its content is another"


def _workers(before: Workers | None, after: Workers | None) -> Iterator[str]:
    if before is None or after is None:
        if after is not None:
            yield f"a queue with workers {_range(after)} instead of one machine"
        elif before is not None:
            yield f"one machine instead of a queue with workers {_range(before)}"
        return
    if (before.least, before.most) != (after.least, after.most):
        same_least = before.least == after.least
        words = (str(before.most), str(after.most)) if same_least else (_range(before), _range(after))
        yield f"workers {words[0]} -> {words[1]}"
    for name, unit in (("cores", "cores"), ("memory_gb", "GB of memory"), ("gpus", "GPUs")):
        was, is_now = getattr(before, name), getattr(after, name)
        if was != is_now:
            yield f"{unit} of a worker {was} -> {is_now}"


def _recipes(old: Blueprint, new: Blueprint) -> Iterator[str]:
    before = {node.recipe: node.version for node in old.software}
    after = {node.recipe: node.version for node in new.software}
    yield from (f"recipe {name} added" for name in _without(after, before))
    yield from (f"recipe {name} removed" for name in _without(before, after))
    for name in after:
        if name in before and before[name] != after[name]:
            yield f"recipe {name} {before[name]} -> {after[name]}"


def _without(names: dict[str, str], others: dict[str, str]) -> Sequence[str]:
    return [name for name in names if name not in others]


def _range(workers: Workers) -> str:
    return f"{workers.least} to {workers.most}"


def machines(environment: Environment) -> tuple[str, ...]:
    """Say which machines an environment comes to."""
    if environment.workers is None:
        return (f"1 machine with {_size(environment.cores, environment.memory_gb, environment.gpus)}",)
    each = environment.workers
    size = _size(each.cores, each.memory_gb, each.gpus)
    return ("1 front end with the queue", f"{each.least} to {each.most} workers with {size} each")


def _size(cores: int, memory_gb: int, gpus: int) -> str:
    parts = [_counted(cores, "core"), f"{memory_gb} GB of memory"]
    return ", ".join([*parts, _counted(gpus, "GPU")] if gpus else parts)


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
