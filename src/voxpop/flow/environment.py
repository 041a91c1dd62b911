"""From an application's software and compute to an appliance's environment."""

from voxpop.appliance.model import Environment
from voxpop.application.model import Application


def environment_of(application: Application) -> Environment:
    """Return the environment that an application asks for."""
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
    )
