"""A work folder and its settings become a running system."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from voxpop.access.entrance import Books, Entrance, Patience
from voxpop.access.federation import Federation, Register
from voxpop.access.model import Account
from voxpop.access.service import AccessService
from voxpop.appliance.additions import Measure, Offered, RecipeBook
from voxpop.appliance.elastic.keeper import Office
from voxpop.appliance.model import Ground
from voxpop.appliance.roles import packed
from voxpop.appliance.service import ApplianceService
from voxpop.application.ports import PriceList
from voxpop.application.service import ApplicationService, Board
from voxpop.cohort.model import Harvest
from voxpop.cohort.service import CohortService
from voxpop.flow.brokering import Broker, Grounds
from voxpop.flow.chain import RecordedChain
from voxpop.flow.counts import RequestCounts
from voxpop.flow.egress import CohortIdentities, results_of
from voxpop.flow.evidence import Sources
from voxpop.flow.history import CoreHours
from voxpop.flow.lifetimes import Ended, Lifetimes
from voxpop.flow.planning import Planning
from voxpop.flow.reporting import Reporting
from voxpop.flow.work import DurableWork, Places, Stages
from voxpop.kernel.errors import Absent, Unavailable
from voxpop.kernel.ids import ApplianceId
from voxpop.result.egress.ports import Surroundings
from voxpop.result.egress.service import ReleaseService
from voxpop.result.service import ResultService
from voxpop.run.model import Run
from voxpop.run.ports import Batch, Sandbox
from voxpop.run.service import Queues, RunService, Workplace
from voxpop.staging.course import Deidentification, Tools
from voxpop.staging.deid import load_profile, load_secret, new_secret, save_secret
from voxpop.staging.service import StagingService
from voxpop.store.applications import SqlApplications
from voxpop.store.recipes import SqlAdditions
from voxpop.store.sessions import SqlSessions, SqlTokens
from voxpop.store.sites import SqlQuotas, SqlSites
from voxpop.store.volumes import SqlVolumes
from voxpop.volume.service import VolumeService
from voxpop.wiring.archives import Archives
from voxpop.wiring.elastic import Clusters
from voxpop.wiring.installed import installed_folder, looked_at, pipelines, recipes
from voxpop.wiring.kept import Kept
from voxpop.wiring.market import Market
from voxpop.wiring.projects import Projects, Records, named_pipeline
from voxpop.wiring.providers import doors
from voxpop.wiring.sandboxes import best_sandbox, leaves_network, sandbox_named
from voxpop.wiring.sites import Sites


class System(Kept):
    """Everything of one work folder, and its use cases; parts are made when they are first used."""

    @cached_property
    def archives(self) -> Archives:
        """The connected archives, by name."""
        return Archives(self.archive_records)

    @cached_property
    def applications(self) -> ApplicationService:
        """The use cases of applications."""
        records = SqlApplications(self._engine, self.ledger, self._clock)
        board = Board(self.settings.reviewers, self.access.aliases, self._clock)
        return ApplicationService(records, self.counts, self, self.ledger, self, board=board)

    @cached_property
    def access(self) -> AccessService:
        """The use cases of accounts, groups and rights."""
        return AccessService(self._people, self._safe, self._clock)

    @cached_property
    def entrance(self) -> Entrance:
        """Sign-in, sessions and tokens."""
        web = self.settings.web
        return Entrance(
            Books(self._people, SqlSessions(self._engine), SqlTokens(self._engine, self.ledger)),
            self._safe,
            self.ledger,
            self._clock,
            Patience(timedelta(minutes=web.idle_minutes), timedelta(hours=web.session_hours)),
        )

    @cached_property
    def providers(self) -> Federation:
        """Sign-in with OpenID providers."""

        def known(person: str) -> bool:
            acted = (link.event.actor for link in self.ledger.search({"actor": person}, None, 1000))
            owned = (volume for volume in self.volumes.every() if volume.owner == person)
            granted = (one for volume in self.volumes.every() for one in self.volumes.grants(volume.id))
            return person in acted or any(owned) or any(one.person == person for one in granted)

        register = Register(self._people, SqlSessions(self._engine), self.access, known)
        return Federation(doors(self.settings.providers, self._clock), register, self._safe, self.ledger, self._clock)

    @cached_property
    def projects(self) -> Projects:
        """What concerns a project as a whole."""
        records = Records(
            self.cohort_records, self.staging_records, self.appliance_records, self.run_records, self.release_records
        )
        return Projects(self.applications, self.access, self.volumes, records, self.ledger)

    @cached_property
    def counts(self) -> RequestCounts:
        """What the index could give for a request."""
        return RequestCounts(self.cohorts)

    @cached_property
    def cohorts(self) -> CohortService:
        """The use cases of cohorts."""
        from voxpop.backends.index.duckdb import open_index

        index = open_index(self.work.protected / "index")
        return CohortService(self.archives, index, self.cohort_records, self.ledger, self._clock)

    @cached_property
    def volumes(self) -> VolumeService:
        """The use cases of volumes."""
        records = SqlVolumes(self._engine, self.ledger, self._clock, self.work.volumes)
        return VolumeService(records, self.ledger, self._clock, self.work.volumes)

    @cached_property
    def deidentification(self) -> Deidentification:
        """The profile and the secret of the pseudonyms; the secret is made with the first volume."""
        key = self.work.protected / "pseudonym.key"
        if not key.exists() and not self.volumes.every():
            save_secret(key, new_secret())
        return Deidentification(load_profile(self.settings.profile), load_secret(key))

    @cached_property
    def staging(self) -> StagingService:
        """The use cases of staging."""
        from voxpop.backends.converter.dcm2niix import gzip_nifti, open_converter

        tools = Tools(self.archives.named, open_converter(), gzip_nifti, self.deidentification)
        return StagingService(tools, self.staging_records, self.work.protected / "staging")

    @cached_property
    def recipe_book(self) -> RecipeBook:
        """The use cases of recipes that people add."""
        kept = SqlAdditions(self._engine, self.ledger)
        measure = Measure(recipes(), lambda folder: looked_at(folder)[0], self.access.aliases)
        return RecipeBook(self.work.recipes, kept, self.ledger, self._clock, measure)

    @cached_property
    def offered(self) -> Offered:
        """The recipes that an application may ask for."""
        return Offered(recipes(), self.recipe_book)

    @cached_property
    def sites(self) -> Sites:
        """The sites, by name."""
        sandbox = best_sandbox(self.work.protected)
        ground = Ground(
            self.work.appliances,
            sandbox.name,
            leaves_network(sandbox),
            self.offered,
            pipelines=installed_folder("pipelines"),
            idle_s=self.settings.elastic.idle_seconds,
            boot_s=self.settings.elastic.boot_seconds,
        )
        return Sites(SqlSites(self._engine, self.ledger), self.appliance_records, ground)

    @cached_property
    def market(self) -> Market:
        """The sites as they are offered."""
        return Market(self.sites, SqlQuotas(self._engine, self.ledger), self.settings.jurisdiction)

    @cached_property
    def broker(self) -> Broker:
        """What each site would be for a project."""
        return Broker(
            Grounds(self.market, self.market, self.appliance_records, self.applications, self),
            self.settings.jurisdiction,
            CoreHours(self.ledger, self._clock, self.scaling.worker_hours).of,
        )

    @cached_property
    def planning(self) -> Planning:
        """The use cases of planning."""
        return Planning(self.broker, self.durable_work, self.volumes, self.appliances, self.appliance_records)

    @cached_property
    def lifetimes(self) -> Lifetimes:
        """The rule by which appliances go."""
        facts = Ended(
            self.appliance_records,
            lambda volume: self.volumes.get(volume).ends_on,
            self.applications.state,
            self.ledger,
        )
        return Lifetimes(facts, self.appliances, self._clock)

    def sandbox_of(self, site: str, sandbox: str, appliance: str, image: str) -> Sandbox:
        """Return what holds the runs and the terminals of an appliance: its site, or a sandbox of this machine."""
        held = self.sites.sandbox(site, appliance, image) if image else None
        return held or sandbox_named(sandbox, self.work.protected, self.sites.account(site))

    @cached_property
    def appliances(self) -> ApplianceService:
        """The use cases of appliances."""
        return ApplianceService(self.appliance_records, self.sites, self.ledger, self._clock, self.offered)

    @cached_property
    def clusters(self) -> Clusters:
        """The appliances that have a queue."""
        return Clusters(
            self.appliance_records, self.sites, self.scaling, self.settings.elastic, lambda *of: self.broker.limits(*of)
        )

    @property
    def office(self) -> Office:
        """What keepers of workers share."""
        return Office(self.scaling, self.ledger, self._clock)

    @cached_property
    def runs(self) -> RunService:
        """The use cases of runs."""
        from voxpop.backends.jobs.cwltool.engine import CwltoolEngine

        def sandbox(place: Workplace) -> Sandbox:
            return self.sandbox_of(place.site, place.sandbox, place.appliance, place.image)

        def batch(place: Workplace) -> Batch | None:
            return self.sites.batch(place.site, ApplianceId(place.appliance), place.queue)

        def bench(run: Run) -> Path | None:
            try:
                deployment = self.sites.named(self.appliance_records.get(run.appliance).site).find(run.appliance)
            except (Absent, Unavailable):
                return None
            return deployment.bench / run.id if deployment and deployment.bench else None

        queues = Queues(batch, bench)
        return RunService(self.run_records, CwltoolEngine(), sandbox, self.ledger, self._clock, queues)

    @cached_property
    def reporting(self) -> Reporting:
        """Reports and research objects."""
        from voxpop.backends.report.typst import open_typesetter

        service = ResultService(self.result_records, open_typesetter(), self.ledger)
        return Reporting(self.sources, service, self.result_records, named_pipeline, self.settings.project)

    @cached_property
    def releases(self) -> ReleaseService:
        """The use cases of egress."""
        identities = CohortIdentities(self.sources, self.cohort_records.selection)
        around = Surroundings(results_of(self.sources), identities, self.access.aliases)
        return ReleaseService(self.release_records, around, self.ledger, self._clock, self.work.releases)

    @cached_property
    def sources(self) -> Sources:
        """Where the evidence of a run is gathered from."""
        return Sources(
            applications=self.applications,
            cohort=self.cohort_records.get,
            volumes=self.volumes,
            appliances=self.appliances,
            run=self.run_records.get,
            runs=self.runs,
        )

    @cached_property
    def chain(self) -> RecordedChain:
        """The links between a result and the decision."""
        return RecordedChain(
            self.sources, self.result_records.of_content, self.ledger.last_fact, self.cohort_records.list_digest
        )

    @cached_property
    def durable_work(self) -> DurableWork:
        """The pieces of durable work."""
        stages = Stages(
            applications=self.applications,
            cohorts=self.cohorts,
            staging=self.staging,
            volumes=self.volumes,
            appliances=self.appliances,
            runs=self.runs,
            reporting=self.reporting,
            applicants=self.projects.applicants,
        )
        return DurableWork(stages, named_pipeline, Places(self.work.results, check=self.broker.check), self._clock)

    def price_list(self) -> PriceList:
        """Return the bank's prices: those of each site that names none."""
        prices = self.settings.prices
        return PriceList(prices.currency, prices.core_hour, prices.gpu_hour, prices.gb_month)

    def recipes(self) -> tuple[str, ...]:
        """Return the names of the recipes that an application may ask for."""
        return tuple(self.offered)

    def recipes_waiting(self) -> tuple[str, ...]:
        """Return the names of recipes that were added and are not approved."""
        return tuple(self.recipe_book.waiting())

    def role(self, archive: str) -> bytes | None:
        """Return the archive of that name of a recipe's role; None where there is none of these bytes."""
        recipe = self.offered.get(archive.rpartition("-")[0])
        found = packed(recipe) if recipe is not None and recipe.has_role else None
        return found.content if found is not None and found.name == archive else None

    def pipelines(self) -> tuple[str, ...]:
        """Return the pipelines that an application may name."""
        return tuple(pipelines())

    def connect_archive(self, name: str, kind: str, settings: Mapping[str, str], actor: str | None = None) -> None:
        """Connect an archive, or change its connection."""
        self.archives.connect(name, kind, settings, actor or self.person)

    def harvest(self, name: str, actor: str | None = None) -> Harvest:
        """List an archive's studies into the index."""
        self.archives.named(name)
        found = self.cohorts.harvest(name, actor or self.person)
        self.archive_records.harvested(name, found.studies)
        return found

    def check_clinical(self, file: Path) -> None:
        """Read a clinical source to its end, and keep nothing; raises ``Invalid`` naming what cannot be read."""
        from voxpop.backends.clinical.tabular import open_clinical

        for _ in open_clinical(file).records():
            pass

    def load_clinical(self, file: Path, actor: str | None = None) -> int:
        """Replace the clinical table by a file's records; returns how many there are."""
        from voxpop.backends.clinical.tabular import open_clinical

        records, _ = self.cohorts.load_clinical(open_clinical(file), actor or self.person)
        return records

    def can_sign_in(self, account: Account) -> bool:
        """Say whether an account has something to sign in with: a password, or a provider that the settings name."""
        if not account.enabled:
            return False
        if not account.local:
            return any(one.issuer == account.issuer for one in self.settings.providers)
        return bool(self._people.kept(account.name).password)
