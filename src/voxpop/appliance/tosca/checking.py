"""What is read and checked alike in every document, node by node and value by value."""

import re
from typing import Any

from voxpop.appliance.errors import DocumentInvalid
from voxpop.appliance.tosca import types
from voxpop.appliance.tosca.parts import SoftwareNode

_PROGRAM = re.compile(r"[A-Za-z0-9_.+-]+")
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def only_node(nodes: dict[str, Any], kind: str) -> Any:
    """Return the one node of a type."""
    found = [node for node in nodes.values() if node.type == kind]
    if len(found) != 1:
        raise DocumentInvalid(f"has {len(found)} nodes of type '{kind}', and must have one")
    return found[0]


def check_mounts(machine: Any, data: str, results: str, *, in_network: bool = False) -> None:
    """Check what a machine sees, and with which right."""
    mounts: dict[str, Any] = {}
    for requirement in machine.requirements:
        mounts.update(requirement)
    networks = [mounts.pop("network", None)] if in_network else []
    if len(machine.requirements) != len(mounts) + len(networks) or set(mounts) != {"data", "results"}:
        raise DocumentInvalid("must give its worker the data and the results, once each and nothing else")
    if _right(mounts["data"], data, "data") is not True:
        raise DocumentInvalid("gives the right to write to the data volume, which is read-only everywhere")
    if _right(mounts["results"], results, "results") is not False:
        raise DocumentInvalid("gives no right to write to the results volume, which runs need")


def _right(mount: Any, volume: str, name: str) -> object:
    relationship = mount.get("relationship") if isinstance(mount, dict) else None
    properties = relationship.get("properties") if isinstance(relationship, dict) else None
    if not isinstance(properties, dict) or not isinstance(relationship, dict):
        raise DocumentInvalid(f"does not say with which right its worker sees the {name} volume")
    if mount.get("node") != volume or relationship.get("type") != types.MOUNTS:
        raise DocumentInvalid(f"mounts something else than the {name} volume as '{name}'")
    return properties.get("read_only")


def software_nodes(nodes: dict[str, Any]) -> tuple[SoftwareNode, ...]:
    """Return the software that is asked for, in the document's order."""
    return tuple(_software_node(node) for node in nodes.values() if node.type in types.SOFTWARE)


def _software_node(node: Any) -> SoftwareNode:
    return SoftwareNode(
        recipe=text(node.get_property_value("recipe"), "recipe"),
        type=node.type,
        version=str(node.get_property_value("component_version") or ""),
        programs=_words(node, "programs", _PROGRAM),
        python_modules=_words(node, "python_modules", _MODULE),
    )


def _words(node: Any, name: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    """Return names to look for; a path or a dotted name would make a site open or import what it names."""
    words = tuple(str(word) for word in node.get_property_value(name))
    if not all(pattern.fullmatch(word) for word in words):
        raise DocumentInvalid(f"gives '{node.name}' something as '{name}' that is no plain name")
    return words


def whole(value: object, name: str, least: int = 1) -> int:
    """Return a whole number, from ``least`` on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise DocumentInvalid(f"needs a whole number from {least} on as '{name}'")
    return value


def gigabytes(value: object, name: str) -> int:
    """Return a size in whole GB."""
    from toscaparser.elements.scalarunit import ScalarUnit_Size

    if not isinstance(value, str):
        raise DocumentInvalid(f"needs a size with its unit as '{name}'")
    return whole(int(ScalarUnit_Size(value).get_num_from_scalar_unit("GB")), f"{name} in GB")


def text(value: object, name: str) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise DocumentInvalid(f"needs a text as '{name}'")
    return value
