"""The stage's ports in memory, for tests and for trying things out."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from voxpop.application.errors import ApplicationAbsent, ApplicationFixed
from voxpop.application.model import Application, DataRequest, Decision, Remark
from voxpop.application.ports import GroupCount, PriceList
from voxpop.application.states import ApplicationState
from voxpop.kernel.clock import Clock
from voxpop.kernel.errors import IllegalMove
from voxpop.kernel.ids import ApplicationId
from voxpop.kernel.ledger import Event

SMALLEST_TOLD = 10


class MemoryApplications:
    """Applications and their ledger, in memory."""

    def __init__(self, clock: Clock) -> None:
        self.events: list[Event] = []
        self._clock = clock
        self._kept: dict[ApplicationId, Application] = {}
        self._states: dict[ApplicationId, ApplicationState] = {}
        self._decisions: dict[ApplicationId, list[Decision]] = {}
        self._remarks: dict[ApplicationId, list[Remark]] = {}

    def add(self, application: Application, actor: str) -> None:
        """Keep a new draft; the same document again is silent."""
        kept = self._kept.get(application.id)
        if kept is None:
            self._keep(application, actor, "application.drafted")
            self._states[application.id] = ApplicationState.DRAFT
            self._decisions[application.id] = []
        elif kept.digest != application.digest:
            raise ApplicationFixed(application.id, self._states[application.id].value)

    def replace(self, application: Application, actor: str) -> None:
        """Replace a document."""
        self.get(application.id)
        self._keep(application, actor, "application.rewritten")

    def get(self, application: ApplicationId) -> Application:
        """Return an application, or raise ``Absent``."""
        if application not in self._kept:
            raise ApplicationAbsent(application)
        return self._kept[application]

    def state(self, application: ApplicationId) -> ApplicationState:
        """Return where an application stands, or raise ``Absent``."""
        self.get(application)
        return self._states[application]

    def decisions(self, application: ApplicationId) -> Sequence[Decision]:
        """Return its moves, the oldest first."""
        return tuple(self._decisions.get(application, ()))

    def remark(self, application: ApplicationId, remark: Remark) -> None:
        """Keep a remark."""
        self._remarks.setdefault(application, []).append(remark)

    def remarks(self, application: ApplicationId) -> Sequence[Remark]:
        """Return the remarks, the oldest first."""
        return tuple(self._remarks.get(application, ()))

    def every(self) -> Sequence[tuple[Application, ApplicationState]]:
        """Return all applications, by id."""
        return [(self._kept[name], self._states[name]) for name in sorted(self._kept)]

    def record(self, event: Event) -> None:
        """Append an event."""
        self.events.append(event)

    def move(self, subject: str, source: StrEnum, target: StrEnum, event: Event) -> None:
        """Change a state where it still is ``source``, and append the event."""
        name = ApplicationId(subject.removeprefix("application:"))
        here = self.state(name)
        if here.value != source.value:
            raise IllegalMove(subject, here.value, target.value)
        after = ApplicationState(target.value)
        self._decisions[name].append(Decision(event.actor, self._clock.now(), here, after, event.reason))
        self._states[name] = after
        self.record(event)

    def _keep(self, application: Application, actor: str, action: str) -> None:
        self._kept[application.id] = application
        facts = {"document_sha256": application.digest}
        self.record(Event(action, f"application:{application.id}", actor, facts=facts))


class FixedCounts:
    """An archive with so many participants in each group; 0 in those not named."""

    def __init__(self, available: Mapping[str, int]) -> None:
        self._available = available

    def groups(self, request: DataRequest) -> Sequence[GroupCount]:
        """Count each group of the request, small counts suppressed."""
        return [
            GroupCount(group.name, count if (count := self._count(group.name)) >= SMALLEST_TOLD else None, group.number)
            for group in request.groups
        ]

    def exact_shortfall(self, request: DataRequest) -> Sequence[str]:
        """Return the names of groups that ask for more participants than there are."""
        return [group.name for group in request.groups if (group.number or 0) > self._count(group.name)]

    def _count(self, group: str) -> int:
        return self._available.get(group, 0)


class FixedPrices:
    """A site with this price list."""

    def __init__(self, prices: PriceList) -> None:
        self._prices = prices

    def price_list(self) -> PriceList:
        """Return the site's prices."""
        return self._prices


class FixedOffers:
    """These recipes and pipelines."""

    def __init__(self, recipes: Sequence[str], pipelines: Sequence[str], waiting: Sequence[str] = ()) -> None:
        self._recipes = recipes
        self._waiting = waiting
        self._pipelines = pipelines

    def recipes(self) -> Sequence[str]:
        """Return the names of the recipes."""
        return self._recipes

    def recipes_waiting(self) -> Sequence[str]:
        """Return the names of recipes that are here and not approved."""
        return self._waiting

    def pipelines(self) -> Sequence[str]:
        """Return the pipelines, as ``name/version``."""
        return self._pipelines
