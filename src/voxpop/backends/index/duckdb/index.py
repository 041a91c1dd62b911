"""The index port over Parquet files: written by harvests, asked by criteria."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import duckdb

from voxpop.backends.index.duckdb.answers import selection, tally
from voxpop.backends.index.duckdb.tables import (
    COLUMNS,
    Rows,
    clinical_row,
    content_digest,
    quoted,
    series_rows,
    study_row,
)
from voxpop.backends.index.duckdb.verdict import judge
from voxpop.cohort.errors import ArchiveNameInvalid, IndexBroken
from voxpop.cohort.model import Criteria, Selection, Tally
from voxpop.cohort.ports import ClinicalRecord
from voxpop.kernel.digests import sha256_json
from voxpop.kernel.imaging import Study

MEMORY = "1GB"
Stamp: TypeAlias = tuple[tuple[str, int, int, int], ...]
_KEPT_TALLIES = 256
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # it becomes a folder's name


class ParquetIndex:
    """``<folder>/<archive>/studies.parquet`` and ``series.parquet``, and ``<folder>/clinical.parquet``.

    Parameters
    ----------
    folder : Path
        In the protected folder: everything here is identity.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tallied = lru_cache(maxsize=_KEPT_TALLIES)(self._tally)

    def write(self, archive: str, studies: Iterable[Study]) -> tuple[int, int, str]:
        """Replace what is known of an archive; returns studies, series and the snapshot's digest.

        What was known stays if ``studies`` raises.
        """
        if NAME.fullmatch(archive) is None:
            raise ArchiveNameInvalid(archive)
        home = self._folder / archive
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        rows, series = Rows("studies", home / "studies.parquet"), Rows("series", home / "series.parquet")

        def fill() -> None:
            for study in studies:
                rows.add(study_row(study))
                for row in series_rows(study):
                    series.add(row)

        self._replace([rows, series], fill)
        return rows.count, series.count, self._digest_of(archive)

    def write_clinical(self, records: Iterable[ClinicalRecord]) -> tuple[int, str]:
        """Replace the clinical table; returns the number of records and their digest."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        rows = Rows("clinical", self._folder / "clinical.parquet")

        def fill() -> None:
            for line, record in enumerate(records, start=1):
                rows.add(clinical_row(record, line))

        self._replace([rows], fill)
        with self._connection() as connection:
            return rows.count, content_digest(connection, "clinical", rows.target)

    def select(self, criteria: Criteria) -> Selection:
        """Answer criteria with every study of the index; the order depends on the content alone."""
        with self._judged(criteria) as connection:
            return selection(connection, criteria)

    def tally(self, criteria: Criteria) -> Tally:
        """Answer criteria with exact counts only, at population size in a moment.

        The same criteria over the same files are counted once: pages show them again and again.
        """
        return self._tallied(criteria, self._stamp())

    def _tally(self, criteria: Criteria, stamp: Stamp) -> Tally:
        del stamp
        with self._judged(criteria) as connection:
            return tally(connection, criteria)

    def _stamp(self) -> Stamp:
        """Return what tells these files from any that replace them: each is written anew and moved into place."""
        files = sorted(self._folder.glob("**/*.parquet"))
        return tuple(
            (str(file), found.st_ino, found.st_mtime_ns, found.st_size) for file in files for found in (file.stat(),)
        )

    def digest(self) -> str:
        """Return the digest of everything that ``select`` reads."""
        with self._connection() as connection:
            clinical = self._folder / "clinical.parquet"
            known = content_digest(connection, "clinical", clinical) if clinical.is_file() else ""
        archives = {archive: self._digest_of(archive) for archive in self._archives()}
        return sha256_json({"archives": dict(archives), "clinical": known})

    def _archives(self) -> list[str]:
        return sorted(file.parent.name for file in self._folder.glob("*/studies.parquet"))

    def _digest_of(self, archive: str) -> str:
        with self._connection() as connection:
            parts = {
                table: content_digest(connection, table, self._folder / archive / f"{table}.parquet")
                for table in ("studies", "series")
            }
        return sha256_json(dict(parts))

    def _replace(self, tables: list[Rows], fill: Callable[[], None]) -> None:
        try:
            fill()
            with self._connection() as connection:
                for table in tables:
                    table.convert(connection)
            for table in reversed(tables):  # series first: a study is not seen before its series are
                table.place()
        finally:
            for table in tables:
                table.forget()

    @contextmanager
    def _judged(self, criteria: Criteria) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._connection() as connection:
            for table in COLUMNS:
                pattern = "clinical.parquet" if table == "clinical" else f"*/{table}.parquet"
                _view(connection, table, sorted(self._folder.glob(pattern)))
            judge(connection, criteria)
            yield connection

    @contextmanager
    def _connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        spill = self._folder / f".spill-{os.getpid()}"
        settings: dict[str, str | bool | int | float | list[str]] = {
            "temp_directory": str(spill),  # what does not fit in memory is identity, and stays in this folder
            "memory_limit": MEMORY,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        connection = duckdb.connect(":memory:", config=settings)
        try:
            connection.execute("SET enable_progress_bar = false")  # the terminal is the command line's
            yield connection
        except duckdb.Error:
            raise IndexBroken from None  # its words may quote a row
        finally:
            connection.close()
            with suppress(OSError):
                spill.rmdir()


def open_index(folder: Path) -> ParquetIndex:
    """Open the index in a folder of the protected one; the folder is made when something is written."""
    return ParquetIndex(folder)


def _view(connection: duckdb.DuckDBPyConnection, table: str, files: list[Path]) -> None:
    if files:
        listed = ", ".join(map(quoted, files))
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet([{listed}])")  # noqa: S608 -- names of ours
    else:
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS[table].items())
        connection.execute(f"CREATE TABLE {table} ({columns})")
