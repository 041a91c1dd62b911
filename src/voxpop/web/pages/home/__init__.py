"""The front page: what waits for whoever has signed in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fastapi.responses import Response

from voxpop.access.permissions import Action
from voxpop.application.model import Application
from voxpop.application.states import ApplicationState
from voxpop.flow.operations import OperationState
from voxpop.kernel.ids import ApplicationId
from voxpop.result.egress.states import ReleaseState
from voxpop.run.states import RunState
from voxpop.web.area import Area
from voxpop.web.ask import Ask, Asked

area = Area("home")
Projects: TypeAlias = Sequence[tuple[Application, ApplicationState]]
_MOST = 100
_S = ApplicationState


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for a person: what to do, and where."""

    what: str
    name: str
    path: str
    state: str


@area.page("/", Action.HOME)
def home(ask: Asked) -> Response:
    """Show what waits."""
    mine = [(one, state) for one, state in ask.system.applications.every() if ask.may(Action.APPLICATION_READ, one.id)]
    waiting = [*_applications(ask, mine), *_failed(ask, mine), *_releases(ask)]
    return ask.page("home/home.html", waiting=waiting, applications=mine[:_MOST], number=len(mine))


def _applications(ask: Ask, mine: Projects) -> Iterator[Waiting]:
    for one, state in mine:
        path = f"/applications/{one.id}"
        if state in (_S.SUBMITTED, _S.IN_REVIEW) and ask.may(Action.APPLICATION_REVIEW):
            yield Waiting("Read and decide", one.title, path, state.value)
        if state in (_S.DRAFT, _S.RETURNED) and ask.may(Action.APPLICATION_CHANGE, one.id):
            yield Waiting("Finish and hand in", one.title, path, state.value)
        if state is _S.ACTIVE and ask.may(Action.RUN_START, one.id) and not _ran(ask, one.id):
            yield Waiting("Start a run", one.title, f"{path}/run", state.value)


def _releases(ask: Ask) -> Iterator[Waiting]:
    if not ask.may(Action.RELEASE_DECIDE):
        return
    for release in ask.system.releases.every():
        if release.state is ReleaseState.REQUESTED:
            yield Waiting("Decide about a release", release.id, f"/releases/{release.id}", release.state.value)


def _failed(ask: Ask, mine: Projects) -> Iterator[Waiting]:
    """Yield the staging and the runs that stand still because they failed."""
    staged = [one for one, state in mine if state is _S.APPROVED and ask.may(Action.STAGING_START, one.id)]
    asked = ask.system.operations.of_subjects([f"application:{one.id}" for one in staged])
    newest = {operation.subject: operation for operation in reversed(asked)}
    for one in staged:
        last = newest.get(f"application:{one.id}")
        if last is not None and last.state is OperationState.FAILED:
            yield Waiting("Staging failed", one.title, f"/applications/{one.id}", last.state.value)
    for run in ask.system.run_records.in_states({RunState.FAILED, RunState.LOST}, ask.scope(Action.RUN_START)):
        yield Waiting("A run stands still", run.id, f"/runs/{run.id}", run.state.value)


def _ran(ask: Ask, application: ApplicationId) -> bool:
    return bool(ask.system.run_records.of_application(application))
