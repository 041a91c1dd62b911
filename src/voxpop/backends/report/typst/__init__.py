"""Reports as PDF/UA-1, set by Typst in this process, offline, with the fonts that it brings."""

from voxpop.backends.report.typst.typesetter import TypstTypesetter, open_typesetter

__all__ = ["TypstTypesetter", "open_typesetter"]
