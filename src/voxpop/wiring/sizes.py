"""What the commands, the API and the pages tell of an appliance's workers: the same."""

from dataclasses import asdict, dataclass

from voxpop.appliance.elastic.sizing import Size, WorkerSeen
from voxpop.application.cost import money_paid
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ApplianceId
from voxpop.wiring.system import System

_HOUR_S = 3600
_LAST_EVENTS = 5


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened to an appliance, and when."""

    at: str
    action: str


@dataclass(frozen=True, slots=True)
class SizeTold:
    """The workers of an appliance, their cost, and what happened last.

    Parameters
    ----------
    here : tuple of WorkerSeen, or None
        None while the site does not answer.
    waiting, running : int or None
        None while the queue does not answer.
    """

    queue: str
    least: int
    most: int
    granted: int
    here: tuple[WorkerSeen, ...] | None
    waiting: int | None
    running: int | None
    worker_hours: float
    cost: float
    currency: str
    events: tuple[Happened, ...]

    def json(self) -> dict[str, Json]:
        """Return it for a program."""
        facts: dict[str, Json] = asdict(self)
        here = self.here
        workers: list[Json] = [{"worker": one.name, "up": one.up, "state": one.state.value} for one in here or ()]
        return facts | {"here": None if here is None else workers, "events": [asdict(one) for one in self.events]}


def size_told(system: System, appliance: ApplianceId) -> SizeTold | None:
    """Return what is told of an appliance's workers; None for one without a queue."""
    size = system.clusters.sizing.show(appliance)
    return None if size is None else _told(system, appliance, size)


def _told(system: System, appliance: ApplianceId, size: Size) -> SizeTold:
    prices, one = system.broker.prices_at(system.appliances.get(appliance).site), size.granted
    events = system.ledger.links(f"appliance:{appliance}")[-_LAST_EVENTS:]
    return SizeTold(
        queue=size.kind,
        least=size.least,
        most=size.most,
        granted=one.most,
        here=size.workers,
        waiting=size.load.waiting if size.load else None,
        running=size.load.running if size.load else None,
        worker_hours=round(size.sum.paid_s / _HOUR_S, 2),
        cost=money_paid(size.sum.paid_s, one.cores, one.gpus, prices),
        currency=prices.currency,
        events=tuple(Happened(link.at, link.event.action) for link in events),
    )
