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

SOFTWARE = frozenset({TOOL, BATCH_QUEUE, PORTAL})
ON_FRONT_END = frozenset({BATCH_QUEUE, PORTAL})
KNOWN_NODES = SOFTWARE | {FRONT_END, WORKER, DATA_VOLUME, RESULTS_VOLUME, PIPELINE}

# names of recipes have no underscore, so that these never meet one
FRONT_END_NAME = "front_end"
WORKER_NAME = "worker_node"
DATA_NAME = "data_volume"
RESULTS_NAME = "results_volume"
PIPELINE_NAME = "analysis_pipeline"


@cache
def type_sections() -> dict[str, Any]:
    """Return the sections ``relationship_types``, ``node_types`` and ``policy_types``, as they stand in a document."""
    text = files("voxpop.appliance.tosca").joinpath("types.yaml").read_text(encoding="utf-8")
    sections: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return sections
