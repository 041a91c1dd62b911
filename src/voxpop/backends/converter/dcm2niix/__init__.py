"""DICOM to NIfTI by dcm2niix, and the deterministic gzip around it."""

from voxpop.backends.converter.dcm2niix.compression import Compressed, gzip_nifti
from voxpop.backends.converter.dcm2niix.converter import Dcm2niix, open_converter
from voxpop.backends.converter.dcm2niix.errors import ConversionRefused

__all__ = ["Compressed", "ConversionRefused", "Dcm2niix", "gzip_nifti", "open_converter"]
