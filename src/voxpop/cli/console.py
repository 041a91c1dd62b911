"""What every command shares: where it works, who acts, and how it speaks."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from voxpop.kernel.digests import Json

WorkOption = Annotated[
    Path, typer.Option("--work", envvar="VOXPOP_WORK", help="The work folder, where everything is kept.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
PersonOption = Annotated[
    str | None, typer.Option("--as", help="Who acts, as the audit log names them; by default you.", metavar="PERSON")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it stands in the audit log.")]
DEFAULT_WORK = Path("voxpop-demo")

_PIPED_WIDTH = 400  # a table that another program reads is not folded
_out = RichConsole(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
_err = RichConsole(stderr=True, highlight=False, soft_wrap=True)


def show(answer: Json, text: str, *, as_json: bool) -> None:
    """Print an answer: the JSON object, or the text that says the same."""
    if as_json:
        sys.stdout.write(json.dumps(answer, ensure_ascii=False, sort_keys=False, indent=2) + "\n")
    else:
        _out.print(_plain(text), markup=False)


def show_table(rows: Sequence[Mapping[str, Json]], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Print rows as a table, or as a JSON list of objects."""
    if as_json:
        sys.stdout.write(json.dumps([dict(row) for row in rows], ensure_ascii=False, indent=2) + "\n")
        return
    if not rows:
        _out.print(empty, markup=False)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    _out.print(table)


def say(sentence: str) -> None:
    """Tell a person something beside the answer, on stderr."""
    _err.print(sentence, markup=False)


class BarProgress:
    """A progress bar on stderr; ``finish`` leaves one line."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def start(self, stage: str, total: int) -> None:
        """Begin a stage of ``total`` units."""
        self._clear()
        self._task = self._bars.add_task(stage, total=total or None)

    def advance(self, units: int = 1) -> None:
        """Say that ``units`` more are done."""
        if self._task is not None:
            self._bars.advance(self._task, units)

    def finish(self, sentence: str) -> None:
        """End the stage with its one-line result."""
        self._clear()
        self._bars.console.print(sentence, markup=False)

    def _clear(self) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None


@contextmanager
def progress() -> Iterator[BarProgress]:
    """Show progress on stderr while the block runs."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_err, transient=True) as bars:
        yield BarProgress(bars)


def _cell(value: Json) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return _plain(str(value))


def _plain(text: str) -> str:
    """Take the control characters out of what others wrote: a terminal would obey them."""
    return "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in text)
