"""Egress' ports in memory, for tests and for trying things out."""

from collections.abc import Sequence
from dataclasses import dataclass

from voxpop.kernel.errors import IllegalMove
from voxpop.kernel.ids import RunId
from voxpop.kernel.ledger import Event
from voxpop.result.egress.errors import ReleaseAbsent
from voxpop.result.egress.layers import Layer
from voxpop.result.egress.model import Release
from voxpop.result.egress.ports import IdentitySearch
from voxpop.result.egress.states import ReleaseState


class MemoryReleases:
    """Releases in memory, with the events that tell of them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._kept: dict[str, Release] = {}

    def add(self, release: Release, event: Event) -> None:
        """Keep a new request and append the event."""
        self._kept[release.id] = release
        self.events.append(event)

    def get(self, release: str) -> Release:
        """Return a release, or raise ``Absent``."""
        if release not in self._kept:
            raise ReleaseAbsent(release)
        return self._kept[release]

    def every(self) -> Sequence[Release]:
        """Return all releases, by time and id."""
        return sorted(self._kept.values(), key=lambda one: (one.asked_at, one.id))

    def of_run(self, run: RunId) -> Sequence[Release]:
        """Return a run's releases, by time and id."""
        return [one for one in self.every() if one.run == run]

    def decided(self, release: Release, event: Event) -> None:
        """Keep the decision on a request and move it to ``release.state``; ``IllegalMove`` if it is not open."""
        kept = self.get(release.id)
        if kept.state is not ReleaseState.REQUESTED:
            raise IllegalMove(event.subject, kept.state.value, release.state.value)
        self._kept[release.id] = release
        self.events.append(event)


@dataclass(frozen=True)
class FixedIdentities:
    """Knows these values, pseudonyms and groups, whatever the run; it is its own search."""

    values: tuple[bytes, ...] = ()
    labels: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    coverage: str = "The values given."

    def opened(self, run: RunId, actor: str) -> IdentitySearch:
        """Return itself."""
        del run, actor
        return self

    def found(self, layer: Layer) -> int:
        """Return how many of the values some bytes hold."""
        return sum(value in layer.content for value in self.values)
