"""The index's three tables: written whole, then put in place; digested by content, not by Parquet's bytes."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from voxpop.cohort.ports import ClinicalRecord
from voxpop.kernel.imaging import Study

STUDIES = {
    "archive": "VARCHAR",
    "uid": "VARCHAR",
    "patient_id": "VARCHAR",
    "issuer": "VARCHAR",
    "day": "DATE",
    "description": "VARCHAR",
    "accession": "VARCHAR",
    "sex": "VARCHAR",
    "birth": "DATE",
}
SERIES = {
    "archive": "VARCHAR",
    "study": "VARCHAR",
    "position": "INTEGER",
    "uid": "VARCHAR",
    "modality": "VARCHAR",
    "number": "BIGINT",
    "description": "VARCHAR",
    "body_part": "VARCHAR",
    "manufacturer": "VARCHAR",
    "instances": "BIGINT",
}
CLINICAL = {
    "patient_id": "VARCHAR",
    "issuer": "VARCHAR",
    "birth": "DATE",
    "sex": "VARCHAR",
    "weight_kg": "DOUBLE",
    "height_cm": "DOUBLE",
    "icd10": "VARCHAR[]",
    "day": "DATE",
    "line": "BIGINT",
}
ORDER = {"studies": "uid", "series": "study, position", "clinical": "line"}
COLUMNS = {"studies": STUDIES, "series": SERIES, "clinical": CLINICAL}
FETCH = 50_000  # rows


class Rows:
    """Lines of JSON on their way to Parquet: a population does not fit in memory as Python objects.

    Parameters
    ----------
    table : str
        ``studies``, ``series`` or ``clinical``.
    target : Path
        The Parquet file that is to be.
    """

    def __init__(self, table: str, target: Path) -> None:
        self.table = table
        self.target = target
        self.count = 0
        self._lines = target.with_name(f".{target.name}.jsonl")
        self._new = target.with_name(f".{target.name}.new")
        self._sink = self._lines.open("w", encoding="utf-8")

    def add(self, row: Iterable[Any]) -> None:
        """Append a row, its values in the order of the table's columns."""
        self._sink.write(json.dumps(dict(zip(COLUMNS[self.table], row, strict=True)), default=str) + "\n")
        self.count += 1

    def convert(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write the Parquet file under its temporary name."""
        self._sink.close()
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS[self.table].items())
        connection.execute(
            f"COPY (SELECT * FROM read_json({quoted(self._lines)}, format = 'newline_delimited',"  # noqa: S608 -- names of ours
            f" columns = {{{columns}}}) ORDER BY {ORDER[self.table]})"
            f" TO {quoted(self._new)} (FORMAT parquet, COMPRESSION zstd)"
        )

    def place(self) -> None:
        """Put the file in place of the last one."""
        self._new.replace(self.target)

    def forget(self) -> None:
        """Remove what is left of the way."""
        self._sink.close()
        self._lines.unlink(missing_ok=True)
        self._new.unlink(missing_ok=True)


def study_row(study: Study) -> tuple[Any, ...]:
    """Return a study as a row of ``studies``."""
    sex = study.patient_sex if study.patient_sex in {"F", "M", "O"} else ""
    return (
        study.archive,
        study.uid,
        study.patient_id,
        study.issuer,
        study.day,
        study.description,
        study.accession,
        sex,
        study.patient_birth,
    )


def series_rows(study: Study) -> Iterator[tuple[Any, ...]]:
    """Yield a study's series as rows of ``series``."""
    for position, one in enumerate(study.series):
        yield (
            study.archive,
            study.uid,
            position,
            one.uid,
            one.modality,
            one.number,
            one.description,
            one.body_part,
            one.manufacturer,
            one.instances,
        )


def clinical_row(record: ClinicalRecord, line: int) -> tuple[Any, ...]:
    """Return a record as a row of ``clinical``."""
    return (
        record.patient_id,
        record.issuer,
        record.birth,
        record.sex,
        record.weight_kg,
        record.height_cm,
        list(record.icd10),
        record.day,
        line,
    )


def content_digest(connection: duckdb.DuckDBPyConnection, table: str, file: Path) -> str:
    """Return the SHA-256 of a table's rows in their canonical order."""
    total = hashlib.sha256()
    skipped = {"line"}  # the order of the rows says it already
    fields = ", ".join(
        f"coalesce({f'array_to_string({name}, chr(29))' if kind.endswith('[]') else f'{name}::VARCHAR'}, chr(30))"
        for name, kind in COLUMNS[table].items()
        if name not in skipped
    )
    cursor = connection.execute(
        f"SELECT sha256(concat_ws(chr(31), {fields})) FROM read_parquet({quoted(file)}) ORDER BY {ORDER[table]}"  # noqa: S608 -- names of ours
    )
    while rows := cursor.fetchmany(FETCH):
        for (digest,) in rows:
            total.update(digest.encode())
    return total.hexdigest()


def quoted(path: Path) -> str:
    """Write a path as an SQL string."""
    return "'" + str(path).replace("'", "''") + "'"
