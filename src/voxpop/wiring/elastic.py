"""Appliances whose workers come and go: their clusters, their policies, and their keepers."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from typing import TypeAlias

from voxpop.appliance.elastic import Hours, Policy
from voxpop.appliance.elastic.keeper import Keeper, Office
from voxpop.appliance.elastic.sizing import Cluster, Sizing
from voxpop.appliance.errors import SiteAbsent
from voxpop.appliance.model import Appliance, Deployment
from voxpop.appliance.ports import CanResize, Site
from voxpop.appliance.states import STANDS
from voxpop.appliance.terms import Limits
from voxpop.kernel.errors import VoxpopError
from voxpop.kernel.ids import ApplianceId, ApplicationId
from voxpop.store.appliances import SqlAppliances
from voxpop.store.scaling import SqlScaling
from voxpop.wiring.settings import Elastic
from voxpop.wiring.sites import Sites

NATIVE = frozenset({"slurm"})
"""Queues that say themselves when workers are added, and when idle ones go."""

LimitsOf: TypeAlias = Callable[[ApplicationId, str], Limits]
_log = logging.getLogger("voxpop.elastic")
_HOUR_S = 3600.0
_DAY_H = 24


@dataclass(frozen=True, slots=True)
class _Known:
    site: Site
    deployment: Deployment | None
    cluster: Cluster | None


class Clusters:
    """The appliances with a queue, by id.

    Parameters
    ----------
    scaling : SqlScaling
        What their workers came to, and what somebody chose.
    limits : callable
        Returns what is left to a project at a site now.
    """

    def __init__(
        self, appliances: SqlAppliances, sites: Sites, scaling: SqlScaling, settings: Elastic, limits: LimitsOf
    ) -> None:
        self._limits = limits
        self._appliances = appliances
        self._sites = sites
        self._scaling = scaling
        self._settings = settings
        self._known: dict[ApplianceId, _Known] = {}

    @property
    def sizing(self) -> Sizing:
        """The use cases of their size."""
        return Sizing(self.find, self._scaling)

    def find(self, appliance: ApplianceId) -> Cluster | None:
        """Return an appliance's cluster; None where it does not stand, or has no queue that grows.

        It is the same object for as long as its deployment and its site are the same.
        """
        one = self._appliances.get(appliance)
        if one.state not in STANDS:  # a site that could not be read for a moment has lost nothing
            return None
        try:
            site = self._sites.named(one.site)
        except SiteAbsent:
            return None
        given = site.find(appliance) if isinstance(site, CanResize) else None
        known = self._known.get(appliance)
        if known is None or known.site is not site or known.deployment != given:
            known = self._known[appliance] = _Known(site, given, self._opened(site, given))
        return known.cluster

    def standing(self) -> Mapping[ApplianceId, Cluster]:
        """Return the cluster of each appliance that stands and has one; one that can't be opened holds up no other."""
        found: dict[ApplianceId, Cluster] = {}
        for one in (one for one in self._appliances.every() if one.state in STANDS):
            try:
                cluster = self.find(one.id)
            except VoxpopError as wrong:
                _log.error("appliance %s is not kept: %s", one.id, wrong.sentence)
                continue
            if cluster is not None:
                found[one.id] = cluster
        return found

    def keeper(self, cluster: Cluster, office: Office) -> Keeper:
        """Return what keeps a cluster's workers."""
        return Keeper(cluster.appliance, cluster.site, cluster.queue, lambda: self.policy(cluster), office)

    def policy(self, cluster: Cluster) -> Policy:
        """Return what the workers of a cluster may be, as it is set and chosen now."""
        least, most = self.sizing.limits(cluster)
        set_, workers = self._settings, cluster.granted
        one = self._appliances.get(cluster.appliance)
        left = self._limits(one.application, one.site)
        others = self._others(one)
        quotas = (cluster.most_here, None if left.quota.workers is None else max(0, left.quota.workers - others))
        budgets = (set_.worker_hours, self._hours_left(cluster, left))
        return Policy(
            least=least,
            most=most,
            slots=max(1, workers.cores),
            idle_s=set_.idle_seconds,
            boot_s=set_.boot_seconds,
            hours=self._hours(left),
            budget_s=min((hours * _HOUR_S for hours in budgets if hours is not None), default=None),
            quota=min((quota for quota in quotas if quota is not None), default=None),
            gpu_workers=most if workers.gpus else 0,
            gpu_slots=max(1, workers.gpus),
            native=cluster.kind in NATIVE,
        )

    def _hours(self, left: Limits) -> Hours | None:
        """Return when workers may be added: as the site is offered, or else as the bank has it."""
        if left.hours is not None:
            return Hours(time(left.hours.begin % _DAY_H), time(left.hours.end % _DAY_H))
        set_ = self._settings
        return None if set_.begin == set_.end else Hours(set_.begin, set_.end, set_.zone)

    def _hours_left(self, cluster: Cluster, left: Limits) -> float | None:
        """Return how many worker hours an appliance may come to, with those that it has come to already."""
        if left.core_hours_left is None:
            return None
        paid_h = self._scaling.sum(cluster.appliance).paid_s / _HOUR_S
        return paid_h + max(0.0, left.core_hours_left) / cluster.granted.cores

    def _others(self, one: Appliance) -> int:
        """Count the workers of a project's other appliances on the same site."""
        beside = [
            other.id
            for other in self._appliances.of_application(one.application)
            if other.site == one.site and other.id != one.id and other.state in STANDS
        ]
        return sum(self._scaling.sum(name).workers for name in beside)

    def _opened(self, site: Site, given: Deployment | None) -> Cluster | None:
        if given is None or given.workers is None or not given.queue or not isinstance(site, CanResize):
            return None
        queue = self._sites.queue(given.site, given.appliance, given.queue)
        return Cluster(given.appliance, given.workers, site, queue, given.queue) if queue is not None else None
