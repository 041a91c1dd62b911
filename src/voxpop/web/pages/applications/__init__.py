"""Applications: write one with counts and cost in view, hand it in, review it, decide, follow what comes of it."""

from collections.abc import Callable

from fastapi.responses import Response

from voxpop.access.errors import AccountInvalid
from voxpop.access.model import Membership, ProjectRole
from voxpop.access.permissions import Action
from voxpop.application.cost import cost
from voxpop.application.document import read_document
from voxpop.application.errors import ApplicationInvalid
from voxpop.application.model import Application
from voxpop.application.states import LIFE_CYCLE, ApplicationState
from voxpop.flow.criteria import criteria_of
from voxpop.flow.rules import Work
from voxpop.kernel.errors import Invalid, VoxpopError
from voxpop.kernel.ids import ApplicationId
from voxpop.web import words
from voxpop.web.area import Area
from voxpop.web.ask import Ask, Asked
from voxpop.web.pages.applications import draft

area = Area("applications")
DOCUMENT = "application"
_S = ApplicationState


@area.page("/applications", Action.APPLICATION_LIST)
def list_(ask: Asked) -> Response:
    """List what may be read."""
    rows = [(one, state) for one, state in ask.system.applications.every() if ask.may(Action.APPLICATION_READ, one.id)]
    return ask.page("applications/list.html", rows=rows)


@area.page("/applications/new", Action.APPLICATION_WRITE)
def new(ask: Asked) -> Response:
    """Ask for what an application holds; with an example to start from, where it is asked for."""
    example = "example" in ask.request.query_params
    fields = draft.example(ask) if example else draft.empty(ask)
    return _form(ask, fields, "/applications/new", draft.document_of(fields))


@area.act("/applications/new", Action.APPLICATION_WRITE)
def write(ask: Asked) -> Response:
    """Count what the form asks for, or keep it as a draft."""
    return _written(ask, "/applications/new")


@area.page("/applications/{application}/edit", Action.APPLICATION_CHANGE, of="application")
def edit(ask: Asked, application: str) -> Response:
    """Show a draft or returned application as a form again."""
    written = ask.system.applications.get(ApplicationId(application))
    return _form(ask, draft.of_application(written), f"/applications/{application}/edit", written.document)


@area.act("/applications/{application}/edit", Action.APPLICATION_CHANGE, of="application")
def rewrite(ask: Asked, application: str) -> Response:
    """Count, or replace the document."""
    return _written(ask, f"/applications/{application}/edit", application)


@area.page("/applications/{application}", Action.APPLICATION_READ, of="application")
def show(ask: Asked, application: str) -> Response:
    """Show an application with its counts, its cost, its decisions and what came of it."""
    system, name = ask.system, ApplicationId(application)
    sheet = system.applications.review_sheet(name)
    return ask.page(
        "applications/show.html",
        sheet=sheet,
        one=sheet.application,
        waterfall=_waterfall(ask, sheet.application),
        history=system.applications.history(name),
        remarks=system.applications.remarks(name),
        missing=system.applications.reviewers_missing(name),
        team=system.access.team(name),
        roles=tuple(ProjectRole),
        moves=_moves(sheet.state),
        **_following(ask, name),
    )


@area.page("/applications/{application}/progress", Action.APPLICATION_READ, of="application")
def progress(ask: Asked, application: str) -> Response:
    """Return the part of the page that changes while work goes on."""
    return ask.page("applications/progress.html", **_following(ask, ApplicationId(application)))


@area.act("/applications/{application}/submit", Action.APPLICATION_CHANGE, of="application")
def submit(ask: Asked, application: str) -> Response:
    """Hand it in."""
    ask.system.applications.submit(ApplicationId(application), ask.person)
    return _back(ask, application, words.gettext_here("The application is handed in."))


@area.act("/applications/{application}/review", Action.APPLICATION_REVIEW, of="application")
def review(ask: Asked, application: str) -> Response:
    """Begin the review."""
    ask.system.applications.take_up(ApplicationId(application), ask.person)
    return _back(ask, application, words.gettext_here("The review has begun."))


@area.act("/applications/{application}/decide", Action.APPLICATION_REVIEW, of="application")
def decide(ask: Asked, application: str) -> Response:
    """Approve, return or refuse, with a reason."""
    service = ask.system.applications
    decisions: dict[str, Callable[[ApplicationId, str, str], None]] = {
        "approve": service.approve,
        "return": service.return_,
        "refuse": service.refuse,
    }
    decision = decisions.get(ask.text("decision"))
    if decision is None:
        raise Invalid("choose one of approve, return and refuse")
    decision(ApplicationId(application), ask.person, ask.text("reason"))
    return _back(ask, application, words.gettext_here("Your decision is written down."))


@area.act("/applications/{application}/remarks", Action.APPLICATION_READ, of="application")
def remark(ask: Asked, application: str) -> Response:
    """Write a remark."""
    ask.system.applications.remark(ApplicationId(application), ask.person, ask.text("remark"))
    return _back(ask, application)


@area.act("/applications/{application}/close", Action.APPLICATION_CLOSE, of="application")
def close(ask: Asked, application: str) -> Response:
    """End it, or put it away: the form says which, so that the same form sent twice does one of them once."""
    service = ask.system.applications
    end = service.archive if ask.text("to") == _S.ARCHIVED else service.close
    end(ApplicationId(application), ask.person, ask.text("reason"))
    return _back(ask, application)


@area.act("/applications/{application}/stage", Action.STAGING_START, of="application")
def stage(ask: Asked, application: str) -> Response:
    """Ask for its data to be staged, or staged again."""
    name = ApplicationId(application)
    ask.system.projects.check_staging(name)
    ask.system.operations.ask(Work.STAGE, f"application:{name}", ask.person)
    return _back(ask, application, words.gettext_here("Staging is asked for."))


@area.act("/applications/{application}/members", Action.PROJECT_MEMBERS, of="application")
def members(ask: Asked, application: str) -> Response:
    """Give a role in the project, or take it away."""
    try:
        role = ProjectRole(ask.text("role"))
    except ValueError as unknown:
        raise AccountInvalid("choose one of the roles of a project") from unknown
    one = Membership(ApplicationId(application), ask.text("who"), role)
    if ask.text("leave"):
        ask.system.access.leave(one, ask.person)
    else:
        ask.system.access.join(one, ask.person)
    return _back(ask, application)


def _written(ask: Ask, path: str, fixed_name: str = "") -> Response:
    """Read the form or the document; count it, or keep it."""
    as_document = ask.text("as") == "document"
    fields = None if as_document else draft.of_form(ask)
    text = str(ask.form.get("document", "")) if fields is None else draft.document_of(fields)
    written = read_document(text.replace("\r\n", "\n"), DOCUMENT)
    if fixed_name and written.id != fixed_name:
        raise Invalid(f"the name of this application is '{fixed_name}' and stays: write another one anew")
    ask.system.applications.check_offers(written)
    if ask.text("step") == "count":
        return _form(ask, fields or draft.of_application(written), path, text, counted=written)
    ask.system.projects.draft(written, ask.someone)
    return _back(ask, written.id, words.gettext_here("The draft is kept. Read it once more, then hand it in."))


def _form(
    ask: Ask,
    fields: draft.Fields,
    path: str,
    text: str = "",
    *,
    counted: Application | None = None,
) -> Response:
    groups = ask.system.counts.groups(counted.request) if counted else None
    return ask.page(
        "applications/form.html",
        fields=fields,
        path=path,
        document=text,
        as_document=ask.text("as") == "document" or ask.request.query_params.get("as") == "document",
        groups=groups,
        cost=cost(counted.compute, ask.system.price_list()) if counted else None,
        faults=_faults(ask.refusal),
        recipes=ask.system.recipes(),
        pipelines=ask.system.pipelines(),
    )


def _faults(wrong: VoxpopError | None) -> list[str]:
    if isinstance(wrong, ApplicationInvalid):
        return [f"{fault.sentence} (line {fault.line})" for fault in wrong.faults]
    return [wrong.sentence] if wrong else []


def _waterfall(ask: Ask, written: Application) -> object:
    """Return how many studies each criterion leaves, for those who may count."""
    return ask.system.cohorts.count(criteria_of(written.request)) if ask.may(Action.COHORT_COUNT) else None


def _moves(state: ApplicationState) -> frozenset[str]:
    return frozenset(target.value for target in ApplicationState if LIFE_CYCLE.allows(state, target))


def _following(ask: Ask, name: ApplicationId) -> dict[str, object]:
    """Gather what came of an application so far."""
    system = ask.system
    volumes = system.volumes.of_application(name)
    appliances = system.appliance_records.of_application(name)
    runs = system.run_records.of_application(name)
    subjects = [f"application:{name}", *(f"volume:{one.id}" for one in volumes)]
    subjects += [f"appliance:{one.id}" for one in appliances]
    operations = system.operations.of_subjects(subjects)
    cohorts = system.cohort_records.of_application(name)
    staged = system.staging_records.fates(volumes[-1].id) if volumes else {}
    return {
        "name": name,
        "state": system.applications.state(name),
        "volumes": volumes,
        "appliances": appliances,
        "runs": runs,
        "cohort": cohorts[-1] if cohorts else None,
        "staged": staged,
        "operations": [one for one in operations if one.open or one.sentence][:4],
        "going": any(one.open for one in operations),
    }


def _back(ask: Ask, application: str, said: str = "") -> Response:
    return ask.go(f"/applications/{application}", said)
