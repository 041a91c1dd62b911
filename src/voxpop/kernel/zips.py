"""What Python raises on a zip archive that is damaged, locked, or no archive at all."""

import lzma
import zipfile
import zlib

BROKEN_ZIP: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,  # no archive, cut directory, wrong checksum
    RuntimeError,  # locked by a password; and a kind of it: packed by a method that is not known
    EOFError,  # cut in a member
    ValueError,  # an offset before the beginning
    OSError,  # a member packed by bzip2 that is damaged; a seek that the file refuses
    zlib.error,  # a member packed by deflate that is damaged
    lzma.LZMAError,  # a member packed by lzma that is damaged
)
"""`zipfile` passes on what the decompressors say, and has no error of its own for it.

Whoever catches them reads one archive from outside and says of it alone that it cannot be read.
"""
