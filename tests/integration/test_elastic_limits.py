"""What an elastic appliance may have: the least of what the bank, the site and the project's quota say."""

from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from tests.bank import APPLIANCE, Bank, bank_with_results

from voxpop.appliance.elastic import Hours as Window
from voxpop.appliance.elastic.fakes import MemoryCluster
from voxpop.appliance.elastic.ports import Sum
from voxpop.appliance.elastic.sizing import Cluster
from voxpop.appliance.errors import SiteSettingInvalid
from voxpop.appliance.fakes import MemorySite
from voxpop.appliance.model import Appliance, Deployment, Workers
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.terms import Hours, Limits, Quota
from voxpop.kernel.ids import ApplianceId, ApplicationId, VolumeId
from voxpop.wiring.elastic import Clusters
from voxpop.wiring.settings import Elastic

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
GRANTED = Workers(least=0, most=8, cores=2, memory_gb=4)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return bank_with_results(tmp_path_factory.mktemp("bank"))


def clusters(bank: Bank, left: Limits, **settings: float) -> Clusters:
    system = bank.system
    chosen = Elastic(**settings)  # type: ignore[arg-type]  # as the environment would give them
    return Clusters(system.appliance_records, system.sites, system.scaling, chosen, lambda application, site: left)


def cluster(most_here: int | None = None) -> Cluster:
    return Cluster(ApplianceId(APPLIANCE), GRANTED, MemorySite("here"), None, "slurm", most_here)  # type: ignore[arg-type]


def test_without_limits_it_may_have_what_was_granted(bank: Bank) -> None:
    policy = clusters(bank, Limits()).policy(cluster())
    assert (policy.least, policy.most, policy.quota, policy.budget_s, policy.hours) == (0, 8, None, None, None)


@pytest.mark.parametrize(("here", "workers", "quota"), [(None, 3, 3), (2, 3, 2), (5, None, 5), (None, 0, 0)])
def test_of_the_sites_limit_and_the_projects_quota_the_lower_holds(
    bank: Bank, here: int | None, workers: int | None, quota: int
) -> None:
    assert clusters(bank, Limits(Quota(workers=workers))).policy(cluster(here)).quota == quota


def test_core_hours_that_are_left_are_worker_hours_beyond_those_that_were_used(bank: Bank) -> None:
    bank.system.scaling.write(ApplianceId(APPLIANCE), Sum(paid_s=7200.0))
    left = Limits(Quota(core_hours=100), core_hours_left=10.0)
    assert clusters(bank, left).policy(cluster()).budget_s == (2 + 10 / GRANTED.cores) * 3600
    assert clusters(bank, left, worker_hours=1).policy(cluster()).budget_s == 3600
    spent = Limits(Quota(core_hours=100), core_hours_left=-5.0)
    assert clusters(bank, spent).policy(cluster()).budget_s == 7200.0


def test_the_sites_hours_hold(bank: Bank) -> None:
    assert clusters(bank, Limits(hours=Hours(20, 24))).policy(cluster()).hours == Window(time(20), time(0))


class Resizable(MemoryCluster):
    """A site on which an appliance with a queue stands."""

    def find(self, appliance: ApplianceId) -> Deployment | None:
        """Return the deployment."""
        here = Path("/here")
        return Deployment(appliance, "here", here, here, "docker", False, 1, 1, (), queue="slurm", workers=GRANTED)


class Records:
    """Three appliances: one on a site that can't be opened, one that was lost for a moment, one that is gone."""

    def every(self) -> list[Appliance]:
        """Return all."""
        states = {"broken": ApplianceState.DEPLOYED, "here": ApplianceState.LOST, "gone": ApplianceState.REMOVED}
        return [
            Appliance(ApplianceId(site), ApplicationId("words"), VolumeId("words-v1"), site, state, "digest", NOW)
            for site, state in states.items()
        ]

    def get(self, appliance: ApplianceId) -> Appliance:
        """Return one."""
        return next(one for one in self.every() if one.id == appliance)


class Connected:
    """The sites of these."""

    def __init__(self) -> None:
        self.here = Resizable()

    def named(self, name: str) -> Resizable:
        """Return a site."""
        if name == "broken":
            raise SiteSettingInvalid(name, "host", "is missing: give it")
        return self.here

    def queue(self, *_: str) -> Resizable:
        """Return the queue."""
        return self.here


def test_a_site_that_can_not_be_opened_holds_up_no_other_and_one_lost_for_a_moment_is_kept() -> None:
    found = Clusters(Records(), Connected(), None, Elastic(), lambda *_: Limits())  # type: ignore[arg-type]
    assert [*found.standing()] == ["here"]


def test_workers_that_nobody_counts_are_counted_as_if_all_were_there(bank: Bank) -> None:
    scaling = bank.system.scaling
    assert scaling.worker_hours(ApplianceId("nobody-a1")) is None
    scaling.write(ApplianceId(APPLIANCE), Sum(paid_s=7200.0, at=NOW))
    assert scaling.worker_hours(ApplianceId(APPLIANCE)) == 2.0
