"""A page's form with what was typed into it, for when it was refused.

The page is written as ever; then the form of it that was sent gets its values back, so no template has to know.
"""

from collections.abc import Mapping, Sequence
from html import escape
from html.parser import HTMLParser
from itertools import accumulate

from starlette.datastructures import FormData

_KEPT = frozenset({"hidden", "password", "file", "submit"})
_TICKED = frozenset({"checkbox", "radio"})
_CODE = "one-time-code"
Attributes = Mapping[str, str | None]


def refilled(page: str, path: str, sent: FormData) -> str:
    """Return a page whose form holds what was sent; never a password or a code.

    Parameters
    ----------
    page : str
        HTML of ours.
    path : str
        Where the form was sent to.
    """
    reader = _Forms(page, path, sent)
    reader.feed(page)
    for start, end, text in reversed(reader.edits):
        page = page[:start] + text + page[end:]
    return page


class _Forms(HTMLParser):
    """Finds what is to be written otherwise in a page.

    Attributes
    ----------
    edits : list of (start, end, text)
        Characters and what stands in their place, in the order of the page.
    """

    def __init__(self, page: str, path: str, sent: FormData) -> None:
        super().__init__(convert_charrefs=False)
        self.edits: list[tuple[int, int, str]] = []
        self._lines = [0, *accumulate(len(line) + 1 for line in page.split("\n"))]
        self._path = path
        self._sent = sent
        self._form("")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Read a field of the form, or where one begins."""
        given = dict(attrs)
        name = given.get("name") or ""
        self._names.add(name)
        if tag == "form":
            self._form(given.get("action") or "")
        elif tag == "input" and name:
            self._input(name, given)
        elif tag == "textarea":
            self._inside = self._place() + len(self.get_starttag_text() or "")
            self._area = name
        elif tag == "select":
            self._select = name
            several = "multiple" in given or name not in self._sent
            self._chosen: list[str] = self._left.get(name, []) if several else [self._next(name)]
        elif tag == "option" and self._select in self._sent:
            self._tick(tag, given, "selected", self._chosen)

    def handle_endtag(self, tag: str) -> None:
        """Fill a text area that ends; keep the edits of a form that ends if it is the one that was sent."""
        if tag == "select":
            self._select = ""
        elif tag == "textarea" and self._area in self._sent:
            self._edits.append((self._inside, self._place(), "\n" + escape(self._next(self._area))))
        elif tag == "form":
            if self._ours and set(self._sent) <= self._names:
                self.edits += self._edits
            self._form("")

    def _form(self, action: str) -> None:
        """Begin a form, or what stands outside of all."""
        self._ours = action == self._path
        self._names: set[str] = set()
        self._edits: list[tuple[int, int, str]] = []
        self._left = {name: [str(one) for one in self._sent.getlist(name)] for name in self._sent}
        self._select = self._area = ""
        self._chosen = []

    def _input(self, name: str, given: Attributes) -> None:
        kind = given.get("type") or "text"
        if kind in _TICKED:
            self._tick("input", given, "checked", self._left.get(name, []))
        elif kind not in _KEPT and given.get("autocomplete") != _CODE and name in self._sent:
            self._write("input", {**given, "value": self._next(name)})

    def _tick(self, tag: str, given: Attributes, mark: str, sent: Sequence[str]) -> None:
        """Choose a box, a button or an option if its value was sent, and only then."""
        rest: Attributes = {key: value for key, value in given.items() if key != mark}
        self._write(tag, {**rest, mark: None} if given.get("value") in sent else rest)

    def _write(self, tag: str, attributes: Attributes) -> None:
        words = (key if value is None else f'{key}="{escape(value)}"' for key, value in attributes.items())
        start = self._place()
        self._edits.append((start, start + len(self.get_starttag_text() or ""), f"<{' '.join((tag, *words))}>"))

    def _next(self, name: str) -> str:
        """Return the next value that was sent under a name: fields may share one."""
        return self._left[name].pop(0) if self._left[name] else ""

    def _place(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column
