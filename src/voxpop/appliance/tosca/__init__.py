"""An appliance as one self-contained TOSCA document: TOSCA Simple Profile in YAML 1.3 with node types of ours."""

from voxpop.appliance.tosca.blueprint import Blueprint
from voxpop.appliance.tosca.cluster import Elasticity
from voxpop.appliance.tosca.parts import SoftwareNode
from voxpop.appliance.tosca.reading import read
from voxpop.appliance.tosca.writing import document

__all__ = ["Blueprint", "Elasticity", "SoftwareNode", "document", "read"]
