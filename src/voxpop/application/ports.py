"""What the application stage needs from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from voxpop.application.model import Application, ComputeRequest, DataRequest, Decision, Remark
from voxpop.application.states import ApplicationState
from voxpop.kernel.ids import ApplicationId


class Applications(Protocol):
    """Where applications are kept."""

    def add(self, application: Application, actor: str) -> None:
        """Keep a new draft; the same document under the same id again is silent.

        Raises
        ------
        Refused
            If the id is taken by another document.
        """
        ...

    def replace(self, application: Application, actor: str) -> None:
        """Replace a draft's or returned application's document."""
        ...

    def get(self, application: ApplicationId) -> Application:
        """Return an application, or raise ``Absent``."""
        ...

    def state(self, application: ApplicationId) -> ApplicationState:
        """Return where an application stands, or raise ``Absent``."""
        ...

    def decisions(self, application: ApplicationId) -> Sequence[Decision]:
        """Return its moves, the oldest first."""
        ...

    def remark(self, application: ApplicationId, remark: Remark) -> None:
        """Keep a remark."""
        ...

    def remarks(self, application: ApplicationId) -> Sequence[Remark]:
        """Return the remarks, the oldest first."""
        ...

    def every(self) -> Sequence[tuple[Application, ApplicationState]]:
        """Return all applications, by id."""
        ...


@dataclass(frozen=True, slots=True)
class GroupCount:
    """How many participants a group can have; None where the number is below 10 and is not told."""

    group: str
    available: int | None
    wanted: int | None


class Counts(Protocol):
    """What the archive could give for a request, without giving it."""

    def groups(self, request: DataRequest) -> Sequence[GroupCount]:
        """Count each group of the request, small counts suppressed."""
        ...

    def exact_shortfall(self, request: DataRequest) -> Sequence[str]:
        """Return the names of groups that ask for more participants than there are."""
        ...


class Offers(Protocol):
    """What can be asked for here."""

    def recipes(self) -> Sequence[str]:
        """Return the names of the recipes."""
        ...

    def recipes_waiting(self) -> Sequence[str]:
        """Return the names of recipes that are here and not approved."""
        ...

    def pipelines(self) -> Sequence[str]:
        """Return the pipelines, as ``name/version``."""
        ...


@dataclass(frozen=True, slots=True)
class PriceList:
    """What a site asks for, in one currency."""

    currency: str
    core_hour: float
    gpu_hour: float
    gb_month: float


class Prices(Protocol):
    """The price list of the site where the project would run."""

    def price_list(self) -> PriceList:
        """Return the site's prices."""
        ...


@dataclass(frozen=True, slots=True)
class Cost:
    """What an application would cost at a site's prices."""

    core_hours: float
    gpu_hours: float
    gb_months: float
    money: float
    currency: str
    parts: Mapping[str, float]


__all__ = ["Applications", "ComputeRequest", "Cost", "Counts", "GroupCount", "Offers", "PriceList", "Prices"]
