"""A multipart/related body read as it comes: each part goes to its file, and the body is never whole in memory."""

import re
from typing import BinaryIO

from voxpop.dicom.landing import Landing

HEAD_LIMIT = 65_536  # bytes; more than any server sends as the head of a part
BOUNDARY = re.compile(r"""boundary\s*=\s*(?:"([^"]+)"|([^;\s]+))""", re.IGNORECASE)
LENGTH = re.compile(rb"^content-length\s*:\s*(\d+)\s*$", re.IGNORECASE | re.MULTILINE)
HEAD_END = re.compile(rb"\r?\n\r?\n")


class BrokenMultipart(ValueError):
    """The body ends too early, or is no multipart body."""


def boundary_of(content_type: str) -> bytes:
    """Return the boundary of a multipart content type.

    Raises
    ------
    BrokenMultipart
        If it names none.
    """
    found = BOUNDARY.search(content_type)
    if found is None:
        raise BrokenMultipart("no boundary")
    return (found[1] or found[2]).encode("latin-1")


class InstanceParts:
    """The parser: feed it chunks, then end it.

    Parameters
    ----------
    boundary : bytes
        As the Content-Type names it, without the leading dashes.
    landing : Landing
        Where each part's content is written.

    Notes
    -----
    RFC 2046, 5.1.1. Where a part tells its length, that many bytes are its content whatever they look like:
    pixel data may hold the delimiter of a server with a short boundary.
    """

    def __init__(self, boundary: bytes, landing: Landing) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._landing = landing
        self._buffer = bytearray(b"\r\n")  # so that the first delimiter looks like the others
        self._sink: BinaryIO | None = None
        self._left: int | None = None  # bytes of the part still to come, where its head told
        self._step = self._preamble
        self._over = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body."""
        if self._over:
            return  # RFC 2046: what follows the last delimiter is to be ignored
        self._buffer += chunk
        while self._step():
            pass

    def end(self) -> None:
        """Take note that the body is over.

        Raises
        ------
        BrokenMultipart
            If the last delimiter has not come.
        """
        if self._sink is not None:
            self._sink.close()
        if not self._over:
            raise BrokenMultipart("the body ends before its last delimiter")

    def _preamble(self) -> bool:
        at = self._buffer.find(self._delimiter)
        if at < 0:
            del self._buffer[: max(0, len(self._buffer) - len(self._delimiter))]
            return False
        del self._buffer[: at + len(self._delimiter)]
        self._step = self._after_delimiter
        return True

    def _after_delimiter(self) -> bool:
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] == b"--":
            self._over = True
            self._buffer.clear()
            return False
        self._step = self._head
        return True

    def _head(self) -> bool:
        end = HEAD_END.search(self._buffer)
        if end is None:
            if len(self._buffer) > HEAD_LIMIT:
                raise BrokenMultipart("the head of a part has no end")
            return False
        told = LENGTH.search(self._buffer[: end.start()].replace(b"\r", b""))
        self._left = int(told[1]) if told else None
        del self._buffer[: end.end()]
        self._sink = self._landing.next_part().open("wb")
        self._step = self._content if self._left is None else self._measured
        return True

    def _measured(self) -> bool:
        if self._left:
            piece = self._buffer[: self._left]
            self._write(piece)
            self._left -= len(piece)
            del self._buffer[: len(piece)]
        if self._left or len(self._buffer) < len(self._delimiter):
            return False
        if not self._buffer.startswith(self._delimiter):
            raise BrokenMultipart("a part is longer than its head tells")
        self._close(0)
        return True

    def _content(self) -> bool:
        at = self._buffer.find(self._delimiter)
        if at >= 0:
            self._write(self._buffer[:at])
            self._close(at)
            return True
        sure = len(self._buffer) - len(self._delimiter)  # the rest may be the start of a delimiter
        if sure > 0:
            self._write(self._buffer[:sure])
            del self._buffer[:sure]
        return False

    def _write(self, piece: bytearray) -> None:
        if self._sink is not None:
            self._sink.write(piece)

    def _close(self, at: int) -> None:
        if self._sink is not None:
            self._sink.close()
            self._sink = None
        del self._buffer[: at + len(self._delimiter)]
        self._step = self._after_delimiter
