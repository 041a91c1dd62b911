"""One cell of the table: read, or refused without showing its value."""

import math
import re
from datetime import date, datetime

SEXES = {
    **dict.fromkeys(("f", "female", "w", "woman"), "F"),
    **dict.fromkeys(("m", "male", "man"), "M"),
    **dict.fromkeys(("o", "other", "d"), "O"),
    **dict.fromkeys(("", "u", "unknown"), ""),
}
# WHO has one character after the dot, national editions up to four.
ICD10 = re.compile(r"[A-Z][0-9][0-9A-Z](?:\.?[0-9A-Z]{1,4})?")
DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*)?")
FIRST_YEAR = 1850


class WrongCell(ValueError):
    """A cell that cannot be read; says what is expected, never what stands there."""


def text(cell: str, *, required: bool = True) -> str:
    """Return a text without the blanks around it."""
    stripped = cell.strip()
    if required and not stripped:
        raise WrongCell("is empty")
    return stripped


def day(cell: str) -> date | None:
    """Return a day written ``2024-01-31`` or ``20240131``; None where the cell is empty."""
    stripped = cell.strip()
    if not stripped:
        return None
    found = DAY.fullmatch(stripped)
    if found is None:
        raise WrongCell("is no day: write it as 2024-01-31")
    try:
        read = datetime(*map(int, found.groups())).date()  # type: ignore[arg-type] # noqa: DTZ001 -- a day has no time zone
    except ValueError as error:
        raise WrongCell("is no day of the calendar") from error
    if read.year < FIRST_YEAR:
        raise WrongCell(f"is a day before {FIRST_YEAR}")
    return read


def sex(cell: str) -> str:
    """Return ``F``, ``M``, ``O``, or nothing where the cell is empty or says unknown."""
    try:
        return SEXES[cell.strip().lower()]
    except KeyError:
        raise WrongCell("is no sex: write F, M, O, or leave it empty") from None  # the key is the value


def number(cell: str, least: float, most: float) -> float | None:
    """Return a number between two limits; None where the cell is empty."""
    stripped = cell.strip()
    if not stripped:
        return None
    try:
        value = float(stripped.replace(",", ".") if stripped.count(",") == 1 and "." not in stripped else stripped)
    except ValueError:
        raise WrongCell("is no number") from None  # the message holds the value
    if not (math.isfinite(value) and least <= value <= most):
        raise WrongCell(f"is not between {least:g} and {most:g}")
    return value


def codes(cell: str) -> tuple[str, ...]:
    """Return ICD-10 codes, separated by semicolons, with the dot where they have a fourth character."""
    read: dict[str, None] = {}
    for part in cell.split(";"):
        code = part.strip().upper()
        if not code:
            continue
        if ICD10.fullmatch(code) is None:
            raise WrongCell("holds something that is no ICD-10 code: write M80.08, and separate codes by semicolons")
        plain = code.replace(".", "")
        read[f"{plain[:3]}.{plain[3:]}" if len(plain) > 3 else plain] = None
    return tuple(read)
