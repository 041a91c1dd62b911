"""The Typesetter port over Typst."""

import json
import os
import re
import shutil
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any, Final

import typst

from voxpop.result.errors import GlyphMissing, ReportNotSet
from voxpop.result.model import Figure, Report, Section, Table
from voxpop.result.trace import RUN_KEYWORD

STANDARD: Final = "ua-1"
"""PDF/UA-1: tagged and readable aloud; and the only mode (beside PDF/A) in which a missing glyph is an error."""

_MISSING = re.compile(r'the text `"(.*?)"` could not be displayed', re.DOTALL)
_ESCAPE = re.compile(r"\\u\{([0-9a-f]+)\}")
_LONG_WORD = re.compile(r"[^\s\u200b]{33,}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class TypstTypesetter:
    """Sets reports; what a report says is data to the template and never becomes source."""

    def set(self, report: Report, target: Path) -> None:
        """Write the PDF at ``target``, whole or not at all; the same bytes for the same report.

        Raises
        ------
        GlyphMissing
            If a character has no glyph in Typst's own fonts.
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
    template = resources.files("voxpop.backends.report.typst").joinpath("report.typ").read_bytes()
    (root / "report.typ").write_bytes(template)
    (root / "report.json").write_text(json.dumps(_Pages(root).report(report), ensure_ascii=True), encoding="ascii")
    try:
        return typst.compile(
            root / "report.typ",
            root=root,
            ignore_system_fonts=True,
            pdf_standards=[STANDARD],
            timestamp=0,
            package_path=root,
            package_cache_path=root,
        )
    except typst.TypstError as error:
        raise _error(error) from error


def _error(error: typst.TypstError) -> GlyphMissing | ReportNotSet:
    missing = _MISSING.search(f"{error.message}\n{error.diagnostic}")
    if missing:
        return GlyphMissing(_ESCAPE.sub(lambda match: chr(int(match[1], 16)), missing[1]))
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
