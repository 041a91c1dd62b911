"""An archive that speaks DIMSE: C-ECHO, C-FIND, C-GET and C-MOVE (PS3.4, PS3.7)."""

from voxpop.backends.archive.dimse.archive import DimseArchive, open_archive

__all__ = ["DimseArchive", "open_archive"]
