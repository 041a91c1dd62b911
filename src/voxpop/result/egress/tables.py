"""Tables in files: tab- or comma-separated, and lists or objects of JSON."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from voxpop.kernel.digests import Json
from voxpop.result.egress.layers import Form, Layer

_DELIMITERS = ",;\t|"
_LONGEST_CELL = 2**20
_MOST_COLUMNS = 10_000

Cell: TypeAlias = "str | int | float | bool | None"


@dataclass(frozen=True, slots=True)
class Table:
    """A table; a row may be shorter or longer than the columns."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]


class Unreadable(Exception):
    """The bytes are not the JSON or the table that the file's name says."""


def tables_of(layer: Layer) -> Iterator[Table]:
    """Yield the tables of a layer.

    Raises
    ------
    Unreadable
        If it is not what its name says.
    """
    if layer.form in {Form.TABS, Form.COMMAS}:
        yield _separated(layer)
    elif layer.form is Form.JSON:
        yield from _of_value(_json(layer))


def _separated(layer: Layer) -> Table:
    text = layer.text.removeprefix("\ufeff")
    delimiter = "\t" if layer.form is Form.TABS else _delimiter(text)
    csv.field_size_limit(_LONGEST_CELL)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as broken:
        raise Unreadable from broken
    head = rows[0] if rows else []
    return Table(tuple(head[:_MOST_COLUMNS]), rows[1:])


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(_DELIMITERS, key=head.count)


def _json(layer: Layer) -> Json:
    try:
        value: Json = json.loads(layer.content)
    except (ValueError, RecursionError) as broken:
        raise Unreadable from broken
    return value


def _of_value(value: Json) -> Iterator[Table]:
    """Walk a JSON value without recursion: it may be deep."""
    waiting: list[Json] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            yield from _of_list(one)
            waiting.extend(part for part in one if isinstance(part, list | dict))
        elif isinstance(one, dict):
            yield from _of_object(one)
            waiting.extend(part for part in one.values() if isinstance(part, list | dict))


def _of_list(values: Sequence[Json]) -> Iterator[Table]:
    """A list of objects is a table."""
    rows = [one for one in values if isinstance(one, dict)]
    if rows:
        columns = tuple(dict.fromkeys(key for row in rows for key in row))[:_MOST_COLUMNS]
        yield Table(columns, [[_cell(row.get(column)) for column in columns] for row in rows])


def _of_object(value: Mapping[str, Json]) -> Iterator[Table]:
    """An object with ``columns`` and ``rows`` is a table; any other is one of a single row."""
    columns, rows = value.get("columns"), value.get("rows")
    if isinstance(columns, list) and isinstance(rows, list):
        names = tuple(str(one.get("name", "")) if isinstance(one, dict) else str(one) for one in columns)
        yield Table(names, [[_cell(cell) for cell in row] for row in rows if isinstance(row, list)])
        return
    yield Table(tuple(value), [[_cell(cell) for cell in value.values()]])


def _cell(value: Json) -> Cell:
    return None if isinstance(value, list | dict) else value
