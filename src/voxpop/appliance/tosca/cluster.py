"""The topology of an environment with a queue: a front end, a group of workers, and their network.

What differs from site to site are its inputs: the image, and how many workers are there now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from voxpop.appliance.model import Environment, Workers
from voxpop.appliance.tosca import types
from voxpop.appliance.tosca.parts import SoftwareNode, mounts

IMAGE = "image"
WORKERS = "workers"
DEFAULT_IMAGE = "debian-13"

FRONT = "front"
"""The front end's name in the appliance's network."""

_IDLE_S = 60
_FRONT_END_CORES = 1
_FRONT_END_MEMORY_GB = 2
_HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True)
class Elasticity:
    """What keeps the number of workers in its bounds.

    Parameters
    ----------
    idle_s : int
        A worker goes that has had no job for so long.
    jobs_per_worker : int
        Jobs of one core that a worker runs at the same time.
    worker_hours : int
        That are granted in all.
    """

    idle_s: int
    jobs_per_worker: int
    worker_hours: int


def granted(environment: Environment) -> Elasticity:
    """Return what an environment is granted: all its workers on all its days."""
    workers = _workers(environment)
    return Elasticity(_IDLE_S, workers.cores, workers.most * environment.days * _HOURS_A_DAY)


def topology(
    environment: Environment, volume_digest: str, software: Sequence[SoftwareNode], elasticity: Elasticity
) -> dict[str, Any]:
    """Write the section ``topology_template``."""
    workers = _workers(environment)
    queue = next(node.recipe for node in software if node.is_queue)
    return {
        "inputs": _inputs(workers),
        "node_templates": {
            types.NETWORK_NAME: {"type": types.PRIVATE_NETWORK},
            types.FRONT_END_NAME: _machine(
                types.CLUSTER_FRONT_END,
                {"num_cpus": _FRONT_END_CORES, "mem_size": f"{_FRONT_END_MEMORY_GB} GB", "num_gpus": 0},
                {"network_name": "PUBLIC", "dns_name": FRONT},
                {"min_instances": 1, "max_instances": 1, "count": 1},
            ),
            types.WORKER_NAME: _machine(
                types.WORKER_GROUP,
                {"num_cpus": workers.cores, "mem_size": f"{workers.memory_gb} GB", "num_gpus": workers.gpus},
                {"network_name": "PRIVATE", "dns_name": "w#N#"},
                {
                    "min_instances": workers.least,
                    "max_instances": workers.most,
                    "count": {"get_input": WORKERS},
                },
            ),
            types.DATA_NAME: {"type": types.DATA_VOLUME, "properties": {"sha256": volume_digest}},
            types.RESULTS_NAME: {"type": types.RESULTS_VOLUME, "properties": {"size": f"{environment.storage_gb} GB"}},
            **{node.recipe: node.node_template(types.WORKER_NAME) for node in software},
            types.PIPELINE_NAME: {
                "type": types.PIPELINE,
                "properties": {"pipeline": environment.pipeline},
                "requirements": [{"host": types.WORKER_NAME}],
            },
        },
        "policies": _policies(environment.days, elasticity),
        "outputs": _outputs(queue),
    }


def _workers(environment: Environment) -> Workers:
    if environment.workers is None:
        raise ValueError("an environment without workers is no cluster")
    return environment.workers


def _inputs(workers: Workers) -> dict[str, Any]:
    return {
        IMAGE: {
            "type": "string",
            "description": "What every machine is started from, as the site calls it.",
            "default": DEFAULT_IMAGE,
        },
        WORKERS: {
            "type": "integer",
            "description": "How many workers are there now.",
            "default": workers.least,
            "constraints": [{"in_range": [0, workers.most]}],
        },
    }


def _machine(kind: str, host: dict[str, Any], address: dict[str, Any], scalable: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": kind,
        "capabilities": {
            "host": {"properties": host},
            "os": {"properties": {"type": "linux", "image": {"get_input": IMAGE}}},
            "endpoint": {"properties": address},
            "scalable": {"properties": scalable},
        },
        "requirements": [{"network": types.NETWORK_NAME}, *mounts()],
    }


def _policies(days: int, elasticity: Elasticity) -> list[dict[str, Any]]:
    lifetime = {"type": types.LIFETIME, "targets": [types.WORKER_NAME], "properties": {"days": days}}
    scaling = {
        "type": types.ELASTICITY,
        "targets": [types.WORKER_NAME],
        "properties": {
            "idle_s": elasticity.idle_s,
            "jobs_per_worker": elasticity.jobs_per_worker,
            "worker_hours": elasticity.worker_hours,
        },
    }
    return [{"lifetime": lifetime}, {"elasticity": scaling}]


def _outputs(queue: str) -> dict[str, Any]:
    worker = types.WORKER_NAME
    return {
        "front_end": {
            "description": "Where the front end is reached.",
            "value": {"get_attribute": [types.FRONT_END_NAME, "public_address"]},
        },
        "queue": {"description": "The batch queue.", "value": {"get_property": [queue, "recipe"]}},
        "workers_least": {
            "description": "Workers that are there while the queue is empty.",
            "value": {"get_property": [worker, "scalable", "min_instances"]},
        },
        "workers_most": {
            "description": "Workers at the peak.",
            "value": {"get_property": [worker, "scalable", "max_instances"]},
        },
        "cores": {
            "description": "Cores of each worker.",
            "value": {"get_property": [worker, "host", "num_cpus"]},
        },
        "memory": {
            "description": "Memory of each worker.",
            "value": {"get_property": [worker, "host", "mem_size"]},
        },
        "data": {
            "description": "SHA-256 of the manifest of the volume that jobs read.",
            "value": {"get_property": [types.DATA_NAME, "sha256"]},
        },
    }
