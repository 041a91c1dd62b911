"""A test archive: real DICOM files served over the real wire, DIMSE and DICOMweb, from a process of its own."""

from voxpop.demo.archive.model import Faults, Ingest, LeftOut
from voxpop.demo.archive.process import TestArchive

__all__ = ["Faults", "Ingest", "LeftOut", "TestArchive"]
