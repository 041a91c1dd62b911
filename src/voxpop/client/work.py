"""Appliances, runs, and what can be asked for, of a bank that is somewhere else."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from voxpop.client.wire import Wire, segment
from voxpop.web.api.models import appliances as a
from voxpop.web.api.models import runs as r
from voxpop.web.api.models.audit import OperationFacts
from voxpop.web.api.models.base import Reason


class Appliances:
    """Appliances: plan, deploy, look, remove."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def every(self) -> Iterator[a.ApplianceItem]:
        """Yield the appliances that may be read, by id."""
        return self._wire.every("/appliances", a.ApplianceItem)

    def get(self, name: str) -> a.ApplianceFacts:
        """Return an appliance, and what its site gave it."""
        return self._wire.get(f"/appliances/{segment(name)}", a.ApplianceFacts)

    def document(self, name: str) -> str:
        """Return an appliance's TOSCA document."""
        return self._wire.text(f"/appliances/{segment(name)}/document")

    def look(self, application: str, site: str = "") -> a.PlanFacts:
        """Rank the sites for an application's newest sealed volume, and keep nothing."""
        return self._wire.get(f"/applications/{segment(application)}/plan", a.PlanFacts, {"site": site})

    def plan(self, application: str, site: str = "", queue: str = "") -> a.PlanFacts:
        """Plan the appliance of an application's newest sealed volume; nothing is kept where no site can serve it."""
        chosen = a.SiteChosen(site=site, queue=queue)
        return self._wire.post(f"/applications/{segment(application)}/appliances", a.PlanFacts, chosen)

    def deploy(self, volume: str, site: str = "", queue: str = "") -> OperationFacts:
        """Ask for the appliance of a sealed volume to be deployed."""
        chosen = a.SiteChosen(site=site, queue=queue)
        return self._wire.post(f"/volumes/{segment(volume)}/deploy", OperationFacts, chosen)

    def redeploy(self, name: str) -> OperationFacts:
        """Ask for an appliance to be deployed again."""
        return self._wire.post(f"/appliances/{segment(name)}/deploy", OperationFacts)

    def resize(self, name: str, least: int, most: int) -> a.ApplianceResized:
        """Choose how many workers an appliance with a queue may have."""
        asked = a.SizeAsked(least=least, most=most)
        return self._wire.post(f"/appliances/{segment(name)}/resize", a.ApplianceResized, asked)

    def notebook(self, name: str) -> a.NotebookOpened:
        """Open the account's notebook on an appliance; its address lets a browser in once, within half a minute."""
        return self._wire.post(f"/appliances/{segment(name)}/notebook", a.NotebookOpened)

    def remove(self, name: str, reason: str = "", *, give_up: bool = False) -> a.ApplianceRemoved:
        """Remove an appliance from its site; ``give_up`` writes it off where the site does not answer."""
        asked = a.RemovalAsked(reason=reason, give_up=give_up)
        return self._wire.post(f"/appliances/{segment(name)}/remove", a.ApplianceRemoved, asked)


class Catalogue:
    """Pipelines, recipes and sites."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def pipelines(self) -> Iterator[a.PipelineFacts]:
        """Yield the pipelines that are installed."""
        return self._wire.every("/pipelines", a.PipelineFacts)

    def pipeline(self, name: str) -> a.PipelineDetail:
        """Return a pipeline by ``name/version``, and the parameters that may be chosen."""
        return self._wire.get(f"/pipelines/{quote(name)}", a.PipelineDetail)

    def recipes(self) -> Iterator[a.RecipeFacts]:
        """Yield the recipes that ship, and those that were added."""
        return self._wire.every("/recipes", a.RecipeFacts)

    def add_recipe(self, archive: bytes) -> a.RecipeStands:
        """Send a recipe's folder, as a ZIP file; it is looked at, and kept to be approved."""
        return self._wire.post("/recipes", a.RecipeStands, a.RecipeSent(archive=b64encode(archive)))

    def approve_recipe(self, name: str, version: str, reason: str = "") -> a.RecipeStands:
        """Let applications ask for a recipe that another person added."""
        path = f"/recipes/{segment(name)}/{segment(version)}/approve"
        return self._wire.post(path, a.RecipeStands, Reason(reason=reason))

    def withdraw_recipe(self, name: str, version: str, reason: str = "") -> a.RecipeStands:
        """Let no application ask for a recipe any more."""
        path = f"/recipes/{segment(name)}/{segment(version)}/withdraw"
        return self._wire.post(path, a.RecipeStands, Reason(reason=reason))

    def sites(self) -> Iterator[a.SiteFacts]:
        """Yield the sites with their prices."""
        return self._wire.every("/sites", a.SiteFacts)

    def site(self, name: str) -> a.SiteDetail:
        """Return a site's terms, and what may be read of what projects use of it."""
        return self._wire.get(f"/sites/{segment(name)}", a.SiteDetail)

    def set_quota(self, site: str, asked: a.QuotaAsked) -> a.QuotaFacts:
        """Say how much of a site a project may use; without limits, it is lifted."""
        return self._wire.post(f"/sites/{segment(site)}/quota", a.QuotaFacts, asked)

    def check_site(self, name: str) -> a.SiteAnswered:
        """Ask a site whether it is there, and what it has."""
        return self._wire.post(f"/sites/{segment(name)}/check", a.SiteAnswered)

    def remove_site(self, name: str) -> a.SiteRemoved:
        """Forget a site on which nothing stands."""
        return self._wire.post(f"/sites/{segment(name)}/remove", a.SiteRemoved)


class Runs:
    """Runs: start, follow, cancel, repeat, compare."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def every(self, application: str = "") -> Iterator[r.RunFacts]:
        """Yield the runs that may be read, the oldest first."""
        return self._wire.every("/runs", r.RunFacts, {"application": application})

    def get(self, name: str) -> r.RunDetail:
        """Return a run, what was chosen for it, and how far it is."""
        return self._wire.get(f"/runs/{segment(name)}", r.RunDetail)

    def start(
        self, application: str, pipeline: str | None = None, parameters: Mapping[str, r.Value] | None = None
    ) -> OperationFacts:
        """Make a run and ask for it to be carried out; the operation's subject names it."""
        asked = r.RunAsked(pipeline=pipeline, parameters=dict(parameters or {}))
        return self._wire.post(f"/applications/{segment(application)}/runs", OperationFacts, asked)

    def resume(self, name: str) -> OperationFacts:
        """Ask for a run that failed or was lost to go on."""
        return self._wire.post(f"/runs/{segment(name)}/resume", OperationFacts)

    def repeat(self, name: str) -> OperationFacts:
        """Ask for the same work again."""
        return self._wire.post(f"/runs/{segment(name)}/repeat", OperationFacts)

    def report(self, name: str) -> OperationFacts:
        """Ask for the report of a run to be written again."""
        return self._wire.post(f"/runs/{segment(name)}/report", OperationFacts)

    def cancel(self, name: str, reason: str = "") -> r.RunFacts:
        """Cancel a run."""
        return self._wire.post(f"/runs/{segment(name)}/cancel", r.RunFacts, Reason(reason=reason))

    def log(self, name: str) -> r.RunLog:
        """Return what a run's steps wrote."""
        return self._wire.get(f"/runs/{segment(name)}/log", r.RunLog)

    def steps(self, name: str) -> Iterator[r.StepFacts]:
        """Yield the executions of a run that is done."""
        return self._wire.every(f"/runs/{segment(name)}/steps", r.StepFacts)

    def compare(self, one: str, other: str) -> r.ComparisonFacts:
        """Hold a run against another one, step by step."""
        return self._wire.get(f"/runs/{segment(one)}/comparison", r.ComparisonFacts, {"with": other})
