"""One file being opened: what was seen, what stood against it, and how much may still be inflated."""

import bz2
import lzma
import zlib

from voxpop.result.egress.layers import Layer
from voxpop.result.egress.model import Finding, Limits, Severity

GZIP_ONLY = 16 + zlib.MAX_WBITS
_CHUNK = 2**20


class Opening:
    """The layers and faults of one file so far.

    Parameters
    ----------
    path : str
        Relative to the run's results.
    limits : Limits
    """

    def __init__(self, path: str, limits: Limits) -> None:
        self.path = path
        self.limits = limits
        self.layers: list[Layer] = []
        self.faults: dict[Finding, None] = {}
        self.pictures = 0
        self._left = limits.inflated_bytes

    def fault(self, check: str, sentence: str) -> None:
        """Keep what stops the file; the same again is once."""
        self.faults[Finding(self.path, check, Severity.STOPS, sentence)] = None

    def inflated(self, compressed: bytes, wbits: int, what: str) -> tuple[bytes, bytes]:
        """Inflate a deflate stream within the limits.

        Returns
        -------
        tuple of bytes
            The content, and what lies behind the stream's end; both empty, with a fault, where it cannot be opened.
        """
        engine = zlib.decompressobj(wbits)
        parts: list[bytes] = []
        rest = compressed
        try:
            while rest and not engine.eof:
                parts.append(engine.decompress(rest, _CHUNK))
                rest = engine.unconsumed_tail
                if not self._take(len(parts[-1])):
                    return b"", b""
            parts.append(engine.flush())
        except zlib.error:
            return self._unreadable(what)
        if not engine.eof or not self._take(len(parts[-1])):
            return self._unreadable(what)
        return b"".join(parts), engine.unused_data

    def unpacked(self, compressed: bytes, engine: "lzma.LZMADecompressor | bz2.BZ2Decompressor", what: str) -> bytes:
        """Open an xz or bzip2 stream within the limits; empty, with a fault, where it cannot be opened."""
        try:
            content = engine.decompress(compressed, self._left + 1)
        except (lzma.LZMAError, OSError):
            return self._unreadable(what)[0]
        return content if self._take(len(content)) else b""

    def room(self) -> int:
        """Return how many bytes may still be inflated."""
        return self._left

    def took(self, size: int) -> bool:
        """Count inflated bytes; false, with a fault, where they are too many."""
        return self._take(size)

    def _take(self, size: int) -> bool:
        self._left -= size
        if self._left >= 0:
            return True
        most = self.limits.inflated_bytes // 2**20
        self.fault("archive", f"holds more than {most} MiB once it is opened: it cannot be vouched for, leave it out")
        self._left = 0
        return False

    def _unreadable(self, what: str) -> tuple[bytes, bytes]:
        self.fault("archive", f"{what} cannot be opened, so it cannot be vouched for: leave the file out")
        return b"", b""
