"""A file as the checks see it: the bytes that a reader of any kind would get to see."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from voxpop.result.egress.model import Finding


class Form(StrEnum):
    """How the bytes of a layer are read."""

    TEXT = "text"
    JSON = "json"
    TABS = "tab-separated"
    COMMAS = "comma-separated"
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class Layer:
    """Some bytes of a file: as it lies there, or what is behind its compression, or its text.

    Parameters
    ----------
    name : str
        For people: ``the file``, ``text of the PDF``.
    form : Form
        BINARY is searched for known values and secrets alone: patterns would meet in it by chance.
    pixels : tuple of (int, int)
        Stretches of bytes that are samples of an image, or compressed.
    """

    name: str
    content: bytes
    form: Form = Form.BINARY
    pixels: tuple[tuple[int, int], ...] = ()

    @property
    def text(self) -> str:
        """The bytes as text, what is no UTF-8 replaced."""
        return self.content.decode("utf-8", "replace")

    def outside_pixels(self) -> Iterator[bytes]:
        """Yield the stretches of bytes that are no samples of an image."""
        at = 0
        for start, end in self.pixels:
            yield self.content[at:start]
            at = end
        yield self.content[at:]


@dataclass(frozen=True, slots=True)
class Opened:
    """A file of a request, opened as far as the limits allow.

    Parameters
    ----------
    path : str
        Relative to the run's results.
    size : int
        In bytes.
    head : bytes
        The first bytes of the file, for its signature.
    layers : tuple of Layer
        The name of the file is one.
    faults : tuple of Finding
        What stood against opening it.
    is_nifti : bool
        Whether it is one gzip layer with a NIfTI image in it.
    pictures : int
        How many images it is or holds.
    """

    path: str
    size: int
    head: bytes
    layers: tuple[Layer, ...]
    faults: tuple[Finding, ...]
    is_nifti: bool = False
    pictures: int = 0
