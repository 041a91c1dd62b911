"""Whole files or none."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from voxpop.kernel.digests import Json


def write_text(path: Path, text: str) -> None:
    """Put a text file into place in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text, encoding="utf-8", newline="\n")
    draft.replace(path)


def write_json(path: Path, value: Mapping[str, Json]) -> None:
    """Put a JSON document into place, in the order given."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Put a table into place: tab-separated, ``n/a`` for an empty cell (BIDS, tabular files)."""
    lines = ["\t".join(columns), *("\t".join(_cell(cell) for cell in row) for row in rows)]
    write_text(path, "\n".join(lines) + "\n")


def _cell(text: str) -> str:
    return " ".join(text.split()) or "n/a"
