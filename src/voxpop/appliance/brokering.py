"""Which sites may serve an environment, by their terms and the project's quota, and which of them comes first."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from voxpop.appliance.model import Environment
from voxpop.appliance.terms import NO_LIMITS, DataPolicy, Limits, Terms

HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True)
class DataRule:
    """Where a project's data may be.

    Parameters
    ----------
    home : str
        The bank's jurisdiction; empty where it is unknown, and nothing is then held to it.
    may_leave : tuple of str
        Other jurisdictions that the approved application names.
    """

    home: str = ""
    may_leave: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands on a site.

    Parameters
    ----------
    cores, memory_gb, gpus, storage_gb : int
        Of all appliances there, at the peak.
    workers : int
        Of the project's own, at the peak.
    """

    cores: int = 0
    memory_gb: int = 0
    gpus: int = 0
    storage_gb: int = 0
    workers: int = 0


NOTHING_STANDS = Standing()


@dataclass(frozen=True, slots=True)
class Place:
    """A site as one project finds it."""

    terms: Terms
    limits: Limits = NO_LIMITS
    standing: Standing = NOTHING_STANDS


def standing_of(environments: Sequence[tuple[Environment, bool]]) -> Standing:
    """Sum up what stands on a site; each environment comes with whether it is the project's own."""
    every = [environment for environment, _ in environments]
    return Standing(
        cores=sum(one.cores for one in every),
        memory_gb=sum(one.memory_gb for one in every),
        gpus=sum(one.gpus for one in every),
        storage_gb=sum(one.storage_gb for one in every),
        workers=sum(most_workers(one) for one, own in environments if own),
    )


def most_workers(environment: Environment) -> int:
    """Return how many machines jobs run on at the peak."""
    return environment.workers.most if environment.workers else 1


def least_cores(environment: Environment) -> int:
    """Return the cores that are there even while nothing is to do."""
    workers = environment.workers
    return workers.least * workers.cores if workers else environment.cores


def refusal(environment: Environment, data: DataRule, place: Place) -> str:
    """Say in one clause, after a site's name, why it may not serve an environment; empty where it may."""
    return (
        _against_data(data, place.terms)
        or _against_hours(environment, place.terms)
        or _against_capacity(environment, place)
        or _against_quota(environment, place)
    )


def _against_data(data: DataRule, terms: Terms) -> str:
    there = terms.jurisdiction
    if terms.data is DataPolicy.NONE:
        return "takes no data"
    if terms.data is DataPolicy.SAME_JURISDICTION and (not data.home or there != data.home):
        return (
            f"takes data of its own jurisdiction ({there or 'unknown'}) alone, not of {data.home or 'an unknown one'}"
        )
    if not data.home or there == data.home or there in data.may_leave:
        return ""
    where = f"is in {there}" if there else "is in a jurisdiction that nobody has said"
    return f"{where}, and the data may not leave {' and '.join((data.home, *data.may_leave))}"


def _against_hours(environment: Environment, terms: Terms) -> str:
    if terms.hours is None or environment.workers is not None:
        return ""
    return f"gives machines from {terms.hours} UTC alone, and without a queue nothing can wait for that"


def _against_capacity(environment: Environment, place: Place) -> str:
    capacity, stands = place.terms.capacity, place.standing
    for thing, has, used, asked in (
        ("cores", capacity.cores, stands.cores, environment.cores),
        ("GB of memory", capacity.memory_gb, stands.memory_gb, environment.memory_gb),
        ("GPUs", capacity.gpus, stands.gpus, environment.gpus),
        ("GB of storage", capacity.storage_gb, stands.storage_gb, environment.storage_gb),
    ):
        if has is not None and asked and used + asked > has:
            left = f"has {max(has - used, 0)} of its {has} {thing} left" if used else f"has {has} {thing}"
            return f"{left}, and {asked} are asked for"
    return ""


def _against_quota(environment: Environment, place: Place) -> str:
    quota, most = place.limits.quota, place.standing.workers + most_workers(environment)
    if quota.workers is not None and most > quota.workers:
        return f"gives this project {_counted(quota.workers, 'worker')} by its quota, and it would have {most}"
    left = place.limits.core_hours_left
    if left is None:
        return ""
    if left <= 0:
        return "has no core hours left for this project by its quota"
    least = least_core_hours(environment)
    if least > left:
        return f"has {left:,.0f} core hours left for this project by its quota, and {least:,} are needed"
    return ""


def least_core_hours(environment: Environment) -> int:
    """Return the core hours that an environment takes even if nothing is done in it."""
    return least_cores(environment) * HOURS_A_DAY * environment.days


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


class Fit(StrEnum):
    """How a site would serve an environment."""

    WHOLE = "whole"
    LESS = "less"
    """It gives less than is asked for, and says what."""
    REFUSED = "refused"


class Ranked(Protocol):
    """What sites are put in order by."""

    @property
    def site(self) -> str:
        """The site's name."""
        ...

    @property
    def fit(self) -> Fit:
        """How it would serve."""
        ...

    @property
    def price(self) -> tuple[bool, float]:
        """Whether it is in another currency than the bank's, and the money at most."""
        ...

    @property
    def not_given(self) -> tuple[str, ...]:
        """What it would not give."""
        ...


def order(one: Ranked, home: str) -> tuple[object, ...]:
    """Return what sites are sorted by: what gives all before what gives less, then by cost, then home and name.

    Among those that give less, fewer missing things come first, whatever they cost.
    """
    return ([*Fit].index(one.fit), len(one.not_given), one.price, one.site != home, one.site)
