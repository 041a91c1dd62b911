"""What an elastic appliance may have: the least of what the bank, the site and the project's quota say."""

from datetime import time

import pytest
from tests.bank import APPLIANCE, Bank, bank_with_results

from voxpop.appliance.elastic import Hours as Window
from voxpop.appliance.elastic.ports import Sum
from voxpop.appliance.elastic.sizing import Cluster
from voxpop.appliance.fakes import MemorySite
from voxpop.appliance.model import Workers
from voxpop.appliance.terms import Hours, Limits, Quota
from voxpop.kernel.ids import ApplianceId
from voxpop.wiring.elastic import Clusters
from voxpop.wiring.settings import Elastic

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
