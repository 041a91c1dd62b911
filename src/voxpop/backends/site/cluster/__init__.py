"""Site cluster: a Slurm or HTCondor that others keep, asked by its own commands, here or by ssh."""

from voxpop.backends.site.cluster.site import ClusterSite, open_site

__all__ = ["ClusterSite", "open_site"]
