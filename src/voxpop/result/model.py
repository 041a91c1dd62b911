"""What a report is made of, and the way back from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from voxpop.kernel.digests import Json
from voxpop.kernel.ids import RunId


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
class Exclusion:
    """A participant whom the pipeline left out, and why."""

    participant: str
    reason: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What a pipeline itself has to say: the part of a report that it writes."""

    title: str
    subtitle: str
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
    methods: tuple[str, ...]
    exclusions: tuple[Exclusion, ...]
    key_figure: Figure | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report, before any engine has set it.

    Parameters
    ----------
    digests : mapping of str to str
        What the report rests on, by name, as SHA-256.
    run : RunId
        The run that it tells of; the PDF carries it, so that it can be traced.
    key_figure : Figure or None
        Shown on the first page.
    """

    title: str
    subtitle: str
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
    digests: Mapping[str, str]
    run: RunId
    key_figure: Figure | None = None


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A file of a run's results; ``path`` is relative to the results folder."""

    run: RunId
    kind: str
    path: str
    sha256: str
    bytes: int = 0


class Kind(StrEnum):
    """A link of the chain, from the result back to the decision."""

    RESULT = "result"
    RUN = "run"
    APPLIANCE = "appliance"
    VOLUME = "volume"
    STAGING = "staging"
    COHORT = "cohort"
    APPLICATION = "application"


@dataclass(frozen=True, slots=True)
class Reference:
    """What one link says of another: its id, and the digest that it was built on; empty where it noted none."""

    id: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain as it was recorded, and as it is found now.

    Parameters
    ----------
    digest : str
        SHA-256 that was recorded when it was made.
    found : str
        SHA-256 of what lies there now; empty where nothing does.
    facts : mapping
        What to show; pseudonyms and counts, never identity.
    refers : mapping of Kind to Reference
        The links that it was built on.
    """

    id: str
    digest: str
    found: str
    facts: Mapping[str, Json] = field(default_factory=dict)
    refers: Mapping[Kind, Reference] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step of the way back.

    Parameters
    ----------
    checked : bool
        Whether what is there now has the digest that was recorded, and the digest that the link before names.
    fault : str
        Why not, in one clause; empty where it is checked.
    """

    kind: str
    id: str
    digest: str
    facts: Mapping[str, Json]
    checked: bool
    fault: str = ""


Trace = Sequence[TraceStep]
