"""Lists in parts: a signed cursor that names the last thing given, so that what is added between does no harm."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Query, Request

from voxpop.kernel.errors import Invalid
from voxpop.web.api.guard import Call
from voxpop.web.api.models.base import NO_NUL, Page

Row = TypeVar("Row")
Item = TypeVar("Item")
Key = tuple[str | int, ...]


class CursorInvalid(Invalid):
    """A cursor is not one of ours, or of another list."""

    code = "cursor-invalid"

    def __init__(self) -> None:
        super().__init__("the cursor is not one of this list: begin without one, and pass on what `next` says")


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a list is asked for."""

    limit: int
    cursor: str
    path: str

    @property
    def purpose(self) -> str:
        """What its cursors are signed for: this list alone."""
        return f"cursor\n{self.path}"

    def last(self, call: Call) -> Key | None:
        """Return the key of the last thing that was given; None at the start.

        Raises
        ------
        CursorInvalid
            If the cursor is not one of this list.
        """
        if not self.cursor:
            return None
        text = call.system.entrance.unsigned(self.cursor, self.purpose)
        if text is None:
            raise CursorInvalid
        return tuple(json.loads(text))

    def cursor_after(self, call: Call, key: Key) -> str:
        """Return the cursor of what follows a key."""
        return call.system.entrance.signed(json.dumps(key), self.purpose)


def _asked(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=200, description="How many at most.")] = 50,
    cursor: Annotated[
        str, Query(max_length=1000, pattern=NO_NUL, description="What `next` said; empty for the start.")
    ] = "",
) -> Part:
    return Part(limit, cursor, request.url.path)


Asked = Annotated[Part, Depends(_asked)]


def page(
    call: Call,
    part: Part,
    rows: Iterable[Row],
    key: Callable[[Row], Key],
    shown: Callable[[Row], Item],
) -> Page[Item]:
    """Return a part of some rows, in the order of their keys, as they are shown."""
    return _cut(call, part, sorted(rows, key=key), key, shown, later=lambda one, last: one > last)


def page_newest(
    call: Call,
    part: Part,
    rows: Iterable[Row],
    key: Callable[[Row], Key],
    shown: Callable[[Row], Item],
) -> Page[Item]:
    """Return a part of some rows, the greatest key first."""
    rows = sorted(rows, key=key, reverse=True)
    return _cut(call, part, rows, key, shown, later=lambda one, last: one < last)


def _cut(
    call: Call,
    part: Part,
    rows: list[Row],
    key: Callable[[Row], Key],
    shown: Callable[[Row], Item],
    *,
    later: Callable[[Key, Key], bool],
) -> Page[Item]:
    last = part.last(call)
    rest = rows if last is None else [row for row in rows if later(key(row), last)]
    given = rest[: part.limit]
    more = part.cursor_after(call, key(given[-1])) if len(rest) > len(given) else None
    return Page(items=[shown(row) for row in given], next=more)
