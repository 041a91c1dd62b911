"""A Docker engine as a site: images made of recipes, and containers that are there while something runs in them."""

from voxpop.backends.site.docker.site import DockerSite, open_site

__all__ = ["DockerSite", "open_site"]
