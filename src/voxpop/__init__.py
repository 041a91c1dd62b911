"""voxpop: de-identified slices of a region's medical images, with the chain of proof."""

from importlib.metadata import version

__version__ = version("voxpop")
