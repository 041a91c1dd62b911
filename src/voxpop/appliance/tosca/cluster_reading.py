"""Reading a document with a front end and workers; whatever voxpop would not have written in it is refused."""

from typing import Any

from voxpop.appliance.errors import DocumentInvalid
from voxpop.appliance.model import Environment, Workers
from voxpop.appliance.tosca import cluster, types
from voxpop.appliance.tosca.blueprint import Blueprint
from voxpop.appliance.tosca.checking import check_mounts, gigabytes, only_node, software_nodes, text, whole
from voxpop.appliance.tosca.cluster import Elasticity
from voxpop.kernel.digests import Json


def cluster_blueprint(content: dict[str, Any], template: Any) -> Blueprint:
    """Read what tosca-parser made of a document, ``template``, and compare the document with what voxpop writes.

    Raises
    ------
    DocumentInvalid
    """
    nodes = {node.name: node for node in template.nodetemplates}
    group = only_node(nodes, types.WORKER_GROUP)
    data = only_node(nodes, types.DATA_VOLUME)
    results = only_node(nodes, types.RESULTS_VOLUME)
    for machine in (only_node(nodes, types.CLUSTER_FRONT_END), group):
        check_mounts(machine, data.name, results.name, in_network=True)
    workers = _workers(group)
    software = software_nodes(nodes)
    if sum(node.is_queue for node in software) != 1:
        raise DocumentInvalid(f"must have one node of type '{types.BATCH_QUEUE}', for its workers")
    policies = {policy.type: policy.properties for policy in template.policies}
    if len(template.policies) != len(policies) or set(policies) != {types.LIFETIME, types.ELASTICITY}:
        raise DocumentInvalid("must have two policies, its lifetime and its elasticity")
    limits = policies[types.ELASTICITY]
    elasticity = Elasticity(**{name: whole(limits.get(name), name) for name in Elasticity.__slots__})
    environment = Environment(
        name=text(content["metadata"].get("environment"), "metadata"),
        recipes=tuple(node.recipe for node in software),
        cores=workers.most * workers.cores,
        memory_gb=workers.most * workers.memory_gb,
        gpus=workers.most * workers.gpus,
        storage_gb=gigabytes(results.get_property_value("size"), "size"),
        days=whole(policies[types.LIFETIME].get("days"), "days"),
        pipeline=text(only_node(nodes, types.PIPELINE).get_property_value("pipeline"), "pipeline"),
        workers=workers,
    )
    blueprint = Blueprint(
        application=text(content["metadata"].get("template_name"), "metadata"),
        environment=environment,
        volume_digest=data.get_property_value("sha256"),
        software=software,
        elasticity=elasticity,
    )
    _check_topology(content["topology_template"], blueprint, elasticity)
    return blueprint


def _workers(group: Any) -> Workers:
    host, scalable = (group.get_capabilities()[name] for name in ("host", "scalable"))
    most = whole(scalable.get_property_value("max_instances"), "max_instances")
    least = whole(scalable.get_property_value("min_instances"), "min_instances", least=0)
    if least > most:
        raise DocumentInvalid("has fewer workers at the most than at the least")
    return Workers(
        least=least,
        most=most,
        cores=whole(host.get_property_value("num_cpus"), "num_cpus"),
        memory_gb=gigabytes(host.get_property_value("mem_size"), "mem_size"),
        gpus=whole(host.get_property_value("num_gpus"), "num_gpus", least=0),
    )


def _check_topology(topology: dict[str, Any], blueprint: Blueprint, elasticity: Elasticity) -> None:
    """Refuse whatever voxpop would not have written for what was read, but for its inputs' values."""
    expected = cluster.topology(blueprint.environment, blueprint.volume_digest, blueprint.software, elasticity)
    for name, given in expected["inputs"].items():
        found = topology.get("inputs", {})
        value = found.get(name, {}).get("default") if isinstance(found, dict) else None
        if type(value) is type(given["default"]):
            given["default"] = value
    place = _difference(topology, expected)
    if place:
        raise DocumentInvalid(f"is not as voxpop writes it in '{place}'")


def _difference(found: Json, expected: Json) -> str:
    """Return the path of the first part in which two values differ; empty where they are the same."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in sorted({*found, *expected}, key=str):
            if key not in found or key not in expected:
                return str(key)
            below = _difference(found[key], expected[key])
            if below:
                return str(key) if below == "." else f"{key}.{below}"
        return ""
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        return next(filter(None, map(_difference, found, expected)), "")
    return "" if type(found) is type(expected) and found == expected else "."
