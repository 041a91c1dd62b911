"""HTCondor, asked by its own commands on the front end."""

from voxpop.backends.batch.htcondor.queue import HTCondor, open_batch

__all__ = ["HTCondor", "open_batch"]
