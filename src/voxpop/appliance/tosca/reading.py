"""Reading a TOSCA document as what a site must deploy; whatever is not ours in it is refused."""

from copy import deepcopy
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from voxpop.appliance.errors import DocumentInvalid
from voxpop.appliance.model import Environment
from voxpop.appliance.tosca import types
from voxpop.appliance.tosca.blueprint import Blueprint
from voxpop.appliance.tosca.checking import check_mounts, gigabytes, only_node, software_nodes, text, whole
from voxpop.appliance.tosca.cluster_reading import cluster_blueprint

LONGEST_DOCUMENT = 1_000_000  # characters
_SECTIONS = frozenset({"tosca_definitions_version", "metadata", "description", "topology_template"})
_TOPOLOGY = frozenset({"description", "node_templates", "policies", "outputs"})
_NODE = frozenset({"type", "description", "properties", "capabilities", "requirements"})


def read(document: str) -> Blueprint:
    """Read a document by tosca-parser, after our own checks.

    Raises
    ------
    DocumentInvalid
        If it is no TOSCA, imports or fetches anything, holds a type that voxpop does not know or defines one of ours
        otherwise, lacks a part, or gives the right to write to the data.
    """
    content = _content(document)
    is_cluster = "capability_types" in content
    _check_sections(content, is_cluster=is_cluster)
    topology = content["topology_template"]
    _check_nodes(topology["node_templates"], types.KNOWN_NODES_OF_CLUSTERS if is_cluster else types.KNOWN_NODES)
    template = _parsed(content)
    return cluster_blueprint(content, template) if is_cluster else _plain_blueprint(content, template)


def _plain_blueprint(content: dict[str, Any], template: Any) -> Blueprint:
    nodes = {node.name: node for node in template.nodetemplates}
    worker = only_node(nodes, types.WORKER)
    data = only_node(nodes, types.DATA_VOLUME)
    results = only_node(nodes, types.RESULTS_VOLUME)
    check_mounts(worker, data.name, results.name)
    host = worker.get_capabilities()["host"]
    software = software_nodes(nodes)
    environment = Environment(
        name=text(content["metadata"].get("environment"), "metadata"),
        recipes=tuple(node.recipe for node in software),
        cores=whole(host.get_property_value("num_cpus"), "num_cpus"),
        memory_gb=gigabytes(host.get_property_value("mem_size"), "mem_size"),
        gpus=whole(worker.get_property_value("gpus"), "gpus", least=0),
        storage_gb=gigabytes(results.get_property_value("size"), "size"),
        days=_days(template.policies),
        pipeline=text(only_node(nodes, types.PIPELINE).get_property_value("pipeline"), "pipeline"),
    )
    application = text(content["metadata"].get("template_name"), "metadata")
    return Blueprint(application, environment, data.get_property_value("sha256"), software)


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


def _check_sections(content: dict[str, Any], *, is_cluster: bool) -> None:
    ours = types.cluster_type_sections() if is_cluster else types.type_sections()
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
    known = _TOPOLOGY | {"inputs"} if is_cluster else _TOPOLOGY
    unknown = sorted(str(name) for name in set(topology) - known)
    if unknown:
        raise DocumentInvalid(f"has the topology section '{unknown[0]}', which no site may follow")


def _check_nodes(nodes: dict[str, Any], known: frozenset[str]) -> None:
    for name, node in nodes.items():
        kind = node.get("type") if isinstance(node, dict) else None
        if not isinstance(kind, str) or kind not in known:
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


def _days(policies: list[Any]) -> int:
    lifetimes = [policy for policy in policies if policy.type == types.LIFETIME]
    if len(lifetimes) != 1 or len(policies) != 1:
        raise DocumentInvalid("must have one policy, its lifetime")
    return whole(lifetimes[0].properties.get("days"), "days")
