"""What this machine has, and what of a blueprint it can't give."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from voxpop.appliance.tosca import Blueprint, SoftwareNode

_BYTES_PER_GB = 10**9
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
# those that a sandbox shows to a run
_PROGRAMS = os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"])


def _has_program(name: str) -> bool:
    return shutil.which(name, path=_PROGRAMS) is not None


def _has_module(name: str) -> bool:
    return find_spec(name) is not None


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine has.

    Parameters
    ----------
    gpus : int
        That jobs may use: site local passes none on.
    has_program, has_module : callable
        Say whether a program, a Python module is installed where runs can see it.
    """

    cores: int
    memory_gb: int
    gpus: int
    has_program: Callable[[str], bool] = _has_program
    has_module: Callable[[str], bool] = _has_module


def this_machine() -> Machine:
    """Look at this machine: the cores and the memory that this process may use."""
    return Machine(cores=len(os.sched_getaffinity(0)), memory_gb=max(_memory() // _BYTES_PER_GB, 1), gpus=0)


def shortfalls(blueprint: Blueprint, machine: Machine, site: str, free_bytes: int) -> tuple[str, ...]:
    """Say what a blueprint asks for and the machine can't give, each as one clause."""
    asked = blueprint.environment
    clauses: list[str] = []
    if asked.cores > machine.cores:
        clauses.append(f"asked {asked.cores} cores, this machine has {machine.cores}: jobs run on {machine.cores}")
    if asked.memory_gb > machine.memory_gb:
        has = machine.memory_gb
        clauses.append(f"asked {asked.memory_gb} GB of memory, this machine has {has} GB: jobs get {has} GB")
    if asked.gpus > machine.gpus:
        clauses.append(f"asked {_number(asked.gpus, 'GPU')}: none on site {site}")
    if asked.storage_gb * _BYTES_PER_GB > free_bytes:
        free = free_bytes // _BYTES_PER_GB
        clauses.append(f"asked {asked.storage_gb} GB of storage, {free} GB are free here: runs may fill the disk")
    return (*clauses, *_software(blueprint, machine, site))


def given_recipes(blueprint: Blueprint, machine: Machine) -> tuple[str, ...]:
    """Name the recipes whose software is there."""
    return tuple(
        node.recipe
        for node in blueprint.software
        if not (node.is_queue or node.is_portal) and not any(_missing(node, machine))
    )


def _software(blueprint: Blueprint, machine: Machine, site: str) -> Iterator[str]:
    for node in blueprint.software:
        if node.is_queue:
            yield f"asked a batch queue ({node.recipe}): site {site} runs jobs itself"
        elif node.is_portal:
            yield f"asked a portal ({node.recipe}): not on site {site}"
        elif missing := ", ".join(_missing(node, machine)):
            yield f"asked {node.recipe}: {missing} not installed on this machine"


def _missing(node: SoftwareNode, machine: Machine) -> Iterator[str]:
    for program in node.programs:
        if not machine.has_program(program):
            yield f"the program '{program}' is"
    for module in node.python_modules:
        if not machine.has_module(module):
            yield f"the Python module '{module}' is"


def _number(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _memory() -> int:
    """Return the bytes of memory that are here, or that the control group of this process allows."""
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(has, int(_CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):  # no control group, or its limit is the word "max"
        return has
