"""The pipeline's own part of the report, read with suspicion: it comes out of a sandbox."""

import json
from pathlib import Path, PurePosixPath
from typing import Any

from voxpop.result.errors import ReportAbsent, ReportInvalid
from voxpop.result.model import Column, Exclusion, Figure, Findings, Section, Table

NAME = "report.json"
MAX_BYTES = 8 * 1024 * 1024
MAX_FIGURE_BYTES = 32 * 1024 * 1024
MAX_FIGURE_PIXELS = 60_000_000

_KEYS = {"title", "subtitle", "summary", "sections", "methods", "exclusions", "key_figure"}
_ALIGNMENTS = {"left", "right", "center"}
_MAGIC = {".png": (b"\x89PNG\r\n\x1a\n",), ".svg": (b"<?xml", b"<svg")}


def read_report(folder: Path) -> Findings:
    """Read ``report.json`` and the figures beside it.

    Parameters
    ----------
    folder : Path
        Holds ``report.json``; its figures are PNG or SVG files in it or below.

    Returns
    -------
    Findings

    Raises
    ------
    ReportAbsent
        If there is no ``report.json``.
    ReportInvalid
        If it is no such document, names a figure outside the folder, or a table's row has not a cell a column.
    """
    return _Reader(folder).findings()


class _Reader:
    """Reads one document; ``where`` names the place in it, as ``sections[1].tables[2]``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def findings(self) -> Findings:
        read = _object(self._read(), "the top", _KEYS)
        key_figure = read.get("key_figure")
        return Findings(
            title=_text(read, "title", "the top"),
            subtitle=_text(read, "subtitle", "the top", ""),
            summary=_texts(read, "summary", "the top"),
            sections=tuple(self._section(part, where) for part, where in _each(read, "sections", "the top")),
            methods=_texts(read, "methods", "the top"),
            exclusions=tuple(_exclusion(part, where) for part, where in _each(read, "exclusions", "the top")),
            key_figure=None if key_figure is None else self._figure(key_figure, "key_figure"),
        )

    def _read(self) -> object:
        path = self._folder / NAME
        if path.is_symlink() or not path.is_file():
            raise ReportAbsent
        if path.stat().st_size > MAX_BYTES:
            raise ReportInvalid("the top", f"it is larger than {MAX_BYTES // 1024**2} MiB")
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise ReportInvalid("the top", "it is not JSON in UTF-8") from error

    def _section(self, part: object, where: str) -> Section:
        read = _object(part, where, {"title", "paragraphs", "tables", "figures"})
        return Section(
            title=_text(read, "title", where),
            paragraphs=_texts(read, "paragraphs", where),
            tables=tuple(_table(table, place) for table, place in _each(read, "tables", where)),
            figures=tuple(self._figure(figure, place) for figure, place in _each(read, "figures", where)),
        )

    def _figure(self, part: object, where: str) -> Figure:
        read = _object(part, where, {"path", "caption", "alt"})
        path = self._file(_text(read, "path", where), where)
        return Figure(path, _text(read, "caption", where), _text(read, "alt", where))

    def _file(self, name: str, where: str) -> Path:
        relative = PurePosixPath(name)
        path = self._folder / relative
        inside = not relative.is_absolute() and path.resolve().is_relative_to(self._folder.resolve())
        if not inside or ".." in relative.parts:
            raise ReportInvalid(where, "its path leads out of the report's folder")
        if not path.is_file():
            raise ReportInvalid(where, "its file is not there")
        if path.stat().st_size > MAX_FIGURE_BYTES:
            raise ReportInvalid(where, f"its file is larger than {MAX_FIGURE_BYTES // 1024**2} MiB")
        with path.open("rb") as stream:
            begin = stream.read(24)
        if not begin.startswith(_MAGIC.get(path.suffix, ())):
            raise ReportInvalid(where, "its file is neither a PNG nor an SVG picture")
        if path.suffix == ".png" and _pixels(begin) > MAX_FIGURE_PIXELS:
            raise ReportInvalid(where, f"its picture has more than {MAX_FIGURE_PIXELS // 10**6} million pixels")
        return path


def _pixels(begin: bytes) -> int:
    """Return the pixels that a PNG's IHDR chunk announces (PNG, third edition, 11.2.1)."""
    return int.from_bytes(begin[16:20], "big") * int.from_bytes(begin[20:24], "big")


def _table(part: object, where: str) -> Table:
    read = _object(part, where, {"caption", "columns", "rows"})
    columns = tuple(_column(column, place) for column, place in _each(read, "columns", where))
    if not columns:
        raise ReportInvalid(where, "it has no columns")
    rows = tuple(_row(row, len(columns), place) for row, place in _each(read, "rows", where))
    return Table(_text(read, "caption", where), columns, rows)


def _column(part: object, where: str) -> Column:
    read = _object(part, where, {"name", "unit", "align"})
    align = _text(read, "align", where, "left")
    if align not in _ALIGNMENTS:
        raise ReportInvalid(where, "`align` is not left, right or center")
    return Column(_text(read, "name", where), _text(read, "unit", where, ""), align)


def _row(part: object, cells: int, where: str) -> tuple[str, ...]:
    if not isinstance(part, list) or len(part) != cells:
        raise ReportInvalid(where, f"it is not a list of {cells} cells, one a column")
    return tuple(_cell(cell, where) for cell in part)


def _cell(cell: object, where: str) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise ReportInvalid(where, "a cell is neither text nor a number")
    return cell if isinstance(cell, str) else str(cell)


def _exclusion(part: object, where: str) -> Exclusion:
    read = _object(part, where, {"participant", "reason"})
    return Exclusion(_text(read, "participant", where), _text(read, "reason", where))


def _object(part: object, where: str, keys: set[str]) -> dict[str, Any]:
    if not isinstance(part, dict):
        raise ReportInvalid(where, "it is not an object")
    strange = sorted(set(part) - keys)
    if strange:
        raise ReportInvalid(where, f"it has the unknown key '{strange[0][:40]}'")
    return part


def _text(read: dict[str, Any], key: str, where: str, default: str | None = None) -> str:
    value = read.get(key, default)
    if not isinstance(value, str):
        raise ReportInvalid(where, f"`{key}` is not text")
    return value


def _texts(read: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    for part, place in _each(read, key, where):
        if not isinstance(part, str):
            raise ReportInvalid(place, "it is not text")
    return tuple(read.get(key, ()))


def _each(read: dict[str, Any], key: str, where: str) -> list[tuple[object, str]]:
    value = read.get(key, [])
    if not isinstance(value, list):
        raise ReportInvalid(where, f"`{key}` is not a list")
    base = key if where == "the top" else f"{where}.{key}"
    return [(part, f"{base}[{number}]") for number, part in enumerate(value, 1)]
