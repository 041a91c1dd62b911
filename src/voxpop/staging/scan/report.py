"""What the residual scan found and how far it looked."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A value of identity that is still there; says what and where, never the value.

    Parameters
    ----------
    kind : str
        The kind of the value, as ``IdentityValue.kind``.
    encoding : str
        How it is written there: ``ASCII``, ``UTF-8``, ``UTF-16LE``, ``as read`` and so on.
    place : str
        A tag path or a kind of file: ``(0008,1030)``, ``pixel data``, ``JSON sidecar``, ``NIfTI header``.
    """

    kind: str
    encoding: str
    place: str


@dataclass(frozen=True, slots=True)
class ScanReport:
    """The outcome of a residual scan.

    Parameters
    ----------
    findings : tuple of Finding
        Sorted, each once; empty when nothing was left.
    bytes_read : int
        Bytes looked at, after decompression.
    values_sought : int
        Values of identity that were sought.
    values_not_sought : mapping of reason to int
        Values of identity that were not sought, or not everywhere.
    encodings : tuple of str
        The ways of writing that were sought.
    set_aside : mapping of reason to int
        Places that looked like a value and are not one, by the rule that says so.
    """

    findings: tuple[Finding, ...]
    bytes_read: int
    values_sought: int
    values_not_sought: Mapping[str, int]
    encodings: tuple[str, ...]
    set_aside: Mapping[str, int] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Say whether nothing was found."""
        return not self.findings

    @property
    def reason(self) -> str:
        """Say in one clause why the study is refused; empty when nothing was found."""
        if self.clean:
            return ""
        first = self.findings[0]
        more = f" and {len(self.findings) - 1} more" if len(self.findings) > 1 else ""
        return f"the residual scan found a {first.kind} ({first.encoding}) in {first.place}{more}"
