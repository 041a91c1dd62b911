"""What dcm2niix prints, as short clauses without names of files or values of elements."""

import re
from collections.abc import Iterator
from typing import Final

from voxpop.backends.process import Finished

EXIT_REASONS: Final = {
    1: "the tool failed",
    2: "no image was found that it can read",
    4: "a file is corrupt",
    5: "the input folder is not readable",
    6: "the output folder is not valid",
    7: "the output folder cannot be written to",
    8: "some images could not be converted",
    9: "files could not be renamed",
    10: "the volume is incomplete: slices are missing",
}
"""Exit codes of dcm2niix (nii_dicom.h, ``kEXIT_*``); 0 is success, 3 and 11 print something else than images."""

_TELLING = re.compile(
    r"warning|error|unable|skipping|ignoring|not stacked|note:|note these|corrupt|missing|incomplete|disk full"
    r"|unsupported",
    re.IGNORECASE,
)
_LEAD = re.compile(r"^(?:warning|error|note)\s*:?\s*", re.IGNORECASE)
_NOISE = re.compile(r"is new: please validate|recent stable|run with `?-v|^compression will be faster", re.IGNORECASE)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_PATH = re.compile(r"(?<![\w.])(?:\.{0,2}/)[^\s:;,()]+|\S+\.(?:dcm|nii|json|ima)\b\S*", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"\d[\d.]{7,}")
_SPACE = re.compile(r"\s+")
_LONGEST = 140


def warnings_of(finished: Finished) -> tuple[str, ...]:
    """Return the tool's warnings, each once, in the order in which they came."""
    return tuple(dict.fromkeys(_clauses(finished)))


def refusal_of(finished: Finished) -> str:
    """Say why nothing came out, or not everything."""
    if finished.exit_code < 0:
        return f"the tool was ended by signal {-finished.exit_code}"
    reason = EXIT_REASONS.get(finished.exit_code, "the tool wrote no image")
    said = [clause for clause in warnings_of(finished) if clause.lower() not in reason]
    return f"{reason} ({said[-1]})" if said else reason


def _clauses(finished: Finished) -> Iterator[str]:
    for line in f"{finished.stdout}\n{finished.stderr}".splitlines():
        if _TELLING.search(line) and not _NOISE.search(line):
            clause = _cleaned(line)
            if clause:
                yield clause


def _cleaned(line: str) -> str:
    text = _LEAD.sub("", line.strip())
    text = _QUOTED.sub("", text)
    text = _PATH.sub("", text)
    text = _LONG_NUMBER.sub("", text)
    text = _SPACE.sub(" ", text).strip(" :;,.")
    return text[:_LONGEST]
