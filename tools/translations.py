"""Bring the portal's words into its catalogues, and compile them.

python tools/translations.py          # write the .po and the .mo of every language
python tools/translations.py --check  # exit 1 with one line a problem: what is missing, left over, doubtful or stale

Spanish translates everything. English needs readings only for the words that templates translate by a variable, such as
``data-manager``: those are names in code, and not all of them read well.
"""

import ast
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from voxpop.access.entrance import READ, WRITE
from voxpop.access.model import ProjectRole, Role
from voxpop.appliance.additions import AddedState
from voxpop.appliance.elastic.sizing import WorkerState
from voxpop.appliance.recipes import RecipeKind
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.terms import DataPolicy
from voxpop.application.states import ApplicationState
from voxpop.cohort.model import AGES, SEXES
from voxpop.flow.operations import OperationState
from voxpop.flow.rules import Work
from voxpop.result.egress.model import Permission, Severity
from voxpop.result.egress.states import ReleaseState
from voxpop.result.model import Kind
from voxpop.run.states import RunState
from voxpop.staging.model import Fate
from voxpop.volume.states import VolumeState
from voxpop.web import words

ROOT = Path(__file__).resolve().parent.parent
CODE = ROOT / "src" / "voxpop"
LOCALE = CODE / "web" / "locale"
NATIVE = "en"
PLACEHOLDER = re.compile(r"%\(\w+\)\w|(?<!%)\{\w+\}")
"""``%(name)s`` of gettext, and ``{name}`` of the scripts."""

_ENUMS: tuple[type[StrEnum], ...] = (
    ApplicationState, VolumeState, ApplianceState, RunState, ReleaseState, OperationState, WorkerState,
    Work, Role, ProjectRole, Severity, Permission, Kind, RecipeKind, DataPolicy, AddedState,
)  # fmt: skip
_HEAD = "# The words of the portal. Written by tools/translations.py: translate here, then run it again."

Words = Mapping[str, Message]
"""Messages by their text; a plural's is its singular."""


class Book(Catalog):
    """A catalogue whose header holds no moment and no version, so that the same words are the same bytes."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """The header's lines."""
        return [
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
            ("Language", str(self.locale_identifier)),
            ("Plural-Forms", self.plural_forms),
        ]


def main() -> int:
    """Write the catalogues, or check them."""
    if "--check" in sys.argv:
        found = list(problems())
        for problem in found:
            print(problem)
        return 1 if found else 0
    for language in words.LANGUAGES:
        book = updated(language)
        _po(language).parent.mkdir(parents=True, exist_ok=True)
        _po(language).write_bytes(written(book))
        _mo(language).write_bytes(compiled(book))
        print(f"{language}: {len(book)} messages, {sum(not _whole(one) for one in _of(book))} without a translation")
    return 0


def problems() -> Iterator[str]:
    """Yield what is wrong with the catalogues, a line each."""
    for language in words.LANGUAGES:
        if not _po(language).is_file() or not _mo(language).is_file():
            yield f"{language}: there is no catalogue: run python tools/translations.py"
            continue
        kept, wanted = kept_of(language), wanted_of(language)
        yield from (f"{language}: {one}" for one in _differences(kept, wanted))
        if _mo(language).read_bytes() != compiled(kept):
            yield f"{language}: voxpop.mo is not what voxpop.po compiles to: run python tools/translations.py"


def _differences(kept: Book, wanted: Words) -> Iterator[str]:
    for text, message in wanted.items():
        own = kept.get(text)
        if own is None or not _whole(own) or own.pluralizable != message.pluralizable:
            yield f"no translation of '{text}' ({', '.join(place for place, _ in message.locations)})"
        elif own.fuzzy:
            yield f"the translation of '{text}' is marked as fuzzy"
        elif wrong := lost_placeholders(own):
            yield f"the translation of '{text}' and the text differ in {', '.join(sorted(wrong))}"
    left_over = [*(one for one in _of(kept) if _text(one) not in wanted), *kept.obsolete.values()]
    yield from (f"'{_text(one)}' is obsolete: nothing says it any more" for one in left_over)


def lost_placeholders(message: Message) -> set[str]:
    """Return the placeholders that a text and its translation do not share.

    Examples
    --------
    >>> lost_placeholders(Message("%(a)s of {b}", "{b}"))
    {'%(a)s'}
    """
    ids, strings = (one if isinstance(one, tuple | list) else (one,) for one in (message.id, message.string))
    wanted = {hole for one in ids for hole in PLACEHOLDER.findall(str(one))}
    return {hole for one in strings for hole in wanted ^ set(PLACEHOLDER.findall(str(one)))}


def updated(language: str) -> Book:
    """Return a language's catalogue as the code wants it, with the translations that it has already."""
    kept, book = kept_of(language), Book(locale=language, charset="utf-8", header_comment=_HEAD, fuzzy=False)
    for text, message in wanted_of(language).items():
        own = kept.get(text)
        known = own is not None and own.pluralizable == message.pluralizable
        string = own.string if own is not None and known else None
        if string is None and language == NATIVE:
            string = message.id
        flags = {flag for flag in own.flags if flag == "fuzzy"} if own is not None and known else set()
        places = [(place, 0) for place in sorted({place for place, _ in message.locations})]
        book.add(message.id, string, locations=places, flags=flags)
    return book


def kept_of(language: str) -> Book:
    """Return a language's catalogue as it lies there; an empty one where there is none."""
    book = Book(locale=language, charset="utf-8", header_comment=_HEAD, fuzzy=False)
    if not _po(language).is_file():
        return book
    with _po(language).open("rb") as stream:
        read = read_po(stream, locale=language)
    for one in _of(read):
        book.add(one.id, one.string, locations=one.locations, flags=one.flags)
    book.obsolete = read.obsolete
    return book


def written(book: Book) -> bytes:
    """Return a catalogue as text, by message, without line numbers: they change with every edit."""
    stream = io.BytesIO()
    write_po(stream, book, width=120, sort_output=True, include_lineno=False, ignore_obsolete=True)
    return stream.getvalue()


def compiled(book: Book) -> bytes:
    """Return a catalogue as gettext reads it."""
    stream = io.BytesIO()
    write_mo(stream, book)
    return stream.getvalue()


def wanted_of(language: str) -> Words:
    """Return what a language's catalogue must hold."""
    dynamic = _collected(dynamic_words())
    if language == NATIVE:
        return dynamic
    return {**dynamic, **_collected([*dynamic_words(), *_of_templates(), *_of_python()])}


def dynamic_words() -> Iterator[tuple[str, str]]:
    """Yield the words that templates translate by a variable, each with the file that it is from."""
    for enum in _ENUMS:
        yield from ((member.value, _home(enum)) for member in enum)
    # a study is masculine in Spanish, the other things that are refused are not
    yield from ((f"study {fate.value}", _home(Fate)) for fate in Fate)
    yield from ((scope, "access/entrance.py") for scope in (READ, WRITE))
    yield from ((category, "cohort/model.py") for category in (*SEXES, *AGES))
    yield from _clinical_fields()
    yield from _criteria()
    yield from _waiting()


def _clinical_fields() -> Iterator[tuple[str, str]]:
    place = "application/application.schema.json"
    schema = json.loads((CODE / place).read_text(encoding="utf-8"))
    fields = _inside(schema, "clinical_fields")["items"]["enum"]
    yield from ((field, place) for field in fields)


def _inside(schema: Any, name: str) -> Any:
    """Return the one definition of a property, however deep it lies."""
    if not isinstance(schema, dict):
        return None
    if name in schema:
        return schema[name]
    return next((found for one in schema.values() if (found := _inside(one, name)) is not None), None)


def _criteria() -> Iterator[tuple[str, str]]:
    """Yield the names of the waterfall's criteria: what ``tally`` goes through."""
    place = "backends/index/duckdb/answers.py"
    tally = next(one for one in _parsed(place).body if isinstance(one, ast.FunctionDef) and one.name == "tally")
    loop = next(one for one in ast.walk(tally) if isinstance(one, ast.For))
    for row in cast("ast.Tuple", loop.iter).elts:
        yield ast.literal_eval(cast("ast.Tuple", row).elts[0]), place


def _waiting() -> Iterator[tuple[str, str]]:
    """Yield what the front page says of things that wait: the first argument of each ``Waiting(...)``."""
    place = "web/pages/home/__init__.py"
    for node in ast.walk(_parsed(place)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Waiting":
            yield ast.literal_eval(node.args[0]), place


def _of_templates() -> Iterator[tuple[str | tuple[str, ...], str]]:
    extract: Any = babel_extract  # its own types name the callers that Jinja knows, not Babel
    environment = words.templates([])
    options = {
        "extensions": ",".join(environment.extensions),
        "trim_blocks": str(environment.trim_blocks),
        "lstrip_blocks": str(environment.lstrip_blocks),
        "newstyle_gettext": "true",
        "silent": "false",
    }
    for path in sorted((CODE / "web" / "pages").rglob("templates/**/*.html")):
        for _, text, _, _ in extract_from_file(extract, path, options=options):
            yield text, path.relative_to(CODE).as_posix()


def _of_python() -> Iterator[tuple[str | tuple[str, ...], str]]:
    for path in sorted((CODE / "web").rglob("*.py")):
        for _, text, _, _ in extract_from_file("python", path, keywords={"gettext_here": None}):
            yield text, path.relative_to(CODE).as_posix()


def _collected(found: Any) -> Words:
    """Return texts as messages that know all their places, by text; a plural wins over the same text without one."""
    messages: dict[str, Message] = {}
    for text, place in found:
        message = Message(text[:2] if isinstance(text, tuple) else text)
        before = messages.get(_text(message))
        if before is not None and before.pluralizable and not message.pluralizable:
            message = before
        message.locations = [*(before.locations if before is not None else []), (f"src/voxpop/{place}", 0)]
        messages[_text(message)] = message
    return dict(sorted(messages.items()))


def _whole(message: Message) -> bool:
    """Say whether every form is translated."""
    return all(message.string) if isinstance(message.string, tuple | list) else bool(message.string)


def _of(catalog: Catalog) -> Iterator[Message]:
    return (one for one in catalog if one.id)


def _text(message: Message) -> str:
    return message.id[0] if isinstance(message.id, tuple | list) else message.id


def _parsed(place: str) -> ast.Module:
    return ast.parse((CODE / place).read_text(encoding="utf-8"))


def _home(enum: type[StrEnum]) -> str:
    return enum.__module__.removeprefix("voxpop.").replace(".", "/") + ".py"


def _po(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "voxpop.po"


def _mo(language: str) -> Path:
    return _po(language).with_suffix(".mo")


if __name__ == "__main__":
    sys.exit(main())
