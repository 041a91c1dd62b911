"""An archive that speaks DICOMweb: QIDO-RS to ask what there is, WADO-RS to fetch it (PS3.18)."""

from voxpop.backends.archive.dicomweb.archive import DicomwebArchive, open_archive

__all__ = ["DicomwebArchive", "open_archive"]
