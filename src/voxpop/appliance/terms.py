"""The terms that a site is offered under, whatever kind it is: what it has, what it costs, which data may go there."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from voxpop.appliance.errors import SiteSettingInvalid
from voxpop.kernel.countries import COUNTRIES

T = TypeVar("T")

_CURRENCY = re.compile(r"[A-Z]{3}")
_HOURS = re.compile(r"([0-9]{1,2})-([0-9]{1,2})")
_MIDNIGHT = 24
_LARGEST = 10**9
_PRICES = ("core_hour", "gpu_hour", "gb_month")


class DataPolicy(StrEnum):
    """Which volumes may go to a site, beside what the volume itself allows."""

    ANY = "any"
    SAME_JURISDICTION = "same-jurisdiction"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of the day, in UTC, in which a site gives machines; over midnight where ``end`` is before ``begin``."""

    begin: int
    end: int

    @property
    def length_h(self) -> int:
        """How many hours of a day they are."""
        return (self.end - self.begin) % _MIDNIGHT or _MIDNIGHT

    def hold(self, hour: int) -> bool:
        """Say whether an hour of the day is one of them.

        Examples
        --------
        >>> [hour for hour in range(24) if Hours(22, 2).hold(hour)]
        [0, 1, 22, 23]
        """
        return (hour - self.begin) % _MIDNIGHT < self.length_h

    def __str__(self) -> str:
        return f"{self.begin:02d}-{self.end:02d}"


@dataclass(frozen=True, slots=True)
class Capacity:
    """What all appliances of a site may have together; None for what the site itself gives."""

    cores: int | None = None
    memory_gb: int | None = None
    gpus: int | None = None
    storage_gb: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a site is offered under.

    Parameters
    ----------
    core_hour, gpu_hour, gb_month : float or None
        None for the bank's own price.
    currency : str
        Of these prices; empty for the bank's.
    jurisdiction : str
        The country whose law holds there, by ISO 3166-1; empty where nobody has said.
    hours : Hours or None
        None for the whole day.
    """

    capacity: Capacity = Capacity()
    core_hour: float | None = None
    gpu_hour: float | None = None
    gb_month: float | None = None
    currency: str = ""
    jurisdiction: str = ""
    data: DataPolicy = DataPolicy.ANY
    hours: Hours | None = None


TERMS = ("cores", "memory_gb", "gpus", "storage_gb", *_PRICES, "currency", "jurisdiction", "data", "hours")
"""The names under which terms are given and kept."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of a site one project may use; None for no limit.

    Parameters
    ----------
    core_hours : int or None
        All its appliances there together, from the first on.
    workers : int or None
        Machines that jobs run on, at the same time.
    """

    core_hours: int | None = None
    workers: int | None = None


NO_QUOTA = Quota()


@dataclass(frozen=True, slots=True)
class Limits:
    """What is left to one project at a site now.

    Parameters
    ----------
    quota : Quota
        As it was set.
    core_hours_left : float or None
        None where there is no limit.
    hours : Hours or None
        When the site gives machines; None for the whole day.
    """

    quota: Quota = NO_QUOTA
    core_hours_left: float | None = None
    hours: Hours | None = None


NO_LIMITS = Limits()


def read_terms(site: str, given: Mapping[str, str]) -> Terms:
    """Read a site's terms from what was given for them.

    Raises
    ------
    SiteSettingInvalid
        If one is unknown or wrong.
    """
    for name in given:
        if name not in TERMS:
            raise SiteSettingInvalid(site, name, f"is none: there is {', '.join(TERMS)}")
    prices = [given[name] for name in _PRICES if name in given]
    if "currency" in given and len(prices) < len(_PRICES):
        raise SiteSettingInvalid(site, "currency", f"goes together with all prices: give {', '.join(_PRICES)} too")

    def term(name: str, read: Callable[[str], T], must: str) -> T | None:
        if name not in given:
            return None
        try:
            return read(given[name])
        except ValueError as wrong:
            raise SiteSettingInvalid(site, name, f"must be {must}") from wrong

    def number(name: str, least: int = 1) -> int | None:
        return term(name, lambda text: _number(text, least), f"a whole number from {least} on")

    def price(name: str) -> float | None:
        return term(name, _price, "a price from 0 on, such as 0.05")

    return Terms(
        capacity=Capacity(number("cores"), number("memory_gb"), number("gpus", 0), number("storage_gb")),
        core_hour=price("core_hour"),
        gpu_hour=price("gpu_hour"),
        gb_month=price("gb_month"),
        currency=term("currency", _currency, "three capitals, such as EUR") or "",
        jurisdiction=term("jurisdiction", country, "a country's two letters by ISO 3166, such as ES") or "",
        data=term("data", DataPolicy, f"one of {', '.join(DataPolicy)}") or DataPolicy.ANY,
        hours=term("hours", _hours, "two hours of the day in UTC, such as 20-06"),
    )


def country(text: str) -> str:
    """Return a country's code, or raise ``ValueError`` where there is none of that code."""
    if text not in COUNTRIES:
        raise ValueError("no country has this code")
    return text


def _number(text: str, least: int) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= _LARGEST:
        raise ValueError("no such number")
    return int(text)


def _price(text: str) -> float:
    price = float(text)
    if not math.isfinite(price) or not 0 <= price <= _LARGEST:
        raise ValueError("no price")
    return price


def _currency(text: str) -> str:
    if not _CURRENCY.fullmatch(text):
        raise ValueError("no currency")
    return text


def _hours(text: str) -> Hours:
    found = _HOURS.fullmatch(text)
    hours = Hours(*map(int, found.groups())) if found else Hours(0, 0)
    if hours.begin >= _MIDNIGHT or hours.end > _MIDNIGHT or hours.begin == hours.end % _MIDNIGHT:
        raise ValueError("no hours")
    return hours
