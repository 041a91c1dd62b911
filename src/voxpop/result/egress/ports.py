"""What egress needs from outside."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from voxpop.kernel.ids import RunId
from voxpop.kernel.ledger import Event
from voxpop.result.egress.layers import Layer
from voxpop.result.egress.model import Limits, Release


class Releases(Protocol):
    """Where requests and the decisions on them are kept."""

    def add(self, release: Release, event: Event) -> None:
        """Keep a new request and append the event."""
        ...

    def get(self, release: str) -> Release:
        """Return a release, or raise ``Absent``."""
        ...

    def every(self) -> Sequence[Release]:
        """Return all releases, by time and id."""
        ...

    def of_run(self, run: RunId) -> Sequence[Release]:
        """Return a run's releases, by time and id."""
        ...

    def decided(self, release: Release, event: Event) -> None:
        """Keep the decision on a request and move it to ``release.state``; ``IllegalMove`` if it is not open."""
        ...


class IdentitySearch(Protocol):
    """Knows the participants of one run, and seeks what identifies them."""

    @property
    def coverage(self) -> str:
        """What is sought and what is not, in one sentence."""
        ...

    @property
    def labels(self) -> frozenset[str]:
        """The participants' pseudonyms, without ``sub-``."""
        ...

    @property
    def groups(self) -> frozenset[str]:
        """The names of the groups, with small letters."""
        ...

    def found(self, layer: Layer) -> int:
        """Return how many places in some bytes hold a value that identifies a participant."""
        ...


class Identities(Protocol):
    """Opens what is known of the participants of a run; an access to identity, and audited as such."""

    def opened(self, run: RunId, actor: str) -> IdentitySearch:
        """Return the search for the participants of a run."""
        ...


def _alone(person: str) -> Sequence[str]:
    return (person,)


@dataclass(frozen=True)
class Surroundings:
    """What egress looks at and asks.

    Parameters
    ----------
    results : callable
        Returns the folder of a run's results, or raises ``Absent``.
    identities : Identities
    aliases : callable
        Returns every word that a person is known by.
    limits : Limits
    """

    results: Callable[[RunId], Path]
    identities: Identities
    aliases: Callable[[str], Sequence[str]] = _alone
    limits: Limits = field(default_factory=Limits)
