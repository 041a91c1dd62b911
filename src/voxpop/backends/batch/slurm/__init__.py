"""Slurm, asked by its own commands on the front end."""

from voxpop.backends.batch.slurm.queue import Slurm, open_batch

__all__ = ["Slurm", "open_batch"]
