"""Templates, and the words that stand in them: languages by gettext, numbers and times for people."""

import gettext
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import date, datetime
from functools import cache
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup

LANGUAGES = {"en": "English", "es": "Español"}
_HERE = Path(__file__).parent
_LOCALE = _HERE / "locale"
_SPANISH = str.maketrans(",.", ".,")
_language: ContextVar[str] = ContextVar("language", default="en")


def speak(language: str) -> None:
    """Choose the language of what this request is answered with."""
    _language.set(language if language in LANGUAGES else "en")


def language() -> str:
    """Return the language of what this request is answered with."""
    return _language.get()


def preferred(accepted: str) -> str:
    """Return the first language of an ``Accept-Language`` header that we speak; RFC 9110, 12.5.4.

    Examples
    --------
    >>> preferred("es-ES,es;q=0.9,en;q=0.8"), preferred("de, en;q=0.5"), preferred("")
    ('es', 'en', 'en')
    """
    wanted: list[tuple[float, str]] = []
    for part in accepted.split(",")[:20]:
        word, _, quality = part.partition(";q=")
        try:
            wanted.append((-float(quality or 1), word.strip()[:2].lower()))
        except ValueError:
            continue
    return next((word for _, word in sorted(wanted, key=lambda one: one[0]) if word in LANGUAGES), "en")


def gettext_here(text: str) -> str:
    """Translate a text into the language of this request."""
    return _catalogue(_language.get()).gettext(text) if text else ""


def templates(areas: Sequence[str]) -> Environment:
    """Return the environment in which the pages of some areas are written.

    Parameters
    ----------
    areas : sequence of str
        Each has its templates in ``pages/<area>/templates``, and is named ``<area>/<page>.html``.
    """
    folders = {area: FileSystemLoader(_HERE / "pages" / area / "templates") for area in areas}
    environment = Environment(
        loader=ChoiceLoader([PrefixLoader(folders), FileSystemLoader(_HERE / "pages" / "templates")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(gettext_here, _ngettext_here, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {"moment": moment, "size": size, "count": count, "money": money}
    environment.globals |= {"language": language, "LANGUAGES": LANGUAGES}
    return environment


def moment(when: datetime | date | None) -> str:
    """Write a moment for people: in UTC, to the minute.

    Examples
    --------
    >>> moment(datetime(2026, 1, 2, 3, 4, 5)), moment(date(2026, 1, 2)), moment(None)
    ('2026-01-02 03:04 UTC', '2026-01-02', '')
    """
    if when is None:
        return ""
    return f"{when:%Y-%m-%d %H:%M} UTC" if isinstance(when, datetime) else when.isoformat()


def size(number: int) -> str:
    """Write a number of bytes for people.

    Examples
    --------
    >>> size(999), size(20_500), size(3_200_000_000)
    ('999 B', '20.5 kB', '3.2 GB')
    """
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" else _local(f"{amount:.1f} {unit}")


def count(number: int | None) -> Markup | str:
    """Write a count; None stands for fewer than ten."""
    return gettext_here("fewer than 10") if number is None else _local(f"{number:,}")


def money(amount: float) -> str:
    """Write an amount of money."""
    return _local(f"{amount:,.2f}")


def _local(number: str) -> str:
    """Write a number with the marks of this request's language: 1,234.5 is 1.234,5 in Spanish."""
    return number.translate(_SPANISH) if _language.get() == "es" else number


@cache
def _catalogue(name: str) -> gettext.NullTranslations:
    return gettext.translation("voxpop", _LOCALE, [name], fallback=True)


def _ngettext_here(one: str, many: str, number: int) -> str:
    return _catalogue(_language.get()).ngettext(one, many, number)
