"""Slurm, asked by its own commands on the front end."""

from voxpop.backends.batch.slurm.queue import Slurm

__all__ = ["Slurm"]
