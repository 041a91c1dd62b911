"""From an application's software and compute to an appliance's environment."""

from math import gcd

from voxpop.appliance.model import Environment, Workers
from voxpop.application.model import Application, ComputeRequest, WorkerRange


def environment_of(application: Application, *, queue: bool) -> Environment:
    """Return the environment that an application asks for.

    Parameters
    ----------
    queue : bool
        Whether a batch queue is among the software; only then are there workers.
    """
    compute = application.compute
    return Environment(
        name=application.id,
        recipes=application.software,
        cores=compute.cores,
        memory_gb=compute.memory_gb,
        gpus=compute.gpus,
        storage_gb=compute.storage_gb,
        days=compute.days,
        pipeline=application.pipeline,
        workers=_workers(compute) if queue else None,
    )


def _workers(compute: ComputeRequest) -> Workers:
    """Divide the totals; where nothing is said, among as many as share them evenly: one a core, most often."""
    spread = compute.workers or WorkerRange(0, gcd(compute.cores, compute.memory_gb, compute.gpus))
    return Workers(
        least=spread.least,
        most=spread.most,
        cores=compute.cores // spread.most,
        memory_gb=compute.memory_gb // spread.most,
        gpus=compute.gpus // spread.most,
    )
