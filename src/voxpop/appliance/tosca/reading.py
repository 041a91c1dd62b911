"""Reading a TOSCA document as what a site must deploy; whatever is not ours in it is refused."""

import re
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from voxpop.appliance.errors import DocumentInvalid
from voxpop.appliance.model import Environment
from voxpop.appliance.tosca import types

LONGEST_DOCUMENT = 1_000_000  # characters
_SECTIONS = frozenset({"tosca_definitions_version", "metadata", "description", "topology_template"})
_TOPOLOGY = frozenset({"description", "node_templates", "policies", "outputs"})
_PROGRAM = re.compile(r"[A-Za-z0-9_.+-]+")
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NODE = frozenset({"type", "description", "properties", "capabilities", "requirements"})


@dataclass(frozen=True, slots=True)
class SoftwareNode:
    """Software that the document asks for.

    Parameters
    ----------
    type : str
        The node's TOSCA type.
    programs, python_modules : tuple of str
        What must be found where the software is.
    """

    recipe: str
    type: str
    version: str
    programs: tuple[str, ...]
    python_modules: tuple[str, ...]

    @property
    def is_queue(self) -> bool:
        """Whether it hands jobs to workers."""
        return self.type == types.BATCH_QUEUE

    @property
    def is_portal(self) -> bool:
        """Whether it serves pages."""
        return self.type == types.PORTAL


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What a site must deploy, as the document says.

    Parameters
    ----------
    volume_digest : str
        SHA-256 of the manifest of the volume that may be mounted.
    """

    application: str
    environment: Environment
    volume_digest: str
    software: tuple[SoftwareNode, ...]


def read(document: str) -> Blueprint:
    """Read a document by tosca-parser, after our own checks.

    Raises
    ------
    DocumentInvalid
        If it is no TOSCA, imports or fetches anything, holds a type that voxpop does not know or defines one of ours
        otherwise, lacks a part, or gives the right to write to the data.
    """
    content = _content(document)
    _check_sections(content)
    _check_nodes(content["topology_template"]["node_templates"])
    template = _parsed(content)
    nodes = {node.name: node for node in template.nodetemplates}
    worker = _only(nodes, types.WORKER)
    data = _only(nodes, types.DATA_VOLUME)
    results = _only(nodes, types.RESULTS_VOLUME)
    _check_mounts(worker, data.name, results.name)
    host = worker.get_capabilities()["host"]
    environment = Environment(
        name=_text(content["metadata"].get("environment"), "metadata"),
        recipes=tuple(node.get_property_value("recipe") for node in nodes.values() if node.type in types.SOFTWARE),
        cores=_whole(host.get_property_value("num_cpus"), "num_cpus"),
        memory_gb=_gigabytes(host.get_property_value("mem_size"), "mem_size"),
        gpus=_whole(worker.get_property_value("gpus"), "gpus", least=0),
        storage_gb=_gigabytes(results.get_property_value("size"), "size"),
        days=_days(template.policies),
        pipeline=_text(_only(nodes, types.PIPELINE).get_property_value("pipeline"), "pipeline"),
    )
    return Blueprint(
        application=_text(content["metadata"].get("template_name"), "metadata"),
        environment=environment,
        volume_digest=data.get_property_value("sha256"),
        software=tuple(_software(node) for node in nodes.values() if node.type in types.SOFTWARE),
    )


def _content(document: str) -> dict[str, Any]:
    if len(document) > LONGEST_DOCUMENT:
        raise DocumentInvalid("is longer than any that voxpop writes")
    try:
        content = YAML(typ="safe", pure=True).load(document)
    except (YAMLError, ValueError, RecursionError) as broken:
        raise DocumentInvalid("is no readable YAML") from broken
    if not isinstance(content, dict) or content.get("tosca_definitions_version") != types.VERSION:
        raise DocumentInvalid(f"is no TOSCA of version {types.VERSION}")
    return content


def _check_sections(content: dict[str, Any]) -> None:
    ours = types.type_sections()
    unknown = sorted(str(name) for name in set(content) - _SECTIONS - set(ours))
    if unknown:
        raise DocumentInvalid(f"has the section '{unknown[0]}', which no site may follow")
    for section, definitions in ours.items():
        found = content.get(section)
        if not isinstance(found, dict):
            raise DocumentInvalid(f"lacks the section '{section}'")
        for name in sorted({*found, *definitions}, key=str):
            if name not in definitions:
                raise DocumentInvalid(f"defines the type '{name}', which voxpop does not know")
            if found.get(name) != definitions[name]:
                raise DocumentInvalid(f"defines the type '{name}' otherwise than voxpop does")
    topology = content.get("topology_template")
    if not isinstance(topology, dict) or not isinstance(topology.get("node_templates"), dict):
        raise DocumentInvalid("lacks its node templates")
    if not isinstance(content.get("metadata"), dict):
        raise DocumentInvalid("lacks its metadata")
    unknown = sorted(str(name) for name in set(topology) - _TOPOLOGY)
    if unknown:
        raise DocumentInvalid(f"has the topology section '{unknown[0]}', which no site may follow")


def _check_nodes(nodes: dict[str, Any]) -> None:
    for name, node in nodes.items():
        kind = node.get("type") if isinstance(node, dict) else None
        if kind not in types.KNOWN_NODES:
            raise DocumentInvalid(f"has the node '{name}' of type '{kind}', which voxpop does not know")
        unknown = sorted(str(key) for key in set(node) - _NODE)
        if unknown:
            raise DocumentInvalid(f"gives the node '{name}' the part '{unknown[0]}', which no site may follow")


def _parsed(content: dict[str, Any]) -> Any:
    from toscaparser.common.exception import TOSCAException, ValidationError  # 0.2 s to import
    from toscaparser.tosca_template import ToscaTemplate

    try:
        return ToscaTemplate(yaml_dict_tpl=deepcopy(content))
    except (TOSCAException, ValidationError) as wrong:
        raise DocumentInvalid(f"is refused by tosca-parser ({_first_fault(wrong)})") from wrong
    except (AttributeError, KeyError, TypeError, ValueError) as wrong:
        # what tosca-parser lets fall on a document of a shape that it did not think of
        raise DocumentInvalid("is refused by tosca-parser (it has a part of the wrong shape)") from wrong


def _first_fault(wrong: Exception) -> str:
    """Return the first of the faults that tosca-parser lists one a line, after a heading."""
    lines = [line.strip() for line in str(wrong).splitlines() if line.strip()]
    listed = lines[1:2] if len(lines) > 1 else lines
    return listed[0].rstrip(".") if listed else type(wrong).__name__


def _only(nodes: dict[str, Any], kind: str) -> Any:
    found = [node for node in nodes.values() if node.type == kind]
    if len(found) != 1:
        raise DocumentInvalid(f"has {len(found)} nodes of type '{kind}', and must have one")
    return found[0]


def _check_mounts(worker: Any, data: str, results: str) -> None:
    mounts: dict[str, Any] = {}
    for requirement in worker.requirements:
        mounts.update(requirement)
    if len(worker.requirements) != len(mounts) or set(mounts) != {"data", "results"}:
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


def _software(node: Any) -> SoftwareNode:
    return SoftwareNode(
        recipe=_text(node.get_property_value("recipe"), "recipe"),
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


def _days(policies: list[Any]) -> int:
    lifetimes = [policy for policy in policies if policy.type == types.LIFETIME]
    if len(lifetimes) != 1 or len(policies) != 1:
        raise DocumentInvalid("must have one policy, its lifetime")
    return _whole(lifetimes[0].properties.get("days"), "days")


def _whole(value: object, name: str, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise DocumentInvalid(f"needs a whole number from {least} on as '{name}'")
    return value


def _gigabytes(value: object, name: str) -> int:
    from toscaparser.elements.scalarunit import ScalarUnit_Size

    if not isinstance(value, str):
        raise DocumentInvalid(f"needs a size with its unit as '{name}'")
    return _whole(int(ScalarUnit_Size(value).get_num_from_scalar_unit("GB")), f"{name} in GB")


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise DocumentInvalid(f"needs a text as '{name}'")
    return value
