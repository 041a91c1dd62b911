"""HTCondor, asked by its own commands on the front end."""

from voxpop.backends.batch.htcondor.queue import HTCondor

__all__ = ["HTCondor"]
