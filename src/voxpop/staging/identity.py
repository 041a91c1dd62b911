"""What was read of a person's identity while it was taken out: what the residual scan seeks.

Everything here is identity: it lives in memory and in the protected folder only.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class IdentityValue:
    """One value that de-identification removed, emptied, replaced, shifted or remapped.

    Parameters
    ----------
    kind : str
        ``person name``, ``date``, ``time``, ``uid``, ``id``, ``text``, ``age``, ``private`` or ``meta``.
    text : str
        One value (a multi-valued element gives several), decoded, without padding.
    raw : bytes
        The same value as it stood in the file, without padding.
    charset : tuple of str
        (0008,0005) as it applied to the element; empty for the default repertoire.
    """

    kind: str
    text: str
    raw: bytes
    charset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """The values of identity of one or more objects.

    Parameters
    ----------
    values : frozenset of IdentityValue
        What has to be nowhere in what is written.
    kept : frozenset of str
        Decoded texts that a rule keeps by name in the same objects: a value equal to one of these is not evidence
        of a leak; the scan counts it instead of seeking it.
    """

    values: frozenset[IdentityValue] = field(default_factory=frozenset)
    kept: frozenset[str] = field(default_factory=frozenset)

    def joined(self, other: "Identity") -> "Identity":
        """Return the union of two identities."""
        return Identity(self.values | other.values, self.kept | other.kept)

    @staticmethod
    def union(parts: "Iterable[Identity]") -> "Identity":
        """Return the union of any number of identities."""
        values: set[IdentityValue] = set()
        kept: set[str] = set()
        for part in parts:
            values |= part.values
            kept |= part.kept
        return Identity(frozenset(values), frozenset(kept))
