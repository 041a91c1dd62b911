"""An appliance as one self-contained TOSCA document: TOSCA Simple Profile in YAML 1.3 with node types of ours."""

from voxpop.appliance.tosca.reading import Blueprint, SoftwareNode, read
from voxpop.appliance.tosca.writing import document

__all__ = ["Blueprint", "SoftwareNode", "document", "read"]
