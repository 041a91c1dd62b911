"""The sites as they are offered: each one's terms, and what they answer when all are asked at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from voxpop.appliance.ports import CanForetell
from voxpop.appliance.terms import Quota, Terms, read_terms
from voxpop.application.ports import PriceList
from voxpop.kernel.digests import Json, sha256_bytes
from voxpop.kernel.errors import Invalid, VoxpopError
from voxpop.kernel.ids import ApplicationId
from voxpop.store.sites import ConnectedSite, SqlQuotas
from voxpop.wiring.roll_call import RollCall
from voxpop.wiring.sites import LOCAL, Sites

_LARGEST = 10**9


class QuotaInvalid(Invalid):
    """A quota that no site can keep."""

    code = "quota-invalid"

    def __init__(self) -> None:
        super().__init__("a quota is a number of core hours, of workers, or both, from 0 on; or it is lifted")


@dataclass(frozen=True, slots=True)
class SiteSeen:
    """A site, and whether it answers.

    Parameters
    ----------
    fault : str
        Why it does not answer, in one sentence; empty where it does.
    has : mapping
        What it says of itself.
    """

    name: str
    kind: str
    terms: Terms
    fault: str = ""
    has: Mapping[str, str] = field(default_factory=dict)

    @property
    def answers(self) -> bool:
        """Whether it answered within our patience."""
        return not self.fault


def site_facts(seen: SiteSeen, prices: PriceList) -> dict[str, Json]:
    """Return a site, whether it answers, its prices and its terms as JSON."""
    terms, capacity = seen.terms, seen.terms.capacity
    return {
        "site": seen.name,
        "kind": seen.kind,
        "answers": seen.answers,
        "fault": seen.fault,
        "core_hour": prices.core_hour,
        "gpu_hour": prices.gpu_hour,
        "gb_month": prices.gb_month,
        "currency": prices.currency,
        "cores": capacity.cores,
        "memory_gb": capacity.memory_gb,
        "gpus": capacity.gpus,
        "storage_gb": capacity.storage_gb,
        "jurisdiction": terms.jurisdiction,
        "data": terms.data.value,
        "hours": str(terms.hours) if terms.hours else "",
    }


class Market:
    """The connected sites, to choose among.

    Parameters
    ----------
    home : str
        The bank's jurisdiction, which is this machine's too.
    """

    def __init__(self, sites: Sites, quotas: SqlQuotas, home: str) -> None:
        self._sites = sites
        self._quotas = quotas
        self._home = home
        self._checks: RollCall[Mapping[str, str]] = RollCall()
        self._foretold: RollCall[tuple[str, ...]] = RollCall()

    def offers(self) -> dict[str, tuple[str, Terms]]:
        """Return each site's kind and terms, by name: this machine first."""
        return {one.name: (one.kind, self._terms(one)) for one in self._sites.connected()}

    def seen(self) -> list[SiteSeen]:
        """Ask all sites at once whether they are there; who was asked some seconds ago is not asked again."""
        sites = {_key(one): one for one in self._sites.connected()}
        told = self._checks.ask({key: partial(self._sites.check, one.name) for key, one in sites.items()})
        return [self._seen(one, told[key]) for key, one in sites.items()]

    def one(self, name: str) -> SiteSeen:
        """Return a site and whether it answers; raises ``SiteAbsent``."""
        self._sites.named(name)
        return next(one for one in self.seen() if one.name == name)

    def foretold(self, document: str, sites: Sequence[str]) -> dict[str, tuple[str, ...] | VoxpopError]:
        """Ask sites at once, each for a few seconds at most, what of a document they could not give."""
        digest = sha256_bytes(document.encode())
        wanted = {f"{_key(one)}:{digest}": one.name for one in self._sites.connected() if one.name in sites}
        told = self._foretold.ask({key: partial(self._foretell, name, document) for key, name in wanted.items()})
        return {name: told[key] for key, name in wanted.items()}

    def quota(self, site: str, application: ApplicationId) -> Quota:
        """Return a project's quota at a site."""
        self._sites.named(site)
        return self._quotas.get(site, application)

    def set_quota(self, site: str, application: ApplicationId, quota: Quota, actor: str) -> None:
        """Set a project's quota at a site, or lift it by one without limits.

        Raises
        ------
        SiteAbsent
            If no such site is connected.
        QuotaInvalid
            If a number is none that counts something.
        """
        self._sites.named(site)
        if any(not 0 <= number <= _LARGEST for number in (quota.core_hours, quota.workers) if number is not None):
            raise QuotaInvalid
        self._quotas.put(site, application, quota, actor)

    def quotas(self, site: str) -> Sequence[tuple[ApplicationId, Quota]]:
        """Return the quotas at a site, by project."""
        self._sites.named(site)
        return self._quotas.of_site(site)

    def _terms(self, one: ConnectedSite) -> Terms:
        return Terms(jurisdiction=self._home) if one.name == LOCAL else read_terms(one.name, one.terms)

    def _seen(self, one: ConnectedSite, told: Mapping[str, str] | VoxpopError) -> SiteSeen:
        if isinstance(told, VoxpopError):
            return SiteSeen(one.name, one.kind, self._terms(one), told.sentence)
        return SiteSeen(one.name, one.kind, self._terms(one), "", told)

    def _foretell(self, name: str, document: str) -> tuple[str, ...]:
        site = self._sites.named(name)
        if isinstance(site, CanForetell):
            return site.foretell(document)
        self._sites.check(name)
        return ()


def _key(one: ConnectedSite) -> str:
    """Return a name for a site as it is connected now: one whose settings changed is asked anew."""
    return f"{one.name}:{one.kind}:{sorted(one.settings.items())}"
