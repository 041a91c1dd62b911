"""Site im: clouds that an Infrastructure Manager drives, asked by its REST interface alone."""

from voxpop.backends.site.im.site import ImSite, open_site

__all__ = ["ImSite", "open_site"]
