"""What a project can ask for: pipelines, recipes and sites."""

import tempfile
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import Path

from voxpop.access.permissions import Action
from voxpop.appliance.additions import Added
from voxpop.appliance.parcel import unpacked
from voxpop.appliance.states import STANDS
from voxpop.appliance.terms import Quota
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ApplicationId
from voxpop.run.model import Pipeline
from voxpop.run.pipelines import parameters_of, pipeline_named
from voxpop.web.api import paging
from voxpop.web.api.models import appliances as m
from voxpop.web.api.models.base import NAME, Page, Reason
from voxpop.web.api.routes import TAGGED, ApiArea, Called
from voxpop.wiring.installed import pipelines, recipes
from voxpop.wiring.market import SiteSeen, site_facts

area = ApiArea("catalogue")
_Name = Annotated[str, Path(max_length=100, pattern=NAME)]


@area.read("/pipelines", Action.PIPELINE_READ)
def list_pipelines(call: Called, part: paging.Asked) -> Page[m.PipelineFacts]:
    """List the pipelines that are installed."""
    rows = pipelines().values()
    return paging.page(
        call, part, rows, lambda one: (one.name, one.version), lambda one: m.PipelineFacts(**_facts(one))
    )


@area.read("/pipelines/{name}/{version}", Action.PIPELINE_READ, form=TAGGED)
def get_pipeline(call: Called, name: _Name, version: _Name) -> m.PipelineDetail:
    """Return a pipeline: its inputs from the volume, and the parameters that a person may choose."""
    del call
    one = pipeline_named(f"{name}/{version}", pipelines())
    chosen = [
        m.ParameterFacts.model_validate(
            {"name": given.name, "kind": given.kind, "default": given.default, "doc": given.doc}
        )
        for given in parameters_of(one)
    ]
    return m.PipelineDetail(**_facts(one), chosen=chosen)


@area.read("/recipes", Action.RECIPE_READ)
def list_recipes(call: Called, part: paging.Asked) -> Page[m.RecipeFacts]:
    """List the recipes that ship, which an application may ask for, and those that were added, by their state."""
    ships = [("ships", one) for one in recipes().values()]
    added = [(one.state.value, recipe) for one, recipe in call.system.recipe_book.shown()]
    return paging.page(
        call,
        part,
        [*ships, *added],
        lambda one: (one[1].name, one[1].version),
        lambda one: m.RecipeFacts(
            recipe=one[1].name,
            version=one[1].version,
            kind=one[1].kind.value,
            state=one[0],
            purpose=one[1].purpose,
        ),
    )


@area.act("/recipes", Action.RECIPE_ADD)
def add_recipe(call: Called, sent: m.RecipeSent) -> m.RecipeStands:
    """Look at a recipe, and keep it to be approved."""
    with tempfile.TemporaryDirectory(prefix="voxpop-recipe-") as area_:
        return _stands(call.system.recipe_book.add(unpacked(sent.archive, FilePath(area_)), call.person))


@area.act("/recipes/{recipe}/{version}/approve", Action.RECIPE_DECIDE)
def approve_recipe(call: Called, recipe: _Name, version: _Name, why: Reason) -> m.RecipeStands:
    """Let applications ask for a recipe that another person added."""
    return _stands(call.system.recipe_book.approve(recipe, version, call.person, why.reason))


@area.act("/recipes/{recipe}/{version}/withdraw", Action.RECIPE_DECIDE)
def withdraw_recipe(call: Called, recipe: _Name, version: _Name, why: Reason) -> m.RecipeStands:
    """Let no application ask for a recipe any more."""
    return _stands(call.system.recipe_book.withdraw(recipe, version, call.person, why.reason))


@area.read("/sites", Action.SITE_READ)
def list_sites(call: Called, part: paging.Asked) -> Page[m.SiteFacts]:
    """List the sites, whether each answers, and their prices."""
    return paging.page(
        call,
        part,
        call.system.market.seen(),
        lambda one: (one.name,),
        lambda one: m.SiteFacts.model_validate(_site(call, one)),
    )


@area.read("/sites/{site}", Action.SITE_READ)
def get_site(call: Called, site: str) -> m.SiteDetail:
    """Return a site's terms; of what projects use of it, what may be read."""
    system = call.system

    def may(application: ApplicationId) -> bool:
        return call.may(Action.APPLIANCE_READ, application)

    standing = [one for one in system.appliance_records.every() if one.site == site and one.state in STANDS]
    return m.SiteDetail.model_validate(
        {
            **_site(call, system.market.one(site)),
            "quotas": [_quota(site, name, quota) for name, quota in system.market.quotas(site) if may(name)],
            "appliances": [one.id for one in standing if may(one.application)],
        }
    )


@area.act("/sites/{site}/quota", Action.SITE_MANAGE)
def set_quota(call: Called, site: str, asked: m.QuotaAsked) -> m.QuotaFacts:
    """Say how much of a site a project may use; without limits, it is lifted."""
    application = call.system.applications.get(ApplicationId(asked.application)).id
    call.system.market.set_quota(site, application, Quota(asked.core_hours, asked.workers), call.person)
    return _quota(site, application, call.system.market.quota(site, application))


@area.act("/sites/{site}/check", Action.SITE_MANAGE)
def check_site(call: Called, site: str) -> m.SiteAnswered:
    """Ask a site whether it is there, and what it has."""
    return m.SiteAnswered(site=site, answers=True, has=dict(call.system.sites.check(site)))


@area.act("/sites/{site}/remove", Action.SITE_MANAGE)
def remove_site(call: Called, site: str) -> m.SiteRemoved:
    """Forget a site on which nothing stands."""
    call.system.sites.remove(site, call.person)
    return m.SiteRemoved(site=site)


def _site(call: Called, one: SiteSeen) -> dict[str, Json]:
    return site_facts(one, call.system.broker.prices(one.terms))


def _quota(site: str, application: ApplicationId, quota: Quota) -> m.QuotaFacts:
    return m.QuotaFacts(site=site, application=application, core_hours=quota.core_hours, workers=quota.workers)


def _stands(one: Added) -> m.RecipeStands:
    return m.RecipeStands(recipe=one.name, version=one.version, state=one.state.value, sha256=one.digest)


def _facts(one: Pipeline) -> dict[str, object]:
    return {
        "pipeline": f"{one.name}/{one.version}",
        "title": one.title,
        "volume_inputs": dict(one.volume_inputs),
        "parameters": dict(one.parameters),
        "sha256": one.digest,
    }
