"""What an appliance is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from voxpop.appliance.recipes import Recipe
from voxpop.appliance.states import ApplianceState
from voxpop.kernel.ids import ApplianceId, ApplicationId, VolumeId


@dataclass(frozen=True, slots=True)
class Workers:
    """The machines that a queue hands jobs to: how many there may be, and what each of them has.

    Parameters
    ----------
    least, most : int
        ``least`` are there while the queue is empty; there are never more than ``most``.
    cores, memory_gb, gpus : int
        Of one worker.
    """

    least: int
    most: int
    cores: int
    memory_gb: int
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Environment:
    """Software and compute, as an application asks for them.

    Parameters
    ----------
    recipes : tuple of str
        Names of recipes, in the application's order.
    cores, memory_gb, gpus : int
        Of all workers together, at the peak.
    pipeline : str
        ``name/version`` of the pipeline that the appliance must be able to run.
    workers : Workers, optional
        None where there is no queue: one machine then has all of it.
    """

    name: str
    recipes: tuple[str, ...]
    cores: int
    memory_gb: int
    gpus: int
    storage_gb: int
    days: int
    pipeline: str
    workers: Workers | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """A worker, as its site sees it.

    Parameters
    ----------
    up : bool
        Whether it runs; what is there and does not run has died, or has not begun.
    since : datetime
        When it was made.
    """

    name: str
    up: bool
    since: datetime


class NodeState(StrEnum):
    """What a queue says of a worker."""

    IDLE = "idle"
    BUSY = "busy"
    DRAINING = "draining"
    """It takes no further job."""
    AWAY = "away"
    """It is known, and does not answer."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a queue has to do, and what it has for it; read at one moment.

    Parameters
    ----------
    waiting : int
        Jobs that could run and have no worker.
    running : int
        Jobs that run.
    nodes : mapping of a worker's name to NodeState
        The workers that have registered.
    waiting_for_gpus : int
        Those of ``waiting`` that need a GPU.
    """

    waiting: int
    running: int
    nodes: Mapping[str, NodeState]
    waiting_for_gpus: int = 0


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed appliance, as the site says it is.

    Parameters
    ----------
    volume, results : Path
        Where the data (read-only) and the results (read-write) are on the site.
    sandbox : str
        ``bubblewrap`` or ``file modes``: what keeps the volume read-only.
    network : bool
        Whether runs may use the network.
    not_given : tuple of str
        What was asked for and this site can't give, each as one clause.
    recipes : tuple of str
        Those that are there, of the ones that were asked for.
    days : int
        How long it is granted.
    document_digest : str
        SHA-256 of the document that it was deployed from.
    image : str
        The digest of the image that its machines are made of; empty where there is none.
    queue : str
        The recipe of its batch queue, ``htcondor`` or ``slurm``; empty where the site runs jobs itself.
    bench : Path, optional
        Where runs work while they are not done: all its machines see this folder under the same name. None where there
        is no queue; runs then work in their results.
    workers : Workers, optional
        As they were given; None where there is no queue.
    """

    appliance: ApplianceId
    site: str
    volume: Path
    results: Path
    sandbox: str
    network: bool
    cores: int
    memory_gb: int
    pipelines: tuple[str, ...]
    not_given: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()
    days: int = 0
    document_digest: str = ""
    image: str = ""
    queue: str = ""
    bench: Path | None = None
    workers: Workers | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What a site finds on this machine.

    Parameters
    ----------
    folder : Path
        Holds one working area an appliance, ``<folder>/<id>``.
    sandbox : str
        Name of the sandbox that holds runs best here.
    network : bool
        Whether that sandbox leaves the network open.
    recipes : mapping of name to Recipe
        What an image can be made of.
    pipelines : Path, optional
        The folder of pipelines, which the machines of an appliance with a queue see read-only.
    idle_s : int
        A worker that had nothing to do for so long is not needed.
    boot_s : int
        A machine that has not come up in so long will not.
    """

    folder: Path
    sandbox: str
    network: bool
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    pipelines: Path | None = None
    idle_s: int = 60
    boot_s: int = 60


@dataclass(frozen=True, slots=True)
class Appliance:
    """One appliance and the document it was made from."""

    id: ApplianceId
    application: ApplicationId
    volume: VolumeId
    site: str
    state: ApplianceState
    document_digest: str
    created_at: datetime
