"""Appliances whose workers come and go: their clusters, their policies, and their keepers."""

from collections.abc import Mapping
from dataclasses import dataclass

from voxpop.appliance.elastic import Hours, Policy
from voxpop.appliance.elastic.keeper import Keeper, Office
from voxpop.appliance.elastic.sizing import Cluster, Sizing
from voxpop.appliance.errors import SiteAbsent
from voxpop.appliance.model import Deployment
from voxpop.appliance.ports import CanResize, Site
from voxpop.appliance.states import ApplianceState
from voxpop.kernel.ids import ApplianceId
from voxpop.store.appliances import SqlAppliances
from voxpop.store.scaling import SqlScaling
from voxpop.wiring.settings import Elastic
from voxpop.wiring.sites import Sites

NATIVE = frozenset({"slurm"})
"""Queues that say themselves when workers are added, and when idle ones go."""

_HOUR_S = 3600.0


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
    """

    def __init__(self, appliances: SqlAppliances, sites: Sites, scaling: SqlScaling, settings: Elastic) -> None:
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
        if one.state is not ApplianceState.DEPLOYED:
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
        """Return the cluster of each appliance that stands and has one."""
        standing = [one.id for one in self._appliances.every() if one.state is ApplianceState.DEPLOYED]
        return {name: cluster for name in standing if (cluster := self.find(name)) is not None}

    def keeper(self, cluster: Cluster, office: Office) -> Keeper:
        """Return what keeps a cluster's workers."""
        return Keeper(cluster.appliance, cluster.site, cluster.queue, lambda: self.policy(cluster), office)

    def policy(self, cluster: Cluster) -> Policy:
        """Return what the workers of a cluster may be, as it is set and chosen now."""
        least, most = self.sizing.limits(cluster)
        set_, workers = self._settings, cluster.granted
        return Policy(
            least=least,
            most=most,
            slots=max(1, workers.cores),
            idle_s=set_.idle_seconds,
            boot_s=set_.boot_seconds,
            hours=None if set_.begin == set_.end else Hours(set_.begin, set_.end, set_.zone),
            budget_s=None if set_.worker_hours is None else set_.worker_hours * _HOUR_S,
            quota=cluster.most_here,
            gpu_workers=most if workers.gpus else 0,
            gpu_slots=max(1, workers.gpus),
            native=cluster.kind in NATIVE,
        )

    def _opened(self, site: Site, given: Deployment | None) -> Cluster | None:
        if given is None or given.workers is None or not given.queue or not isinstance(site, CanResize):
            return None
        queue = self._sites.queue(given.site, given.appliance, given.queue)
        return Cluster(given.appliance, given.workers, site, queue, given.queue) if queue is not None else None
