"""The checks: each looks at one opened file and says what it found, what it is blind to included."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from voxpop.result.egress import patterns
from voxpop.result.egress.disclosure import (
    SMALLEST_SHOWN,
    Cohort,
    formulas,
    holds_rows,
    names_participants,
    small_cells,
    tables,
)
from voxpop.result.egress.layers import Form, Layer, Opened
from voxpop.result.egress.model import Coverage, Finding, Limits, Permission, Severity
from voxpop.result.egress.ports import IdentitySearch
from voxpop.result.egress.signatures import Signature, expected, signature
from voxpop.result.egress.tables import Unreadable, tables_of

_S = Severity
_ORDER: Final = {severity: at for at, severity in enumerate(Severity)}
_SCRIPT = re.compile(rb"<script\b|\son\w{3,20}\s*=|javascript:", re.IGNORECASE)


@dataclass(frozen=True)
class Context:
    """What the checks know beside the file."""

    search: IdentitySearch
    limits: Limits

    @property
    def cohort(self) -> Cohort:
        """The participants' pseudonyms and groups."""
        return Cohort(self.search.labels, self.search.groups)


@dataclass(frozen=True)
class Check:
    """One check.

    Parameters
    ----------
    code : str
    version : str
        Raised whenever it would find something else in the same file.
    says : str
        What it looks at, and what it cannot see.
    look : callable
        Yields findings.
    """

    code: str
    version: str
    says: str
    look: Callable[[Opened, Context], Iterable[Finding]]


def look(opened: Opened, context: Context) -> list[Finding]:
    """Return what all checks find in a file, each finding once."""
    found = dict.fromkeys(one for check in CHECKS for one in check.look(opened, context))
    return ordered(found)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Put findings in their one order: the gravest first, then by path, check and sentence."""
    return sorted(findings, key=lambda one: (_ORDER[one.severity], one.path, one.check, one.sentence))


def coverage(findings: Sequence[Finding], search: IdentitySearch) -> tuple[Coverage, ...]:
    """Return what each check looked at and how much it found."""
    counted = Counter((one.check, one.severity) for one in findings)
    return tuple(
        Coverage(
            check.code,
            check.version,
            f"{check.says} {search.coverage}".strip() if check.code == "identity" else check.says,
            {severity: counted[check.code, severity] for severity in Severity},
        )
        for check in CHECKS
    )


def _kind(opened: Opened, context: Context) -> Iterator[Finding]:
    sentence = _kind_fault(opened) if opened.size <= context.limits.file_bytes else ""
    if sentence:
        yield Finding(opened.path, "kind", _S.STOPS, sentence)
    if not opened.path.isprintable() or "\\" in opened.path:
        yield Finding(opened.path, "kind", _S.STOPS, "has a name with control characters or backslashes: rename it")
    if any(layer.form is Form.TEXT and _SCRIPT.search(layer.content) for layer in _pages(opened)):
        yield Finding(opened.path, "kind", _S.LOOK, "is a page with a program in it, which runs where it is opened")
    yield from (fault for fault in opened.faults if fault.check == "kind")


def _kind_fault(opened: Opened) -> str:
    told, wanted = signature(opened.head), expected(opened.path)
    if told is Signature.DICOM:
        return "is a DICOM object: images leave as NIfTI or pictures alone, with permission"
    if wanted is None:
        return (
            "is of no kind that may leave: PNG, JPEG, SVG, PDF, TSV, CSV, JSON, text, Markdown, HTML, YAML, CWL, NIfTI"
        )
    if told is not wanted:
        return "is not what its name says: give it the name of what it is, or leave it out"
    if wanted is Signature.GZIP and not opened.is_nifti:
        return "holds no NIfTI-1 image: leave it out"
    if opened.path.lower().endswith(".svg") and not any(b"<svg" in layer.content for layer in opened.layers):
        return "is no SVG picture: give it the name of what it is, or leave it out"
    return _text_fault(opened)


def _text_fault(opened: Opened) -> str:
    for layer in opened.layers:
        if layer.form is Form.TEXT and not _is_utf8(layer.content):
            return "is not UTF-8 text: write it so"
        try:
            for _ in tables_of(layer):
                break
        except Unreadable:
            return "cannot be read as the table or JSON that its name says: mend it, or leave it out"
    return ""


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in content


def _pages(opened: Opened) -> Sequence[Layer]:
    return opened.layers if opened.path.lower().endswith((".svg", ".html", ".htm", ".md")) else ()


def _size(opened: Opened, context: Context) -> Iterator[Finding]:
    most = context.limits.file_bytes
    if opened.size > most:
        sentence = f"is larger than {most // 1_000_000} MB: give it in parts, or leave it out"
        yield Finding(opened.path, "size", _S.STOPS, sentence)


def _identity(opened: Opened, context: Context) -> Iterator[Finding]:
    for layer in opened.layers:
        if context.search.found(layer):
            sentence = f"holds what identifies a participant, in {layer.name}: leave it out, and tell the data manager"
            yield Finding(opened.path, "identity", _S.STOPS, sentence)


_LOOKS_LIKE: Final[tuple[tuple[Callable[[str], Iterator[str]], Severity, str], ...]] = (
    (patterns.numbers_of_persons, _S.STOPS, "holds what reads as a DNI or NIE: take it out"),
    (patterns.names_of_persons, _S.STOPS, "holds what is written as DICOM writes a person's name: take it out"),
    (patterns.uids, _S.STOPS, "holds a UID that is not one of voxpop's: take it out"),
    (patterns.addresses, _S.LOOK, "holds an e-mail address: see that it is nobody's from the cohort"),
)


def _pattern(opened: Opened, context: Context) -> Iterator[Finding]:
    del context
    for layer in opened.layers:
        if layer.form is not Form.BINARY:
            text = layer.text
            for seek, severity, sentence in _LOOKS_LIKE:
                if next(seek(text), None) is not None:
                    yield Finding(opened.path, "pattern", severity, sentence)


def _secret(opened: Opened, context: Context) -> Iterator[Finding]:
    del context
    for what, pattern in patterns.SECRETS.items():
        if any(pattern.search(part) for layer in opened.layers for part in layer.outside_pixels()):
            yield Finding(opened.path, "secret", _S.STOPS, f"holds what reads as {what}: take it out, and change it")


def _archive(opened: Opened, context: Context) -> Iterator[Finding]:
    del context
    yield from (fault for fault in opened.faults if fault.check == "archive")


def _images(opened: Opened, context: Context) -> Iterator[Finding]:
    if not opened.pictures:
        return
    labels = context.search.labels
    if opened.is_nifti or any(names_participants(one, labels) for one in opened.layers if one.form is not Form.BINARY):
        sentence = "holds images of a person: they leave only if the releasing person allows images"
        yield Finding(opened.path, Permission.IMAGES, _S.NEEDS_PERMISSION, sentence)
        return
    sentence = "is or holds a picture: nothing here reads what it shows, so look at it before you release it"
    yield Finding(opened.path, Permission.IMAGES, _S.LOOK, sentence)


def _row_level(opened: Opened, context: Context) -> Iterator[Finding]:
    if holds_rows(opened, context.cohort):
        sentence = "tells of participants one by one: it leaves only if the releasing person allows row-level"
        yield Finding(opened.path, Permission.ROW_LEVEL, _S.NEEDS_PERMISSION, sentence)


def _small_cell(opened: Opened, context: Context) -> Iterator[Finding]:
    if not any(small_cells(table, context.search.groups) for table in tables(opened)):
        return
    if holds_rows(opened, context.cohort):
        sentence = f"counts fewer than {SMALLEST_SHOWN} persons, beside the rows themselves"
        yield Finding(opened.path, "small-cell", _S.LOOK, sentence)
        return
    sentence = f"holds a cell that counts fewer than {SMALLEST_SHOWN} persons: merge or suppress such cells"
    yield Finding(opened.path, "small-cell", _S.STOPS, sentence)


def _formula(opened: Opened, context: Context) -> Iterator[Finding]:
    del context
    if any(formulas(layer) for layer in opened.layers):
        sentence = "holds cells that a spreadsheet would run as formulas: open it as text"
        yield Finding(opened.path, "formula", _S.LOOK, sentence)


CHECKS: Final = (
    Check(
        "kind",
        "1",
        "The first bytes and the ending of each name must agree on a kind that may leave; PNG, JPEG and NIfTI must end "
        "where their image ends, text is UTF-8, JSON and tables can be read. Python leaves under crate/workflow alone.",
        _kind,
    ),
    Check("size", "1", "Each file, and the request as a whole.", _size),
    Check(
        "identity",
        "1",
        "Seeks known values in names, in the bytes of each file and behind gzip, zip, tar, xz, bzip2, the deflated "
        "streams and the shown text of PDF, the text chunks of PNG, and files embedded by base64 in text. Text drawn "
        "in pixels, text in PDF without a map to Unicode, and values that were changed or encoded otherwise are not "
        "seen.",
        _identity,
    ),
    Check(
        "pattern",
        "1",
        "Seeks DNI and NIE by their check letter, names as DICOM writes them, UIDs that are not voxpop's, and e-mail "
        "addresses, in what can be read as text. Names in running text are not told from other words.",
        _pattern,
    ),
    Check(
        "secret",
        "1",
        "Seeks private keys, known forms of tokens, and passwords beside their name, outside samples of images.",
        _secret,
    ),
    Check(
        "archive",
        "1",
        "Opens zip, tar, gzip, xz and bzip2 within limits of size, ratio and number; 7z, rar and zstd are not opened "
        "and so stop.",
        _archive,
    ),
    Check(
        Permission.IMAGES,
        "1",
        "NIfTI, and pictures whose file names a participant, are images of a person; other pictures are named to be "
        "looked at, for nothing reads what they show.",
        _images,
    ),
    Check(
        Permission.ROW_LEVEL,
        "1",
        "Seeks the participants' pseudonyms in all that can be read, and columns that name persons in tables and JSON. "
        "Rows without a name for the person are not seen.",
        _row_level,
    ),
    Check(
        "small-cell",
        "1",
        f"Seeks whole numbers from 1 to {SMALLEST_SHOWN - 1} in columns and fields that are named like counts or like "
        "a group, and counts by sex, in TSV, CSV and JSON; a report by the JSON that it was made from. Differences "
        "between tables, percentages, tables in HTML, Markdown, text, foreign PDF and pictures are not seen.",
        _small_cell,
    ),
    Check(
        "formula",
        "1",
        "Seeks cells of TSV and CSV that begin with =, +, -, @, tab or return and are no number.",
        _formula,
    ),
)
"""All checks, in the order in which they are told."""
