"""The use cases of appliances."""

from dataclasses import replace
from pathlib import Path

import pytest

from voxpop.appliance.errors import (
    ApplianceAbsent,
    ApplianceLost,
    ApplianceNotDeployed,
    NothingDeployed,
    RecipeAbsent,
    RecipeWantsGpu,
    SiteAbsent,
)
from voxpop.appliance.fakes import MemoryAppliances, MemorySite
from voxpop.appliance.model import Appliance, Deployment, Environment
from voxpop.appliance.recipes import Gpu, Recipe, RecipeKind
from voxpop.appliance.service import ApplianceService
from voxpop.appliance.states import ApplianceState
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.errors import IllegalMove, Unavailable
from voxpop.kernel.ids import ApplianceId, ApplicationId, VolumeId

APPLICATION = ApplicationId("bone-density")
VOLUME = VolumeId("bone-density-v1")
ENVIRONMENT = Environment("bone-density", ("octave",), 2, 4, 0, 10, 30, "bone-density/1.0.0")
RECIPES = {"octave": Recipe("octave", "1.0.0", "GNU Octave", "GPL-3.0-or-later", RecipeKind.TOOL)}
DATA, RESULTS = Path("/volumes/v1"), Path("/results")


class Bench:
    def __init__(self) -> None:
        self.kept = MemoryAppliances()
        self.site = MemorySite("local")
        self.sites = {"local": self.site}
        self.service = ApplianceService(self.kept, self.sites, self.kept, SystemClock(), RECIPES)

    def planned(self, environment: Environment = ENVIRONMENT) -> Appliance:
        return self.service.plan(APPLICATION, environment, VOLUME, "a" * 64, "local", "ada")

    def deployed(self) -> ApplianceId:
        appliance = self.planned()
        self.service.deploy(appliance.id, DATA, RESULTS, "ada")
        return appliance.id

    def state(self, appliance: ApplianceId) -> ApplianceState:
        return self.kept.get(appliance).state

    def actions(self) -> list[str]:
        return [event.action for event in self.kept.events]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_same_plan_twice_is_one_appliance(bench: Bench) -> None:
    assert bench.planned().id == bench.planned().id == "bone-density-a1"
    assert bench.actions() == ["appliance.planned"]


def test_another_environment_is_another_appliance(bench: Bench) -> None:
    bench.planned()
    assert bench.planned(replace(ENVIRONMENT, cores=3)).id == "bone-density-a2"


def test_an_unknown_recipe_plans_nothing(bench: Bench) -> None:
    with pytest.raises(RecipeAbsent):
        bench.planned(replace(ENVIRONMENT, recipes=("matlab",)))
    assert not bench.kept.of_application(APPLICATION)


def test_a_recipe_that_wants_a_gpu_plans_nothing_without_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "octave", replace(RECIPES["octave"], gpu=Gpu.REQUIRED))
    with pytest.raises(RecipeWantsGpu, match="ask for one in the application's compute"):
        bench.planned(ENVIRONMENT)
    assert not bench.kept.of_application(APPLICATION)
    assert bench.planned(replace(ENVIRONMENT, gpus=1))


def test_an_unknown_site_plans_nothing(bench: Bench) -> None:
    with pytest.raises(SiteAbsent, match="no site 'moon'"):
        bench.service.plan(APPLICATION, ENVIRONMENT, VOLUME, "a" * 64, "moon", "ada")
    assert not bench.kept.of_application(APPLICATION)


def test_a_deployed_appliance_is_found_by_its_application(bench: Bench) -> None:
    appliance_id = bench.deployed()
    appliance, deployment = bench.service.newest(APPLICATION)
    assert (appliance.id, appliance.state) == (appliance_id, ApplianceState.DEPLOYED)
    assert (deployment.volume, deployment.cores) == (DATA, 2)
    assert deployment.document_digest == appliance.document_digest


def test_deploying_twice_moves_once(bench: Bench) -> None:
    appliance = bench.deployed()
    bench.service.deploy(appliance, DATA, RESULTS, "ada")
    assert bench.actions() == ["appliance.planned", "appliance.deployed"]


def test_an_appliance_that_is_removed_while_it_is_made_leaves_nothing_on_its_site(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = bench.planned()
    makes = bench.site.deploy

    def deploy(*words: object) -> Deployment:
        bench.service.remove(planned.id, "ben")
        return makes(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.site, "deploy", deploy)
    with pytest.raises(IllegalMove):
        bench.service.deploy(planned.id, DATA, RESULTS, "ada")
    assert bench.state(planned.id) is ApplianceState.REMOVED
    assert bench.site.find(planned.id) is None


def test_a_failed_deployment_says_why_and_can_be_tried_again(bench: Bench) -> None:
    bench.site.fault = Unavailable("the site is down")
    with pytest.raises(Unavailable):
        bench.deployed()
    appliance = bench.planned().id
    assert bench.state(appliance) is ApplianceState.FAILED
    assert bench.kept.events[-1].reason == "the site is down"
    bench.site.fault = None
    assert bench.deployed() == appliance
    assert bench.state(appliance) is ApplianceState.DEPLOYED
    assert bench.actions()[1:] == ["appliance.failed", "appliance.replanned", "appliance.deployed"]


def test_an_appliance_that_its_site_lost_is_lost_here_too_until_it_is_deployed_again(bench: Bench) -> None:
    appliance = bench.deployed()
    bench.site.lost.add(appliance)
    with pytest.raises(ApplianceLost):
        bench.service.newest(APPLICATION)
    assert bench.state(appliance) is ApplianceState.LOST
    bench.service.deploy(appliance, DATA, RESULTS, "ada")
    assert bench.service.newest(APPLICATION)[0].state is ApplianceState.DEPLOYED


def test_a_lost_appliance_that_cannot_be_made_again_stays_lost(bench: Bench) -> None:
    appliance = bench.deployed()
    bench.site.lost.add(appliance)
    bench.service.show(appliance)
    bench.site.fault = Unavailable("the site is down")
    with pytest.raises(Unavailable):
        bench.service.deploy(appliance, DATA, RESULTS, "ada")
    assert bench.state(appliance) is ApplianceState.LOST


def test_removing_twice_is_silent_and_final(bench: Bench) -> None:
    appliance = bench.deployed()
    bench.service.remove(appliance, "ada", "the project ended")
    bench.service.remove(appliance, "ada")
    assert bench.actions()[-1:] == ["appliance.removed"]
    assert bench.site.state(appliance) is ApplianceState.REMOVED
    with pytest.raises(IllegalMove):
        bench.service.deploy(appliance, DATA, RESULTS, "ada")
    with pytest.raises(ApplianceNotDeployed):
        bench.service.deployed(appliance)
    with pytest.raises(NothingDeployed):
        bench.service.newest(APPLICATION)


def test_what_never_stood_is_removed_even_where_its_site_is_away(bench: Bench) -> None:
    bench.site.fault = Unavailable("the site is down")
    with pytest.raises(Unavailable):
        bench.deployed()
    appliance = bench.planned().id
    bench.site.away = Unavailable("the site is down")
    bench.service.remove(appliance, "ada", "never mind")
    assert bench.state(appliance) is ApplianceState.REMOVED
    assert bench.kept.events[-1].reason == "never mind; written off: the site is down"


def test_what_stood_on_a_site_that_is_away_is_written_off_only_when_that_is_said(bench: Bench) -> None:
    appliance = bench.deployed()
    bench.site.away = Unavailable("the site is down")
    with pytest.raises(Unavailable):
        bench.service.remove(appliance, "ada", "it is over")
    assert bench.state(appliance) is ApplianceState.DEPLOYED
    bench.service.remove(appliance, "ada", "it is over", give_up=True)
    assert bench.state(appliance) is ApplianceState.REMOVED


def test_an_appliance_of_a_site_that_is_forgotten_can_be_looked_at_and_written_off(bench: Bench) -> None:
    appliance = bench.deployed()
    del bench.sites["local"]
    view = bench.service.show(appliance)
    assert (view.seen, view.deployment) == (ApplianceState.LOST, None)
    with pytest.raises(SiteAbsent):
        bench.service.remove(appliance, "ada")
    bench.service.remove(appliance, "ada", give_up=True)
    assert bench.state(appliance) is ApplianceState.REMOVED


def test_the_same_plan_after_a_removal_is_a_new_appliance(bench: Bench) -> None:
    bench.service.remove(bench.deployed(), "ada")
    assert bench.planned().id == "bone-density-a2"


def test_what_was_never_planned_is_absent(bench: Bench) -> None:
    with pytest.raises(ApplianceAbsent):
        bench.service.deploy(ApplianceId("other-a1"), DATA, RESULTS, "ada")
