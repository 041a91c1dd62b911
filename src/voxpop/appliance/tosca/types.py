"""The types of ours that every document carries, and the names of its parts."""

from functools import cache
from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML

VERSION = "tosca_simple_yaml_1_3"

FRONT_END = "voxpop.nodes.FrontEnd"
WORKER = "voxpop.nodes.Worker"
DATA_VOLUME = "voxpop.nodes.DataVolume"
RESULTS_VOLUME = "voxpop.nodes.ResultsVolume"
TOOL = "voxpop.nodes.Tool"
BATCH_QUEUE = "voxpop.nodes.BatchQueue"
PORTAL = "voxpop.nodes.Portal"
PIPELINE = "voxpop.nodes.Pipeline"
MOUNTS = "voxpop.relationships.Mounts"
LIFETIME = "voxpop.policies.Lifetime"
CLUSTER_FRONT_END = "voxpop.nodes.ClusterFrontEnd"
WORKER_GROUP = "voxpop.nodes.WorkerGroup"
PRIVATE_NETWORK = "voxpop.nodes.PrivateNetwork"
ELASTICITY = "voxpop.policies.Elasticity"

SOFTWARE = frozenset({TOOL, BATCH_QUEUE, PORTAL})
ON_FRONT_END = frozenset({BATCH_QUEUE, PORTAL})
KNOWN_NODES = SOFTWARE | {FRONT_END, WORKER, DATA_VOLUME, RESULTS_VOLUME, PIPELINE}
KNOWN_NODES_OF_CLUSTERS = SOFTWARE | {
    CLUSTER_FRONT_END,
    WORKER_GROUP,
    PRIVATE_NETWORK,
    DATA_VOLUME,
    RESULTS_VOLUME,
    PIPELINE,
}

# names of recipes have no underscore, so that these never meet one
FRONT_END_NAME = "front_end"
WORKER_NAME = "worker_node"
DATA_NAME = "data_volume"
RESULTS_NAME = "results_volume"
PIPELINE_NAME = "analysis_pipeline"
NETWORK_NAME = "private_network"

_ONE_MACHINE_ALONE = frozenset({FRONT_END, WORKER})


@cache
def type_sections() -> dict[str, Any]:
    """Return the types of a document without workers of its own, section by section, as they stand in it."""
    return _sections("types.yaml")


@cache
def cluster_type_sections() -> dict[str, Any]:
    """Return the types of a document with a front end and workers, section by section, as they stand in it."""
    plain, elastic = type_sections(), _sections("elastic.yaml")
    shared = {name: kind for name, kind in plain["node_types"].items() if name not in _ONE_MACHINE_ALONE}
    return {
        "capability_types": elastic["capability_types"],
        "relationship_types": plain["relationship_types"],
        "node_types": {**shared, **elastic["node_types"]},
        "policy_types": {**plain["policy_types"], **elastic["policy_types"]},
    }


def _sections(file: str) -> dict[str, Any]:
    text = files("voxpop.appliance.tosca").joinpath(file).read_text(encoding="utf-8")
    sections: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return sections
