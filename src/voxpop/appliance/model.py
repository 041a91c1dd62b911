"""What an appliance is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from voxpop.appliance.recipes import Recipe
from voxpop.appliance.states import ApplianceState
from voxpop.kernel.ids import ApplianceId, ApplicationId, VolumeId


@dataclass(frozen=True, slots=True)
class Environment:
    """Software and compute, as an application asks for them.

    Parameters
    ----------
    recipes : tuple of str
        Names of recipes, in the application's order.
    pipeline : str
        ``name/version`` of the pipeline that the appliance must be able to run.
    """

    name: str
    recipes: tuple[str, ...]
    cores: int
    memory_gb: int
    gpus: int
    storage_gb: int
    days: int
    pipeline: str


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
    """

    folder: Path
    sandbox: str
    network: bool
    recipes: Mapping[str, Recipe] = field(default_factory=dict)


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
