"""What a document says, once it was read."""

from dataclasses import dataclass

from voxpop.appliance.model import Environment
from voxpop.appliance.tosca.cluster import Elasticity
from voxpop.appliance.tosca.parts import SoftwareNode


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What a site must deploy, as the document says.

    Parameters
    ----------
    volume_digest : str
        SHA-256 of the manifest of the volume that may be mounted.
    elasticity : Elasticity, optional
        None where there are no workers of their own.
    """

    application: str
    environment: Environment
    volume_digest: str
    software: tuple[SoftwareNode, ...]
    elasticity: Elasticity | None = None

    @property
    def queue(self) -> str:
        """The recipe of the batch queue; empty where there is none."""
        return next((node.recipe for node in self.software if node.is_queue), "")
