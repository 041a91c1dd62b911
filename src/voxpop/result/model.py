"""What a report is made of, and the way back from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from voxpop.kernel.digests import Json


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column; ``unit`` is shown under the name."""

    name: str
    unit: str = ""
    align: str = "left"


@dataclass(frozen=True, slots=True)
class Table:
    """A table; every row has a cell for each column, as text ready to read."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture (PNG or SVG) with its caption and what it shows in words."""

    path: Path
    caption: str
    alt: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report."""

    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report, before any engine has set it."""

    title: str
    subtitle: str
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step of the way back: what it is, its id, its digest, and facts to show."""

    kind: str
    id: str
    digest: str
    facts: Mapping[str, Json]
    checked: bool


Trace = Sequence[TraceStep]
