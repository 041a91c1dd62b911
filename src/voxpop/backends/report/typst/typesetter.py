"""The Typesetter port over Typst."""

import json
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Final

import typst

from voxpop.result.errors import GlyphMissing, ReportNotSet
from voxpop.result.model import Figure, Report, Section, Table
from voxpop.result.trace import RUN_KEYWORD

STANDARD: Final = "ua-1"
"""PDF/UA-1: tagged and readable aloud; and the only mode (beside PDF/A) in which a missing glyph is an error."""

REPLACEMENT: Final = "\ufffd"
"""What stands for a character that Typst's own fonts cannot draw; they can draw this one."""

_MOST_TRIES = 4
_NOTE = (
    f"Some characters could not be printed and stand here as {REPLACEMENT}: the exact text is in the bank, on the "
    "pages of this run's results and of its application."
)
_MISSING = re.compile(r'the text (?:contains the disallowed codepoint )?`"(.*?)"`', re.DOTALL)
_ESCAPE = re.compile(r"\\u\{([0-9a-f]+)\}")
_LONG_WORD = re.compile(r"[^\s\u200b]{33,}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class TypstTypesetter:
    """Sets reports; what a report says is data to the template and never becomes source."""

    def set(self, report: Report, target: Path) -> None:
        """Write the PDF at ``target``, whole or not at all; the same bytes for the same report.

        A character that Typst's own fonts cannot draw is shown as ``REPLACEMENT``, and the first page says so.

        Raises
        ------
        GlyphMissing
            If characters that can be drawn alone cannot be drawn as they stand together, whatever goes.
        ReportNotSet
            If Typst refuses the report for another reason: a picture that it can't read.
        """
        with tempfile.TemporaryDirectory(prefix="voxpop-report-") as folder:
            content = _compile(report, Path(folder))
        written = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            with written.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            written.replace(target)
        finally:
            written.unlink(missing_ok=True)


def open_typesetter() -> TypstTypesetter:
    """Return the typesetter; it has nothing to configure."""
    return TypstTypesetter()


def _compile(report: Report, root: Path) -> bytes:
    pages = _Pages(root).report(report)
    every = set(_characters(pages))
    lacking = {one for one in every if unicodedata.category(one) == "Cs"}  # half of a pair, and no character at all
    for _ in range(_MOST_TRIES):
        try:
            return _typeset("report.typ", _without(lacking, pages) if lacking else pages, root)
        except typst.TypstError as error:
            missing = _missing(error) & every - lacking
            if not missing:
                raise _error(error) from error
            failure = error
        lacking |= _lacking(every - lacking, root) or _loose(missing)
    raise _error(failure) from failure


def _typeset(template: str, values: dict[str, Any], root: Path) -> bytes:
    """Return the pages that a template of ours makes of values."""
    (root / template).write_bytes(resources.files(__package__).joinpath(template).read_bytes())
    (root / f"{template}.json").write_text(json.dumps(values), encoding="ascii")
    return typst.compile(
        root / template,
        root=root,
        ignore_system_fonts=True,
        pdf_standards=[STANDARD],
        timestamp=0,
        package_path=root,
        package_cache_path=root,
    )


def _lacking(characters: Iterable[str], root: Path) -> set[str]:
    """Return those characters that cannot be drawn even alone."""
    try:
        _typeset("glyphs.typ", {"characters": sorted(characters)}, root)
    except typst.TypstError as error:
        return _missing(error)
    return set()


def _loose(missing: set[str]) -> set[str]:
    """Return which of the characters that cannot be drawn together go first: marks, and what has no shape at all."""
    return {one for one in missing if unicodedata.category(one)[0] in "MC"} or missing


def _without(lacking: set[str], pages: dict[str, Any]) -> dict[str, Any]:
    """Return pages in which some characters are replaced, and which say so."""
    told: dict[str, Any] = _translated(pages, dict.fromkeys(map(ord, lacking), REPLACEMENT))
    return {**told, "note": _NOTE}


def _translated(value: Any, table: dict[int, str]) -> Any:
    if isinstance(value, str):
        return value.translate(table)
    if isinstance(value, dict):
        return {key: _translated(part, table) for key, part in value.items()}
    return [_translated(part, table) for part in value] if isinstance(value, list) else value


def _characters(value: Any) -> Iterator[str]:
    """Yield the characters beyond ASCII, and the controls, of all words of the pages."""
    if isinstance(value, str):
        yield from (one for one in value if not (one.isascii() and one.isprintable()))
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _characters(part)


def _missing(error: typst.TypstError) -> set[str]:
    """Return the characters that cannot be drawn where they stand."""
    told = _MISSING.findall(f"{error.message}\n{error.diagnostic}")
    return set("".join(_ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) for text in told))


def _error(error: typst.TypstError) -> GlyphMissing | ReportNotSet:
    missing = _missing(error)
    if missing:
        return GlyphMissing("".join(sorted(missing)))
    return ReportNotSet(error.message.splitlines()[0])


class _Pages:
    """Writes a report as the JSON that the template reads, and its figures beside it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._figures: dict[Path, str] = {}

    def report(self, report: Report) -> dict[str, Any]:
        return {
            "name": report.title,
            "title": _breakable(report.title),
            "subtitle": _breakable(report.subtitle),
            "summary": [_breakable(line) for line in report.summary],
            "run": report.run,
            "note": "",
            "keyword": f"{RUN_KEYWORD}{report.run}",
            "key_figure": self._figure(report.key_figure) if report.key_figure else None,
            "sections": [self._section(section) for section in report.sections],
        }

    def _section(self, section: Section) -> dict[str, Any]:
        return {
            "title": _breakable(section.title),
            "paragraphs": [_breakable(paragraph) for paragraph in section.paragraphs],
            "tables": [_table(table) for table in section.tables],
            "figures": [self._figure(figure) for figure in section.figures],
        }

    def _figure(self, figure: Figure) -> dict[str, str]:
        if figure.path not in self._figures:
            name = f"figure-{len(self._figures) + 1}{figure.path.suffix.lower()}"
            shutil.copyfile(figure.path, self._root / name)
            self._figures[figure.path] = name
        return {"path": self._figures[figure.path], "caption": _breakable(figure.caption), "alt": figure.alt}


def _table(table: Table) -> dict[str, Any]:
    return {
        "caption": _breakable(table.caption),
        "columns": [
            {"name": _breakable(column.name), "unit": _breakable(column.unit), "align": column.align}
            for column in table.columns
        ],
        "rows": [[_breakable(cell) for cell in row] for row in table.rows],
    }


def _breakable(text: str) -> str:
    """Let a word that no line can hold break; a digest is set small enough and stays one word."""
    return _LONG_WORD.sub(lambda word: word[0] if _SHA256.fullmatch(word[0]) else "\u200b".join(word[0]), text)
