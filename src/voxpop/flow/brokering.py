"""Which sites can serve a project, at what cost, and what each would not give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from voxpop.appliance.brokering import (
    DataRule,
    Fit,
    Place,
    least_cores,
    order,
    refusal,
    standing_of,
)
from voxpop.appliance.errors import SiteAbsent, SiteRefuses
from voxpop.appliance.model import Appliance, Environment
from voxpop.appliance.states import STANDS
from voxpop.appliance.terms import Limits, Quota, Terms
from voxpop.appliance.tosca import read
from voxpop.application.cost import cost
from voxpop.application.model import ComputeRequest
from voxpop.application.ports import Cost, PriceList, Prices
from voxpop.application.service import ApplicationService
from voxpop.kernel.errors import VoxpopError
from voxpop.kernel.ids import ApplianceId, ApplicationId


class Market(Protocol):
    """The sites, as they are offered."""

    def offers(self) -> Mapping[str, tuple[str, Terms]]:
        """Return each site's kind and terms, by name."""
        ...

    def foretold(self, document: str, sites: Sequence[str]) -> Mapping[str, tuple[str, ...] | VoxpopError]:
        """Ask sites at once, each for a few seconds at most, what of a document they could not give."""
        ...


class Quotas(Protocol):
    """How much of a site a project may use."""

    def quota(self, site: str, application: ApplicationId) -> Quota:
        """Return a project's quota at a site; one without limits where none was set."""
        ...


class Records(Protocol):
    """All appliances, and their documents."""

    def every(self) -> Sequence[Appliance]:
        """Return all appliances, by id."""
        ...

    def document(self, appliance: ApplianceId) -> str:
        """Return the TOSCA document."""
        ...


Spent = Callable[[Appliance, Environment], float]
"""Returns the core hours that an appliance has used until now."""


@dataclass(frozen=True, slots=True)
class CostRange:
    """What an environment costs while nothing is done in it, and at its peak all the time."""

    least: Cost
    most: Cost


@dataclass(frozen=True, slots=True)
class Bid:
    """How a site would serve a project.

    Parameters
    ----------
    reason : str
        One clause, after the site's name, why it may not or can't; empty where it can.
    not_given : tuple of str
        What was asked for and the site can't give, each as one clause.
    limits : Limits
        What is left to the project there.
    foreign : bool
        Whether its prices are in another currency than the bank's.
    """

    site: str
    kind: str
    fit: Fit
    reason: str
    not_given: tuple[str, ...]
    cost: CostRange
    terms: Terms
    limits: Limits
    foreign: bool

    @property
    def price(self) -> tuple[bool, float]:
        """What it is ranked by, among those that give the same."""
        return self.foreign, self.cost.most.money


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a site is chosen by."""

    market: Market
    quotas: Quotas
    records: Records
    applications: ApplicationService
    prices: Prices


class Broker:
    """Looks for a site.

    Parameters
    ----------
    home : str
        The bank's jurisdiction; empty where it is unknown.
    spent : callable
        Returns the core hours that an appliance has used until now.
    """

    def __init__(self, grounds: Grounds, home: str, spent: Spent) -> None:
        self._market = grounds.market
        self._quotas = grounds.quotas
        self._records = grounds.records
        self._applications = grounds.applications
        self._prices = grounds.prices
        self._home = home
        self._spent = spent

    def limits(self, application: ApplicationId, site: str) -> Limits:
        """Return what is left to a project at a site now.

        Raises
        ------
        SiteAbsent
        """
        return self._limits(application, site, self._terms(site))

    def check(self, application: ApplicationId, environment: Environment, site: str, but: str = "") -> None:
        """Refuse a site that may not serve an environment; it is not asked anything.

        Parameters
        ----------
        but : str
            An appliance that is not counted among those that stand there: the one that is to be deployed.

        Raises
        ------
        SiteAbsent, SiteRefuses
        """
        terms = self._terms(site)
        clause = refusal(environment, self.data_rule(application), self._place(application, site, terms, but))
        if clause:
            raise SiteRefuses(site, clause, application)

    def data_rule(self, application: ApplicationId) -> DataRule:
        """Return where a project's data may be."""
        return DataRule(self._home, self._applications.get(application).request.may_leave)

    def bids(
        self, application: ApplicationId, environment: Environment, document: str, standing: Mapping[str, ApplianceId]
    ) -> tuple[Bid, ...]:
        """Rank the sites: the first one is to be chosen, unless it is refused.

        Parameters
        ----------
        standing : mapping of a site's name to an appliance
            Where the same appliance is known already; it does not stand in its own way.
        """
        offers, rule = self._market.offers(), self.data_rule(application)
        places = {
            site: self._place(application, site, terms, standing.get(site, "")) for site, (_, terms) in offers.items()
        }
        against = {site: refusal(environment, rule, place) for site, place in places.items()}
        told = self._market.foretold(document, [site for site, clause in against.items() if not clause])
        bids = []
        for site, (kind, terms) in offers.items():
            answer = told.get(site, ())
            clause = answer.sentence if isinstance(answer, VoxpopError) else against[site]
            not_given = () if isinstance(answer, VoxpopError) else answer
            fit = Fit.REFUSED if clause else Fit.LESS if not_given else Fit.WHOLE
            range_, foreign = self._cost(environment, terms)
            bids.append(Bid(site, kind, fit, clause, not_given, range_, terms, places[site].limits, foreign))
        home = next(iter(offers), "")
        return tuple(sorted(bids, key=lambda one: order(one, home)))

    def prices_at(self, site: str) -> PriceList:
        """Return the prices at a site; the bank's for one that is connected no more."""
        offers = self._market.offers()
        return self.prices(offers[site][1]) if site in offers else self._prices.price_list()

    def prices(self, terms: Terms) -> PriceList:
        """Return a site's prices: its own, and the bank's where it has none."""
        ours = self._prices.price_list()
        return PriceList(
            currency=terms.currency or ours.currency,
            core_hour=ours.core_hour if terms.core_hour is None else terms.core_hour,
            gpu_hour=ours.gpu_hour if terms.gpu_hour is None else terms.gpu_hour,
            gb_month=ours.gb_month if terms.gb_month is None else terms.gb_month,
        )

    def _cost(self, environment: Environment, terms: Terms) -> tuple[CostRange, bool]:
        prices = self.prices(terms)
        most = ComputeRequest(
            cores=environment.cores,
            memory_gb=environment.memory_gb,
            gpus=environment.gpus,
            storage_gb=environment.storage_gb,
            days=environment.days,
        )
        workers = environment.workers
        idle_gpus = workers.least * workers.gpus if workers else environment.gpus
        least = replace(most, cores=least_cores(environment), gpus=idle_gpus)
        foreign = prices.currency != self._prices.price_list().currency
        return CostRange(cost(least, prices), cost(most, prices)), foreign

    def _terms(self, site: str) -> Terms:
        offers = self._market.offers()
        if site not in offers:
            raise SiteAbsent(site)
        return offers[site][1]

    def _place(self, application: ApplicationId, site: str, terms: Terms, but: str) -> Place:
        standing = standing_of(
            [
                (environment_in(self._records.document(one.id)), one.application == application)
                for one in self._records.every()
                if one.site == site and one.state in STANDS and one.id != but
            ]
        )
        return Place(terms, self._limits(application, site, terms), standing)

    def _limits(self, application: ApplicationId, site: str, terms: Terms) -> Limits:
        quota = self._quotas.quota(site, application)
        if quota.core_hours is None:
            return Limits(quota, None, terms.hours)
        used = sum(
            self._spent(one, environment_in(self._records.document(one.id)))
            for one in self._records.every()
            if one.site == site and one.application == application
        )
        return Limits(quota, quota.core_hours - used, terms.hours)


@lru_cache(maxsize=256)
def environment_in(document: str) -> Environment:
    """Return the environment that a document of ours describes."""
    return read(document).environment
