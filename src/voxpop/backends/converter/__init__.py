"""Converters from DICOM to NIfTI: one folder a tool."""
