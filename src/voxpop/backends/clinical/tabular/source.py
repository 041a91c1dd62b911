"""Rows of a table as clinical records; the first that cannot be read stops the load, with its place."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb

from voxpop.backends.clinical.tabular.cells import WrongCell, codes, day, number, sex, text
from voxpop.cohort.errors import ClinicalSourceInvalid
from voxpop.cohort.ports import ClinicalRecord

COLUMNS = {
    name: name for name in ("patient_id", "issuer", "birth_date", "sex", "weight_kg", "height_cm", "icd10", "recorded")
}
"""What a record is made of, and the column's name where nothing else is configured."""

REQUIRED = frozenset({"patient_id"})
WEIGHT_KG = (0.3, 400.0)
HEIGHT_CM = (20.0, 260.0)
FETCH = 10_000  # rows
CELL_LIMIT = 1 << 20  # characters


class TabularSource:
    """A CSV file (comma, semicolon or tab; UTF-8) or a Parquet file.

    Parameters
    ----------
    path : Path
        ``.parquet`` is read as Parquet, everything else as CSV.
    columns : mapping of str to str
        Names of the file's columns, by the names in ``COLUMNS``; those not given have their own name.
    """

    def __init__(self, path: Path, columns: Mapping[str, str] | None = None) -> None:
        unknown = sorted(set(columns or {}) - set(COLUMNS))
        if unknown:
            raise ClinicalSourceInvalid(
                path.name, None, "", f"nothing is called {', '.join(unknown)}; there are {', '.join(COLUMNS)}"
            )
        self._path = path
        self._columns = {**COLUMNS, **(columns or {})}
        self._configured = frozenset(columns or {})

    def records(self) -> Iterator[ClinicalRecord]:
        """Yield the records in the file's order.

        Raises
        ------
        ClinicalSourceInvalid
            Naming file, line and column of what cannot be read.
        """
        rows = self._parquet() if self._path.suffix == ".parquet" else self._csv()
        head = self._checked_head(next(rows, (0, []))[1])
        for line, row in rows:
            if not any(row):
                continue
            if len(row) != len(head):
                raise self._wrong(line, "", f"has {len(row)} cells and the head has {len(head)}")
            yield self._record(line, dict(zip(head, row, strict=True)))

    def _record(self, line: int, row: Mapping[str, str]) -> ClinicalRecord:
        cells = {name: row.get(column, "") for name, column in self._columns.items()}
        place = "patient_id"
        try:
            patient = text(cells["patient_id"])
            place = "issuer"
            issuer = text(cells["issuer"], required=False)
            place = "birth_date"
            birth = day(cells["birth_date"])
            place = "sex"
            known_sex = sex(cells["sex"])
            place = "weight_kg"
            weight = number(cells["weight_kg"], *WEIGHT_KG)
            place = "height_cm"
            height = number(cells["height_cm"], *HEIGHT_CM)
            place = "icd10"
            known_codes = codes(cells["icd10"])
            place = "recorded"
            recorded = day(cells["recorded"])
        except WrongCell as error:
            raise self._wrong(line, self._columns[place], str(error)) from error
        return ClinicalRecord(patient, issuer, birth, known_sex, weight, height, known_codes, recorded)

    def _checked_head(self, names: Sequence[str]) -> list[str]:
        head = [name.strip() for name in names]
        if not head:
            raise self._wrong(None, "", "has no head with the names of the columns")
        missing = sorted(
            column
            for name, column in self._columns.items()
            if column not in head and (name in REQUIRED or name in self._configured)
        )
        if missing:
            raise self._wrong(1, missing[0], "there is no such column")
        twice = sorted({name for name in head if name and head.count(name) > 1})
        if twice:
            raise self._wrong(1, twice[0], "stands there twice")
        return head

    def _csv(self) -> Iterator[tuple[int, list[str]]]:
        csv.field_size_limit(CELL_LIMIT)
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as stream:
                first = stream.readline()
                stream.seek(0)
                delimiter = max(",;\t", key=first.count)
                reader = csv.reader(stream, delimiter=delimiter, strict=True)
                line = 1
                for row in reader:
                    yield line, row
                    line = reader.line_num + 1
        except csv.Error as error:
            raise self._wrong(reader.line_num, "", "is no line of a CSV table") from error
        except UnicodeDecodeError as error:
            raise self._wrong(None, "", "is not UTF-8: save it as UTF-8") from error
        except OSError as error:
            raise self._wrong(None, "", "cannot be read: check its path and its rights") from error

    def _parquet(self) -> Iterator[tuple[int, list[str]]]:
        if not self._path.is_file():
            raise self._wrong(None, "", "cannot be read: check its path and its rights")
        try:
            with duckdb.connect(":memory:") as connection:
                cursor = connection.execute("SELECT * FROM read_parquet(?)", [str(self._path)])
                yield 1, [column[0] for column in cursor.description]
                line = 1
                while rows := cursor.fetchmany(FETCH):
                    for row in rows:
                        line += 1  # as if the head were a line, so that both formats count alike
                        yield line, [_as_text(cell) for cell in row]
        except duckdb.Error:
            raise self._wrong(None, "", "is no Parquet file") from None  # its words may quote a row

    def _wrong(self, line: int | None, column: str, what: str) -> ClinicalSourceInvalid:
        return ClinicalSourceInvalid(self._path.name, line, column, what)


def open_clinical(path: Path, columns: Mapping[str, str] | None = None) -> TabularSource:
    """Open a clinical source; nothing is read yet.

    Parameters
    ----------
    columns : mapping of str to str, optional
        Names of the file's columns, by the names in ``COLUMNS``.

    Raises
    ------
    ClinicalSourceInvalid
        If ``columns`` maps something that a record does not have.
    """
    return TabularSource(path, columns)


def _as_text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, list):
        return ";".join(map(str, cell))
    return str(cell)
