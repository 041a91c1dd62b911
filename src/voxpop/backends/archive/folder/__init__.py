"""A folder of DICOM files as an archive."""

from voxpop.backends.archive.folder.archive import FolderArchive, open_archive

__all__ = ["FolderArchive", "open_archive"]
