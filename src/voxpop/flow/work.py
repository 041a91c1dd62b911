"""The pieces of durable work: each goes from one stage to the next, and may be done twice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from voxpop.appliance.model import Appliance, Deployment, Environment, Workers
from voxpop.appliance.service import ApplianceService
from voxpop.appliance.tosca import read
from voxpop.application.service import ApplicationService
from voxpop.application.states import ApplicationState
from voxpop.cohort.service import CohortService
from voxpop.flow.criteria import criteria_of
from voxpop.flow.environment import environment_of
from voxpop.flow.orders import left_out, orders_of
from voxpop.flow.reporting import Reporting
from voxpop.kernel.clock import Clock
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Refused
from voxpop.kernel.ids import ApplianceId, ApplicationId, RunId, VolumeId
from voxpop.run.model import Pipeline, Run
from voxpop.run.service import Order, RunService, Workplace
from voxpop.staging.course import Bench
from voxpop.staging.model import StudyOrder, StudyOutcome
from voxpop.staging.service import StagingService
from voxpop.volume.errors import VolumeOver
from voxpop.volume.model import Volume
from voxpop.volume.service import VolumeService, building_folder
from voxpop.volume.states import VolumeState

OVER = frozenset({ApplicationState.CLOSED, ApplicationState.ARCHIVED, ApplicationState.REFUSED})
"""A project in one of these has no runs, images or terminals any more; its results stay."""


class ProjectOver(Refused):
    """Work is asked for a project that has ended."""

    code = "project-over"

    def __init__(self, application: str, state: str) -> None:
        super().__init__(f"project '{application}' is {state}, and nothing is run in it any more; its results stay")


class NothingSealed(Refused):
    """An appliance was asked for before there is anything to analyse."""

    code = "nothing-sealed"

    def __init__(self, application: str) -> None:
        super().__init__(
            f"application '{application}' has no sealed volume yet: `voxpop stage {application}` makes one"
        )


class DeployedElsewhere(Refused):
    """The appliance was deployed for another work folder: this one was copied or moved."""

    code = "deployed-elsewhere"

    def __init__(self, appliance: str, volume: str) -> None:
        super().__init__(
            f"appliance '{appliance}' was deployed for another place than this work folder, which was copied or moved: "
            f"deploy it again on its page, or by `voxpop appliance deploy {volume}`"
        )


VOXPOP = "voxpop"
"""The actor of what follows by rule."""

Tick = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class StagingPlan:
    """What staging an application comes to, in opaque numbers.

    Parameters
    ----------
    studies : tuple of (ordinal, number of series)
        Empty where the volume is sealed already.
    """

    volume: VolumeId
    studies: tuple[tuple[int, int], ...]


def _nobody(application: ApplicationId) -> Sequence[str]:
    del application
    return ()


@dataclass(frozen=True, slots=True)
class Stages:
    """The use cases that work goes through.

    Parameters
    ----------
    applicants : callable
        Returns the persons to whom an application's volume is granted when it is sealed.
    """

    applications: ApplicationService
    cohorts: CohortService
    staging: StagingService
    volumes: VolumeService
    appliances: ApplianceService
    runs: RunService
    reporting: Reporting
    applicants: Callable[[ApplicationId], Sequence[str]] = _nobody


class CheckSite(Protocol):
    """Refuses a site that may not serve a project."""

    def __call__(self, application: ApplicationId, environment: Environment, site: str, but: str = "") -> None:
        """Raise ``Refused`` where the site may not; ``but`` is an appliance that is not counted among what stands."""
        ...


def _any_site(application: ApplicationId, environment: Environment, site: str, but: str = "") -> None:
    del application, environment, site, but


@dataclass(frozen=True, slots=True)
class Places:
    """Where work is done outside the protected folder, which site deploys by default, and which may not."""

    results: Path
    site: str = "local"
    check: CheckSite = _any_site


@dataclass(slots=True)
class _Opened:
    """The frozen lists that this process has opened; kept, so that each is opened (and audited) once."""

    orders: dict[VolumeId, dict[int, StudyOrder]] = field(default_factory=dict)
    left_out: dict[VolumeId, tuple[StudyOutcome, ...]] = field(default_factory=dict)


class DurableWork:
    """From an approved application to a report.

    Parameters
    ----------
    pipeline_named : callable
        Returns the pipeline of a name ``name/version``.
    """

    def __init__(self, stages: Stages, pipeline_named: Callable[[str], Pipeline], places: Places, clock: Clock) -> None:
        self._applications = stages.applications
        self._cohorts = stages.cohorts
        self._staging = stages.staging
        self._volumes = stages.volumes
        self._appliances = stages.appliances
        self._runs = stages.runs
        self._reporting = stages.reporting
        self._applicants = stages.applicants
        self._pipeline_named = pipeline_named
        self._places = places
        self._clock = clock
        self._opened = _Opened()

    def begin_staging(self, application: ApplicationId) -> StagingPlan:
        """Freeze the cohort and begin its volume; one that is sealed already has nothing left to stage."""
        volume = self._being_built(application) or self._begun(application)
        if volume.state is VolumeState.SEALED:
            return StagingPlan(volume.id, ())
        orders = self._orders(volume)
        return StagingPlan(volume.id, tuple((order.ordinal, len(order.study.series)) for order in orders.values()))

    def stage_series(self, volume_id: VolumeId, ordinal: int, position: int) -> None:
        """Stage one series of one study."""
        volume = self._volumes.get(volume_id)
        self._staging.stage_series(_bench(volume), self._orders(volume)[ordinal], position)

    def finish_study(self, volume_id: VolumeId, ordinal: int) -> None:
        """Say what became of a study, from its series."""
        volume = self._volumes.get(volume_id)
        self._staging.finish_study(_bench(volume), self._orders(volume)[ordinal])

    def seal(self, volume_id: VolumeId) -> None:
        """Write the tables that describe the whole volume, then seal and publish it."""
        volume = self._volumes.get(volume_id)
        if volume.state is VolumeState.BUILDING and building_folder(volume).is_dir():
            orders = tuple(self._orders(volume).values())
            title = self._applications.get(volume.application).title
            self._staging.lay_out(_bench(volume), title, orders, self._opened.left_out[volume_id])
        self._volumes.seal_volume(volume_id, VOXPOP)
        for person in self._applicants(volume.application):
            self._volumes.grant_by_rule(volume_id, person, VOXPOP)

    def plan(self, application_id: ApplicationId, actor: str, site: str = "", queue: str = "") -> Appliance:
        """Plan the appliance of an application's newest sealed volume, on the default site or on a named one.

        Parameters
        ----------
        queue : str
            The batch queue to take instead of the one that the application names; empty for that one.
        """
        return self._plan(self.newest_sealed(application_id), actor, site, queue)

    def newest_sealed(self, application_id: ApplicationId) -> Volume:
        """Return an application's newest sealed volume, or raise ``NothingSealed``."""
        volumes = self._volumes.of_application(application_id)
        sealed = [volume for volume in volumes if volume.state is VolumeState.SEALED]
        if not sealed:
            self._applications.state(application_id)
            raise NothingSealed(application_id)
        return sealed[-1]

    def plan_on(self, volume_id: VolumeId, actor: str, site: str = "", queue: str = "") -> Appliance:
        """Plan the appliance of a sealed volume, on the default site or on a named one."""
        volume = self._volumes.get(volume_id)
        self.check_going(volume.application)
        return self._plan(volume, actor, site, queue)

    def deploy(self, volume_id: VolumeId, site: str = "", queue: str = "") -> ApplianceId:
        """Plan and deploy the appliance of a sealed volume, on the default site or on a named one."""
        planned = self.plan_on(volume_id, VOXPOP, site, queue)
        self.set_up(planned.id)
        return planned.id

    def environment(self, application_id: ApplicationId, queue: str = "") -> Environment:
        """Return the software and compute that an application asks for, with another queue where one is named."""
        application = self._applications.get(application_id)
        asked = environment_of(application, queue=self._appliances.has_queue(application.software))
        return replace(asked, recipes=self._appliances.with_queue(asked.recipes, queue)) if queue else asked

    def set_up(self, appliance_id: ApplianceId) -> None:
        """Deploy a planned appliance on its site, or deploy it again."""
        appliance = self._appliances.get(appliance_id)
        self.check_going(appliance.application)
        environment = read(self._appliances.document(appliance_id)).environment
        self._places.check(appliance.application, environment, appliance.site, appliance_id)
        volume = self._volumes.get(appliance.volume)
        self._check_usable(volume)
        self._appliances.deploy(appliance_id, volume.path, self._places.results, VOXPOP)

    def activate(self, appliance_id: ApplianceId) -> None:
        """Make the application of a deployed appliance active."""
        application = self._appliances.get(appliance_id).application
        if self._applications.state(application) is ApplicationState.APPROVED:
            self._applications.activate(application, VOXPOP, "its appliance is deployed")

    def stands_here(self, volume_id: VolumeId, deployment: Deployment) -> bool:
        """Say whether a deployment has its data and results in this work folder, not in one that it was copied from."""
        here = (self._volumes.get(volume_id).path.resolve(), self._places.results.resolve())
        return (deployment.volume.resolve(), deployment.results.resolve()) == here

    def check_going(self, application: ApplicationId) -> None:
        """Refuse work for a project that has ended.

        Raises
        ------
        ProjectOver
        """
        state = self._applications.state(application)
        if state in OVER:
            raise ProjectOver(application, state.value)

    def start_run(
        self,
        application: ApplicationId,
        pipeline: str | None,
        actor: str,
        parameters: Mapping[str, Json] | None = None,
    ) -> Run:
        """Make a run of a pipeline on the application's newest appliance; the application's own by default."""
        self.check_going(application)
        appliance, deployment = self._appliances.newest(application)
        named = pipeline or self._applications.get(application).pipeline
        order = Order(application, appliance.id, appliance.volume, parameters or {})
        return self._runs.create(order, self._pipeline_named(named), self._workplace(appliance, deployment), actor)

    def execute(self, run_id: RunId, tick: Tick) -> None:
        """Carry a run out to its end."""
        pipeline, place = self._pipeline_and_place(run_id)
        self._runs.execute(run_id, pipeline, place, VOXPOP, tick)

    def discard(self, run_id: RunId) -> None:
        """Take what a cancelled run left in its queue away; where its appliance is gone, so is that."""
        try:
            pipeline, place = self._pipeline_and_place(run_id)
        except Refused:
            return
        self._runs.discard(run_id, pipeline, place)

    def begin_repeat(self, run_id: RunId) -> RunId:
        """Make the run that will repeat another; one that was begun and not ended is taken up."""
        pipeline, place = self._pipeline_and_place(run_id)
        return self._runs.create_repeat(run_id, pipeline, place, VOXPOP).id

    def compare(self, repeat_id: RunId) -> None:
        """Hold a repeat against its original, and write down how it came out."""
        self._runs.compared(repeat_id, VOXPOP)

    def report(self, run_id: RunId) -> None:
        """Write the report and the research object of a run; a repeat has none of its own."""
        if self._runs.get(run_id).repeats is None:
            self._reporting.write(run_id)

    def _check_usable(self, volume: Volume) -> None:
        """Refuse a volume whose last day has passed."""
        if volume.ends_on is not None and volume.ends_on < self._clock.now().date():
            raise VolumeOver(volume.id, volume.ends_on.isoformat())

    def _plan(self, volume: Volume, actor: str, site: str, queue: str) -> Appliance:
        self._check_usable(volume)
        application = self._applications.get(volume.application)
        environment = self.environment(application.id, queue)
        where = site or self._places.site
        known = self._appliances.known(application.id, environment, (volume.id, volume.digest), where)
        self._places.check(application.id, environment, where, known.id if known else "")
        return self._appliances.plan(application.id, environment, volume.id, volume.digest, where, actor)

    def _pipeline_and_place(self, run_id: RunId) -> tuple[Pipeline, Workplace]:
        run = self._runs.get(run_id)
        self.check_going(run.application)
        appliance, deployment = self._appliances.deployed(run.appliance)
        return self._pipeline_named(run.pipeline), self._workplace(appliance, deployment)

    def _workplace(self, appliance: Appliance, deployment: Deployment) -> Workplace:
        volume = self._volumes.get(appliance.volume)
        if not self.stands_here(volume.id, deployment):
            raise DeployedElsewhere(appliance.id, volume.id)
        workers = deployment.workers or Workers(0, 0, 0, 0)
        return Workplace(
            volume=volume.path,
            volume_digest=volume.digest,
            runs=deployment.results,
            cores=deployment.cores,
            memory_gb=deployment.memory_gb,
            sandbox=deployment.sandbox,
            site=deployment.site,
            appliance=appliance.id,
            image=deployment.image,
            queue=deployment.queue,
            bench=deployment.bench,
            workers=workers.most,
            worker_cores=workers.cores,
            worker_memory_gb=workers.memory_gb,
            worker_gpus=workers.gpus,
        )

    def _being_built(self, application: ApplicationId) -> Volume | None:
        """Return the volume that an earlier attempt began; its cohort stays, whatever was harvested since."""
        volumes = self._volumes.of_application(application)
        return next((volume for volume in volumes if volume.state is VolumeState.BUILDING), None)

    def _begun(self, application: ApplicationId) -> Volume:
        wanted = self._applications.get(application)
        cohort = self._cohorts.freeze(application, criteria_of(wanted.request), VOXPOP)
        for volume in self._volumes.of_application(application):
            if volume.cohort == cohort.id and volume.state is VolumeState.SEALED:
                return volume
        ends_on = (self._clock.now() + timedelta(days=wanted.compute.days)).date()
        return self._volumes.begin(application, cohort.id, wanted.investigators[0].name, VOXPOP, ends_on)

    def _orders(self, volume: Volume) -> dict[int, StudyOrder]:
        if volume.id not in self._opened.orders:
            selection = self._cohorts.selection(volume.cohort, VOXPOP)
            request = self._applications.get(volume.application).request
            self._opened.left_out[volume.id] = left_out(selection)
            self._opened.orders[volume.id] = {order.ordinal: order for order in orders_of(selection, request)}
        return self._opened.orders[volume.id]


def _bench(volume: Volume) -> Bench:
    return Bench(volume.id, volume.application, building_folder(volume))
