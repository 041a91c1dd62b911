"""Rows of persons, small cells and cells that a spreadsheet would run."""

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Final

from voxpop.result.egress.layers import Form, Layer, Opened
from voxpop.result.egress.signatures import Signature, signature
from voxpop.result.egress.tables import Cell, Table, Unreadable, tables_of

SMALLEST_SHOWN: Final = 10
"""Counts below it are not shown, as in the cohort's counts."""

_IDENTIFIERS: Final = frozenset(
    {
        *("participant", "participant_id", "participants_id", "subject", "subject_id", "sub", "patient", "patient_id"),
        *("session", "session_id", "ses", "person", "person_id", "case_id", "record_id", "paciente", "sujeto"),
    }
)
_COUNTS: Final = frozenset(
    {
        *("n", "count", "counts", "participants", "patients", "subjects", "persons", "people", "individuals", "cases"),
        *("freq", "frequency", "pacientes", "casos", "participantes", "sujetos", "personas", "recuento", "frecuencia"),
    }
)
_COUNTS_ALONE: Final = frozenset({"number", "num", "no", "nr", "total", "número", "numero"})
_WORD = re.compile(r"[^\W\d_]+")
_COUNT = re.compile(r"\s*(\d{1,9})(?:\.0+)?\s*(?:$|[(/\[]|of\b|de\b)", re.IGNORECASE)
_SPLIT_COUNT = re.compile(r"\s*\d{1,9} [^\W\d_]{1,12}(?:\s*[,;/]\s*\d{1,9} [^\W\d_]{1,12})*\s*$")
_LABEL = re.compile(r"(?<![A-Za-z0-9])sub-([0-9A-Za-z]{1,64})")
_WORDS = re.compile(r"[0-9A-Za-z]{4,64}")
_IMAGES: Final = frozenset({Signature.PNG, Signature.JPEG})
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?\s*%?$|[+-]$|[+-]?(?:inf|nan)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cohort:
    """What is known of the participants: pseudonyms without ``sub-``, and groups, with small letters."""

    labels: Set[str]
    groups: Set[str]


def names_participants(layer: Layer, labels: Set[str]) -> bool:
    """Say whether a text holds a participant's pseudonym, with or without ``sub-``."""
    text = layer.text
    return any(_is_label(found[1], labels) for found in _LABEL.finditer(text)) or (
        bool(labels) and any(found[0].lower() in labels for found in _WORDS.finditer(text))
    )


def holds_rows(opened: Opened, cohort: Cohort) -> bool:
    """Say whether a file tells of participants one by one; the name of an image is not enough."""
    is_image = signature(opened.head) in _IMAGES or opened.is_nifti
    layers = opened.layers[1:] if is_image else opened.layers
    if any(names_participants(layer, cohort.labels) for layer in layers if _is_read(layer)):
        return True
    return any(_has_identifier(table) for table in tables(opened))


def tables(opened: Opened) -> Iterator[Table]:
    """Yield the tables of a file as far as they can be read."""
    for layer in opened.layers:
        try:
            yield from tables_of(layer)
        except Unreadable:
            continue  # said by the check of kinds


def small_cells(table: Table, groups: Set[str]) -> int:
    """Count the cells of a table that tell of at least one and fewer than ten persons."""
    counts = [at for at, column in enumerate(table.columns) if is_count(column, groups)]
    found = 0
    for row in table.rows:
        found += sum(is_small(row[at]) for at in counts if at < len(row))
        found += sum(_is_small_split(cell) for cell in row)
    return found


def is_count(column: str, groups: Set[str] = frozenset()) -> bool:
    """Say whether a column's name reads as that of a count.

    Examples
    --------
    >>> [is_count(name) for name in ("n", "N (%)", "n_control", "number of patients", "mean_hu", "instances")]
    [True, True, True, True, False, False]
    """
    words = _WORD.findall(column.lower())
    alone = len(words) == 1 and words[0] in _COUNTS_ALONE
    return alone or bool(_COUNTS.intersection(words)) or column.strip().lower() in groups


def is_small(cell: Cell) -> bool:
    """Say whether a cell is a whole number from one to nine.

    Examples
    --------
    >>> [is_small(cell) for cell in (3, "9 (40 %)", "4/12", "0", "10", "3.7", "<10", None, True)]
    [True, True, True, False, False, False, False, False, False]
    """
    if isinstance(cell, bool) or cell is None:
        return False
    if isinstance(cell, int | float):
        return 0 < cell < SMALLEST_SHOWN and cell == int(cell)
    found = _COUNT.match(cell)
    return found is not None and 0 < int(found[1]) < SMALLEST_SHOWN


def formulas(layer: Layer) -> int:
    """Count the cells of a separated table that a spreadsheet would run as a formula."""
    if layer.form not in {Form.TABS, Form.COMMAS}:
        return 0
    try:
        (table,) = tables_of(layer)
    except Unreadable:
        return 0
    rows: Sequence[Sequence[Cell]] = [table.columns, *table.rows]
    return sum(
        bool(isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.match(cell)) for row in rows for cell in row
    )


def _is_label(word: str, labels: Set[str]) -> bool:
    # "sub-volume" is a word, where the participants are known.
    return not labels or word.lower() in labels or any(char.isdigit() for char in word)


def _is_read(layer: Layer) -> bool:
    return not layer.pixels or layer.form is not Form.BINARY


def _has_identifier(table: Table) -> bool:
    return bool(table.rows) and any(
        column.strip().lower().replace(" ", "_") in _IDENTIFIERS for column in table.columns
    )


def _is_small_split(cell: Cell) -> bool:
    """Say whether a cell such as ``8 F, 4 M`` holds a small count; units are no persons."""
    if not isinstance(cell, str) or not _SPLIT_COUNT.match(cell):
        return False
    words = [word.lower() for word in _WORD.findall(cell)]
    sexes = {"f", "m", "o", "female", "male", "women", "men", "mujeres", "hombres"}
    return sexes.issuperset(words) and any(0 < int(number) < SMALLEST_SHOWN for number in re.findall(r"\d+", cell))
