"""What concerns a project as a whole: whose it is, what belongs to it, and who may look into it now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from voxpop.access.model import Account, Membership, ProjectRole, Role
from voxpop.access.permissions import Action
from voxpop.access.service import GROUP, AccessService
from voxpop.application.model import Application
from voxpop.application.service import ApplicationService
from voxpop.application.states import ApplicationState
from voxpop.flow.work import OVER
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Absent, Refused
from voxpop.kernel.ids import ApplianceId, ApplicationId, CohortId, RunId, VolumeId
from voxpop.kernel.ledger import Event, Ledger
from voxpop.run.model import Pipeline
from voxpop.run.pipelines import pipeline_named
from voxpop.store.appliances import SqlAppliances
from voxpop.store.applications import ApplicationExists
from voxpop.store.cohorts import SqlCohorts
from voxpop.store.releases import SqlReleases
from voxpop.store.runs import SqlRuns
from voxpop.store.staging import SqlStagingRecords
from voxpop.volume.model import Volume
from voxpop.volume.service import VolumeService
from voxpop.volume.states import VolumeState
from voxpop.wiring.installed import pipelines

_STAGED = frozenset({ApplicationState.APPROVED, ApplicationState.ACTIVE})


class NotApproved(Refused):
    """Staging was asked for an application that nobody has approved."""

    code = "not-approved"

    def __init__(self, application: str, state: str) -> None:
        super().__init__(
            f"application '{application}' is {state}: only an approved one is staged; "
            f"`voxpop application review {application}` and `approve` come first"
        )


@dataclass(frozen=True, slots=True)
class Records:
    """Where what belongs to projects is kept."""

    cohorts: SqlCohorts
    staging: SqlStagingRecords
    appliances: SqlAppliances
    runs: SqlRuns
    releases: SqlReleases


class Projects:
    """Projects, each of which is one application and all that came of it."""

    def __init__(
        self,
        applications: ApplicationService,
        access: AccessService,
        volumes: VolumeService,
        records: Records,
        ledger: Ledger,
    ) -> None:
        self._applications = applications
        self._access = access
        self._volumes = volumes
        self._records = records
        self._ledger = ledger

    def draft(self, written: Application, account: Account) -> None:
        """Keep a draft; who writes it first is its applicant.

        Raises
        ------
        ApplicationExists
            If the name is that of another's application.
        """
        team = self._team_of(written.id)
        if team is not None and not self._access.rights(account).may(Action.APPLICATION_CHANGE, written.id):
            raise ApplicationExists(written.id)
        self._applications.draft(written, account.person)
        if not team:
            self._access.join(Membership(written.id, account.name, ProjectRole.APPLICANT), account.person)

    def applicants(self, application: ApplicationId) -> list[str]:
        """Return the persons who may open a project's volumes without being granted them one by one."""
        team = self._access.team(application)
        names = [one.who for one in team if one.role is ProjectRole.APPLICANT and not one.who.startswith(GROUP)]
        return [self._access.get(name).person for name in names]

    def check_staging(self, application: ApplicationId) -> None:
        """Refuse to stage what nobody has approved.

        Raises
        ------
        NotApproved
            If the application is not approved or active.
        """
        state = self._applications.state(application)
        if state not in _STAGED:
            raise NotApproved(application, state.value)

    def pipeline_of(self, application: ApplicationId, name: str | None = None) -> Pipeline:
        """Return a pipeline by its name, or the one that an application runs first."""
        return named_pipeline(name or self._applications.get(application).pipeline)

    def fates(self, volume: VolumeId) -> dict[str, int]:
        """Count what became of the studies of a volume's cohort."""
        counted = self._records.staging.fates(volume)
        cohort = self._records.cohorts.get(self._volumes.get(volume).cohort)
        return {**counted, "not selected": counted.get("not selected", 0) + cohort.not_selected}

    def may_open(self, account: Account, volume: Volume) -> bool:
        """Say whether an account may open a volume's images today: by a grant, or as a data manager."""
        if Role.DATA_MANAGER in account.roles:
            return volume.state is VolumeState.SEALED
        return self.person_may_open(volume.id, account.person)

    def person_may_open(self, volume: VolumeId, person: str) -> bool:
        """Say whether a grant opens a volume to a person today; none does once the project is over."""
        over = self._applications.state(self._volumes.get(volume).application) in OVER
        return not over and self._volumes.may_open(volume, person)

    def viewed(self, volume: VolumeId, person: str, participants: Sequence[str]) -> None:
        """Write down that a person looked at images of participants, by their pseudonyms."""
        facts: dict[str, Json] = {"participants": [*participants]}
        self._ledger.record(Event("volume.viewed", f"volume:{volume}", person, facts=facts))

    def of(self, kind: str, name: str) -> ApplicationId:
        """Return the project that a thing belongs to.

        Parameters
        ----------
        kind : str
            ``application``, ``cohort``, ``volume``, ``appliance``, ``run`` or ``release``.

        Raises
        ------
        Absent
            If there is no such thing.
        """
        records = self._records
        find: Mapping[str, Callable[[], ApplicationId]] = {
            "application": lambda: self._applications.get(ApplicationId(name)).id,
            "cohort": lambda: records.cohorts.get(CohortId(name)).application,
            "volume": lambda: self._volumes.get(VolumeId(name)).application,
            "appliance": lambda: records.appliances.get(ApplianceId(name)).application,
            "run": lambda: records.runs.get(RunId(name)).application,
            "release": lambda: records.runs.get(records.releases.get(name).run).application,
        }
        return find[kind]()

    def _team_of(self, application: ApplicationId) -> Sequence[Membership] | None:
        """Return a project's people; None where there is no such project."""
        try:
            self._applications.state(application)
        except Absent:
            return None
        return self._access.team(application)


def named_pipeline(name: str) -> Pipeline:
    """Return an installed pipeline by ``name/version``."""
    return pipeline_named(name, pipelines())
