"""The machine itself as a site: a working area, the volume read-only, a results folder, and jobs in a sandbox."""

from voxpop.backends.site.local.machine import Machine, this_machine
from voxpop.backends.site.local.site import LocalSite, open_site

__all__ = ["LocalSite", "Machine", "open_site", "this_machine"]
