"""What pydicom raises on bytes that are damaged, or no DICOM at all."""

import struct
import zlib

from pydicom.errors import InvalidDicomError

BROKEN: tuple[type[Exception], ...] = (
    InvalidDicomError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    NotImplementedError,  # pydicom.hooks.raw_element_value: a value representation that no standard has
    struct.error,
    zlib.error,
)
"""Its readers have no error of their own for damaged bytes: these are what truncated and mutated files gave.

Whoever catches them reads one file from outside and says of that file alone that it cannot be read.
"""
