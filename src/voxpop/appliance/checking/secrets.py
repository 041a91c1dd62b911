"""Keys, passwords and tokens that were left in a file; what is found is never told."""

import re
from collections.abc import Iterator

from voxpop.appliance.checking.finding import Finding

_KNOWN = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "a key of AWS": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token of GitHub": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})"),
    "a token of GitLab": re.compile(r"\bglpat-[A-Za-z0-9_-]{20}"),
    "a token of PyPI": re.compile(r"\bpypi-[A-Za-z0-9_-]{50,}"),
    "a token of npm": re.compile(r"\bnpm_[A-Za-z0-9]{36}\b"),
    "a token of Slack": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "a signed token (JWT)": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    "a password in an address": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@'\"{}]+:(?![{$])[^\s/@'\"{}]+@"),
}
_NAMED = re.compile(
    r"(?i)\b[\w-]*(?:passwords?|passwd|passphrase|secret|api_?key|access_?key|auth_?token|token)['\"]?\s*[:=]\s*(?P<value>.+)$"
)
_EMPTY = re.compile(
    r"(?i)^['\"]?\s*(?:['\"]|\{\{.*|\{%.*|\$.*|<.*|\|.*|>.*|~|null|none|true|false|yes|no|omit|\d{1,3})?['\"]?[,;]?\s*(?:#.*)?$"
)
_WORD = re.compile(r"^['\"]?[^\s'\"(){}\[\]]{6,}['\"]?[,;]?\s*(?:#.*)?$")


def secrets(file: str, text: str) -> Iterator[Finding]:
    """Yield what looks like a secret."""
    for number, line in enumerate(text.splitlines(), start=1):
        kind = next((kind for kind, pattern in _KNOWN.items() if pattern.search(line)), "")
        named = _NAMED.search(line)
        if not kind and named and not _EMPTY.match(named["value"]) and _WORD.match(named["value"]):
            kind = "a secret, by the name of what it is given to"
        if kind:
            yield Finding(file, number, f"holds {kind}: take it away, and change it where it was used")
