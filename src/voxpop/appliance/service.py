"""The use cases of appliances: plan one, deploy it, look at it, remove it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from voxpop.appliance.errors import (
    ApplianceLost,
    ApplianceNotDeployed,
    NothingDeployed,
    QueueNotChosen,
    RecipeWantsGpu,
    SiteAbsent,
)
from voxpop.appliance.model import Appliance, Deployment, Environment
from voxpop.appliance.ports import Appliances, Site
from voxpop.appliance.recipes import Gpu, Recipe, RecipeKind, check_recipes
from voxpop.appliance.states import LIFE_CYCLE, ApplianceState
from voxpop.appliance.tosca import document
from voxpop.kernel.clock import Clock
from voxpop.kernel.digests import Json, sha256_bytes
from voxpop.kernel.errors import IllegalMove, Unavailable, VoxpopError
from voxpop.kernel.ids import ApplianceId, ApplicationId, VolumeId
from voxpop.kernel.ledger import Event, Ledger

_S = ApplianceState
_EVENT_OF = {
    _S.PLANNED: "appliance.replanned",
    _S.DEPLOYED: "appliance.deployed",
    _S.FAILED: "appliance.failed",
    _S.LOST: "appliance.lost",
    _S.REMOVED: "appliance.removed",
}


@dataclass(frozen=True, slots=True)
class ApplianceView:
    """An appliance, and what its site says of it now.

    Parameters
    ----------
    deployment : Deployment or None
        None where it is not deployed, or the site can't say.
    """

    appliance: Appliance
    seen: ApplianceState
    deployment: Deployment | None


class ApplianceService:
    """The use cases of appliances.

    Parameters
    ----------
    sites : mapping of name to Site
    recipes : mapping of name to Recipe
        What a project can ask for.
    """

    def __init__(
        self,
        appliances: Appliances,
        sites: Mapping[str, Site],
        ledger: Ledger,
        clock: Clock,
        recipes: Mapping[str, Recipe],
    ) -> None:
        self._appliances = appliances
        self._sites = sites
        self._ledger = ledger
        self._clock = clock
        self._recipes = recipes

    def has_queue(self, asked: Sequence[str]) -> bool:
        """Say whether a batch queue is among recipes; one that is not known is none."""
        known = (self._recipes[name] for name in asked if name in self._recipes)
        return any(recipe.kind is RecipeKind.BATCH_QUEUE for recipe in known)

    def with_queue(self, asked: Sequence[str], queue: str) -> tuple[str, ...]:
        """Return recipes with another batch queue in the place of the one that is among them.

        Raises
        ------
        QueueNotChosen
            If it is no queue, or none is among them.
        """
        queues = [name for name, recipe in self._recipes.items() if recipe.kind is RecipeKind.BATCH_QUEUE]
        if queue not in queues or not self.has_queue(asked):
            raise QueueNotChosen(queue, ", ".join(queues))
        return tuple(dict.fromkeys(queue if name in queues else name for name in asked))

    def plan(
        self,
        application: ApplicationId,
        environment: Environment,
        volume_id: VolumeId,
        volume_digest: str,
        site: str,
        actor: str,
    ) -> Appliance:
        """Plan an appliance, or return the one of the same document, volume and site that was not removed.

        Raises
        ------
        Absent
            If there is no such site, or no such recipe.
        Refused
            If a recipe needs another, or a GPU, that was not asked for, or two don't go together.
        """
        self._site(site)
        text = self.written(application, environment, volume_digest)
        kept = self._same(application, text, volume_id, site)
        if kept is not None:
            return kept
        number = len(self._appliances.of_application(application)) + 1
        planned = Appliance(
            id=ApplianceId(f"{application}-a{number}"),
            application=application,
            volume=volume_id,
            site=site,
            state=_S.PLANNED,
            document_digest=sha256_bytes(text.encode()),
            created_at=self._clock.now(),
        )
        self._appliances.add(planned, text, actor)
        return planned

    def written(self, application: ApplicationId, environment: Environment, volume_digest: str) -> str:
        """Return the TOSCA document of an environment, and keep nothing; raises as ``plan`` does for its recipes."""
        check_recipes(environment.recipes, self._recipes)
        self._check_gpus(environment)
        return document(environment, application=application, volume_digest=volume_digest, recipes=self._recipes)

    def known(
        self, application: ApplicationId, environment: Environment, volume: tuple[VolumeId, str], site: str
    ) -> Appliance | None:
        """Return the appliance that ``plan`` would return without making one; None where it would make one.

        Parameters
        ----------
        volume : tuple of VolumeId and str
            Its id and the digest of its manifest.
        """
        return self._same(application, self.written(application, environment, volume[1]), volume[0], site)

    def deploy(self, appliance_id: ApplianceId, volume_path: Path, results_path: Path, actor: str) -> Deployment:
        """Deploy a planned appliance; one that stands stays, one that failed or was lost is made again.

        Raises
        ------
        IllegalMove
            If it was removed.
        VoxpopError
            What the site said no with; the appliance is then FAILED (or LOST, if it was deployed before).
        """
        appliance = self._appliances.get(appliance_id)
        if appliance.state is _S.FAILED:
            self._move(appliance, _S.PLANNED, actor, "deployed again")
            appliance = self._appliances.get(appliance_id)
        if appliance.state is not _S.DEPLOYED:
            LIFE_CYCLE.check(_subject(appliance_id), appliance.state, _S.DEPLOYED)
        try:
            text = self._appliances.document(appliance_id)
            deployment = self._site(appliance.site).deploy(appliance_id, text, volume_path, results_path)
        except VoxpopError as failed:
            self._fail(appliance, actor, failed)
            raise
        try:
            now = self._appliances.get(appliance_id)
            if now.state is not _S.DEPLOYED:
                self._move(now, _S.DEPLOYED, actor, "", deployment)
        except IllegalMove:
            # removed while it was made: nobody else would look at its machines again
            if self._appliances.get(appliance_id).state is _S.REMOVED:
                self._site(appliance.site).remove(appliance_id)
            raise
        return deployment

    def get(self, appliance_id: ApplianceId) -> Appliance:
        """Return an appliance, or raise ``Absent``."""
        return self._appliances.get(appliance_id)

    def document(self, appliance_id: ApplianceId) -> str:
        """Return an appliance's TOSCA document."""
        return self._appliances.document(appliance_id)

    def show(self, appliance_id: ApplianceId) -> ApplianceView:
        """Return an appliance and what its site says of it now; one that the site lost is written down as LOST."""
        appliance = self._appliances.get(appliance_id)
        if appliance.state not in (_S.DEPLOYED, _S.LOST):
            return ApplianceView(appliance, appliance.state, None)
        site = self._sites.get(appliance.site)
        if site is None:
            return ApplianceView(appliance, _S.LOST, None)
        seen = site.state(appliance_id)
        if seen is not _S.DEPLOYED and appliance.state is _S.DEPLOYED:
            self._move(appliance, _S.LOST, "voxpop", f"site {appliance.site} says that it is {seen.value}")
            appliance = self._appliances.get(appliance_id)
        return ApplianceView(appliance, seen, site.find(appliance_id) if seen is _S.DEPLOYED else None)

    def deployed(self, appliance_id: ApplianceId) -> tuple[Appliance, Deployment]:
        """Return an appliance that stands.

        Raises
        ------
        ApplianceNotDeployed
            If it was not deployed, or removed.
        ApplianceLost
            If its site can't account for it.
        """
        view = self.show(appliance_id)
        if view.deployment is not None and view.appliance.state is _S.DEPLOYED:
            return view.appliance, view.deployment
        if view.appliance.state is _S.LOST:
            raise ApplianceLost(appliance_id, view.appliance.site, view.appliance.volume)
        raise ApplianceNotDeployed(appliance_id, view.appliance.state.value)

    def newest(self, application: ApplicationId) -> tuple[Appliance, Deployment]:
        """Return the application's newest appliance that was deployed and not removed.

        Raises
        ------
        NothingDeployed
            If there is none.
        ApplianceLost
            If its site can't account for it.
        """
        for appliance in reversed(self._appliances.of_application(application)):
            if appliance.state in (_S.DEPLOYED, _S.LOST):
                return self.deployed(appliance.id)
        raise NothingDeployed(application)

    def remove(self, appliance_id: ApplianceId, actor: str, reason: str = "", *, give_up: bool = False) -> None:
        """Remove an appliance from its site; results stay. Twice is silent.

        Parameters
        ----------
        give_up : bool
            Whether it is written off where its site does not answer, with whatever is left of it there. One that never
            stood is written off in any case.

        Raises
        ------
        Unavailable
            If its site does not answer.
        """
        appliance = self._appliances.get(appliance_id)
        never_stood = appliance.state in (_S.PLANNED, _S.FAILED)
        try:
            self._site(appliance.site).remove(appliance_id)
        except (Unavailable, SiteAbsent) as away:
            if not (give_up or never_stood):
                raise
            reason = "; ".join(filter(None, (reason, f"written off: {away.sentence}")))
        if appliance.state is not _S.REMOVED:
            self._move(appliance, _S.REMOVED, actor, reason)

    def _same(self, application: ApplicationId, text: str, volume: VolumeId, site: str) -> Appliance | None:
        wanted = (sha256_bytes(text.encode()), volume, site)
        for one in self._appliances.of_application(application):
            if (one.document_digest, one.volume, one.site) == wanted and one.state is not _S.REMOVED:
                return one
        return None

    def _check_gpus(self, environment: Environment) -> None:
        for name in environment.recipes:
            if self._recipes[name].gpu is Gpu.REQUIRED and not environment.gpus:
                raise RecipeWantsGpu(name)

    def _site(self, name: str) -> Site:
        if name not in self._sites:
            raise SiteAbsent(name)
        return self._sites[name]

    def _fail(self, appliance: Appliance, actor: str, failed: VoxpopError) -> None:
        target = {_S.PLANNED: _S.FAILED, _S.DEPLOYED: _S.LOST}.get(appliance.state)
        if target is not None:
            self._move(appliance, target, actor, failed.sentence)

    def _move(
        self,
        appliance: Appliance,
        target: ApplianceState,
        actor: str,
        reason: str,
        deployment: Deployment | None = None,
    ) -> None:
        subject = _subject(appliance.id)
        LIFE_CYCLE.check(subject, appliance.state, target)
        facts = {} if deployment is None else _facts(deployment)
        event = Event(_EVENT_OF[target], subject, actor, reason, facts)
        self._ledger.move(subject, appliance.state, target, event)


def _facts(deployment: Deployment) -> dict[str, Json]:
    return {
        "site": deployment.site,
        "sandbox": deployment.sandbox,
        "network": deployment.network,
        "cores": deployment.cores,
        "memory_gb": deployment.memory_gb,
        "not_given": list(deployment.not_given),
        "document_sha256": deployment.document_digest,
    }


def _subject(appliance: ApplianceId) -> str:
    return f"appliance:{appliance}"
