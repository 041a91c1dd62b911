"""Applications: write one with its counts and cost, hand it in, review it, decide, follow it."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Query, Request, Response

from voxpop.access.model import Membership, ProjectRole
from voxpop.access.permissions import Action
from voxpop.application.cost import cost
from voxpop.application.model import Application, Decision, Remark
from voxpop.application.ports import Cost, GroupCount
from voxpop.flow.rules import Work
from voxpop.kernel.errors import Absent, Invalid
from voxpop.kernel.ids import ApplicationId
from voxpop.store.applications import ApplicationExists
from voxpop.web.api import paging
from voxpop.web.api.documents import BODY, YAML, Written
from voxpop.web.api.guard import Call
from voxpop.web.api.models import applications as m
from voxpop.web.api.models.audit import OperationFacts
from voxpop.web.api.models.base import NO_NUL, Page, Reason
from voxpop.web.api.operations import shown as operation_shown
from voxpop.web.api.routes import (
    ASKED_FOR,
    PREFIX,
    STALE,
    TAGGED,
    ApiArea,
    Called,
    Extra,
    Form,
    asked_for,
    match,
)

area = ApiArea("applications")
_YAML_ANSWER: dict[int | str, Extra] = {
    200: {"description": "The document.", "content": {YAML: {"schema": {"type": "object"}}}}
}
_CREATED = Form(
    status=201,
    extra=BODY,
    responses={
        201: {
            "description": "The draft is kept.",
            "headers": {"Location": {"schema": {"type": "string"}, "description": "The application."}},
        }
    },
)


class NameFixed(Invalid):
    """A new document has another name than the application that it is for."""

    code = "name-fixed"

    def __init__(self, application: str) -> None:
        super().__init__(f"the name of this application is '{application}' and stays: write another one anew")


@area.read("/applications", Action.APPLICATION_LIST)
def list_applications(call: Called, part: paging.Asked) -> Page[m.ApplicationItem]:
    """List the applications that may be read, by name."""
    rows = [row for row in call.system.applications.every() if call.may(Action.APPLICATION_READ, row[0].id)]
    return paging.page(
        call,
        part,
        rows,
        lambda row: (row[0].id,),
        lambda row: m.ApplicationItem(application=row[0].id, state=row[1], title=row[0].title),
    )


@area.act("/applications", Action.APPLICATION_WRITE, form=_CREATED)
def draft_application(call: Called, written: Written, response: Response) -> m.ApplicationStanding:
    """Keep a document as a draft; who writes it first is its applicant."""
    system = call.system
    system.applications.check_offers(written)
    if _exists(call, written.id):
        _check_own(call, written)
    system.projects.draft(written, call.account)
    response.headers["location"] = f"{PREFIX}/applications/{written.id}"
    return _standing(call, written.id)


@area.look("/applications/count", Action.COHORT_COUNT, form=Form(extra=BODY))
def count_application(call: Called, written: Written) -> m.Counted:
    """Count what a document asks for and reckon its cost, and keep nothing."""
    return m.Counted(
        groups=[_group(one) for one in call.system.counts.groups(written.request)],
        cost=_cost(cost(written.compute, call.system.price_list())),
    )


@area.read("/applications/{application}", Action.APPLICATION_READ, "application", form=TAGGED)
def get_application(call: Called, application: str) -> m.ApplicationFacts:
    """Return an application and every decision about it."""
    service, name = call.system.applications, ApplicationId(application)
    written = service.get(name)
    return m.ApplicationFacts(
        application=written.id,
        title=written.title,
        document_sha256=written.digest,
        state=service.state(name),
        decisions=[_decision(one) for one in service.history(name)],
    )


@area.read(
    "/applications/{application}/document",
    Action.APPLICATION_READ,
    "application",
    form=Form(tagged=True, responses={**(TAGGED.responses or {}), **_YAML_ANSWER}, response_class=Response),
)
def get_application_document(call: Called, application: str) -> Response:
    """Return an application's document as it was written; its ETag is the document's digest."""
    written = call.system.applications.get(ApplicationId(application))
    return Response(written.document.encode(), media_type=YAML, headers={"etag": f'"{written.digest}"'})


@area.put(
    "/applications/{application}/document",
    Action.APPLICATION_CHANGE,
    "application",
    form=Form(
        responses=STALE,
        extra={
            **BODY,
            "parameters": [
                {
                    "name": "If-Match",
                    "in": "header",
                    "schema": {"type": "string"},
                    "description": "The ETag of the document that is replaced; without it, whatever is there.",
                }
            ],
        },
    ),
)
def put_application_document(
    call: Called, application: str, written: Written, request: Request, response: Response
) -> m.ApplicationStanding:
    """Replace the document of a draft or returned application."""
    name = ApplicationId(application)
    match(request, f'"{call.system.applications.get(name).digest}"')
    if written.id != name:
        raise NameFixed(name)
    call.system.applications.check_offers(written)
    call.system.projects.draft(written, call.account)
    response.headers["etag"] = f'"{written.digest}"'
    return _standing(call, name)


@area.act("/applications/{application}/submit", Action.APPLICATION_CHANGE, "application")
def submit_application(call: Called, application: str) -> m.ApplicationStanding:
    """Hand an application in."""
    call.system.applications.submit(ApplicationId(application), call.person)
    return _standing(call, ApplicationId(application))


@area.read("/applications/{application}/sheet", Action.APPLICATION_READ, "application")
def get_review_sheet(call: Called, application: str) -> m.Sheet:
    """Return what the committee sees before it decides: counts, cost and findings."""
    return _sheet(call, ApplicationId(application))


@area.act("/applications/{application}/review", Action.APPLICATION_REVIEW, "application")
def review_application(call: Called, application: str) -> m.Sheet:
    """Begin the review of a submitted application, and return what the committee sees."""
    name = ApplicationId(application)
    if call.system.applications.state(name).value == "submitted":
        call.system.applications.take_up(name, call.person)
    return _sheet(call, name)


@area.act("/applications/{application}/decisions", Action.APPLICATION_REVIEW, "application")
def decide_application(call: Called, application: str, asked: m.DecisionAsked) -> m.ApplicationStanding:
    """Approve an application, ask it back or refuse it, with a reason."""
    service = call.system.applications
    decisions: dict[m.Verdict, Callable[[ApplicationId, str, str], None]] = {
        m.Verdict.APPROVE: service.approve,
        m.Verdict.RETURN: service.return_,
        m.Verdict.REFUSE: service.refuse,
    }
    decisions[asked.decision](ApplicationId(application), call.person, asked.reason)
    return _standing(call, ApplicationId(application))


@area.read("/applications/{application}/history", Action.APPLICATION_READ, "application")
def list_decisions(call: Called, application: str, part: paging.Asked) -> Page[m.DecisionMade]:
    """List every step of an application's life, the oldest first."""
    history = list(enumerate(call.system.applications.history(ApplicationId(application))))
    return paging.page(call, part, history, lambda row: (row[0],), lambda row: _decision(row[1]))


@area.read("/applications/{application}/remarks", Action.APPLICATION_READ, "application")
def list_remarks(call: Called, application: str, part: paging.Asked) -> Page[m.RemarkMade]:
    """List what was written beside an application, the oldest first."""
    remarks = list(enumerate(call.system.applications.remarks(ApplicationId(application))))
    return paging.page(call, part, remarks, lambda row: (row[0],), lambda row: _remark(row[1]))


@area.act("/applications/{application}/remarks", Action.APPLICATION_READ, "application", form=Form(status=201))
def add_remark(call: Called, application: str, asked: m.RemarkAsked) -> m.RemarkMade:
    """Write a remark beside an application; the applicants read it."""
    name = ApplicationId(application)
    call.system.applications.remark(name, call.person, asked.text)
    return _remark(call.system.applications.remarks(name)[-1])


@area.act("/applications/{application}/close", Action.APPLICATION_CLOSE, "application")
def close_application(call: Called, application: str, asked: Reason) -> m.ApplicationStanding:
    """End an application's life."""
    call.system.applications.close(ApplicationId(application), call.person, asked.reason)
    return _standing(call, ApplicationId(application))


@area.act("/applications/{application}/archive", Action.APPLICATION_CLOSE, "application")
def archive_application(call: Called, application: str, asked: Reason) -> m.ApplicationStanding:
    """Put a closed or refused application away."""
    call.system.applications.archive(ApplicationId(application), call.person, asked.reason)
    return _standing(call, ApplicationId(application))


@area.read("/applications/{application}/members", Action.APPLICATION_READ, "application")
def list_members(call: Called, application: str, part: paging.Asked) -> Page[m.Member]:
    """List who has a role in a project."""
    team = call.system.access.team(ApplicationId(application))
    return paging.page(
        call, part, team, lambda one: (one.who, one.role.value), lambda one: m.Member(who=one.who, role=one.role)
    )


@area.act("/applications/{application}/members", Action.PROJECT_MEMBERS, "application", form=Form(status=201))
def add_member(call: Called, application: str, asked: m.MemberAsked) -> m.Member:
    """Give an account or a group a role in a project; the same again is silent."""
    call.system.access.join(Membership(ApplicationId(application), asked.who, asked.role), call.person)
    return m.Member(who=asked.who, role=asked.role)


@area.delete("/applications/{application}/members", Action.PROJECT_MEMBERS, "application", form=Form(status=204))
def remove_member(
    call: Called,
    application: str,
    who: Annotated[str, Query(max_length=200, pattern=NO_NUL, description="An account's name, or a group's.")],
    role: Annotated[ProjectRole, Query(description="The role to take away.")],
) -> None:
    """Take a role in a project away; silent if there is none."""
    call.system.access.leave(Membership(ApplicationId(application), who, role), call.person)


@area.act("/applications/{application}/stage", Action.STAGING_START, "application", form=ASKED_FOR)
def stage_application(call: Called, application: str, response: Response) -> OperationFacts:
    """Ask for an approved application's data to be staged."""
    name = ApplicationId(application)
    call.system.projects.check_staging(name)
    asked = call.system.operations.ask(Work.STAGE, f"application:{name}", call.person)
    return asked_for(operation_shown(asked), response)


def _exists(call: Call, name: ApplicationId) -> bool:
    try:
        call.system.applications.state(name)
    except Absent:
        return False
    return True


def _check_own(call: Call, written: Application) -> None:
    """Refuse to write over what is another's; the name alone tells that it is taken."""
    if not call.may(Action.APPLICATION_CHANGE, written.id):
        raise ApplicationExists(written.id)


def _standing(call: Call, name: ApplicationId) -> m.ApplicationStanding:
    return m.ApplicationStanding(application=name, state=call.system.applications.state(name))


def _sheet(call: Call, name: ApplicationId) -> m.Sheet:
    sheet = call.system.applications.review_sheet(name)
    return m.Sheet(
        application=name,
        title=sheet.application.title,
        document_sha256=sheet.application.digest,
        state=sheet.state,
        groups=[_group(one) for one in sheet.groups],
        cost=_cost(sheet.cost),
        may_leave=list(sheet.application.request.may_leave),
        findings=list(sheet.findings),
    )


def _group(one: GroupCount) -> m.GroupCounted:
    return m.GroupCounted(group=one.group, available=one.available, wanted=one.wanted)


def _cost(reckoned: Cost) -> m.CostReckoned:
    return m.CostReckoned(
        core_hours=reckoned.core_hours,
        gpu_hours=reckoned.gpu_hours,
        gb_months=reckoned.gb_months,
        money=reckoned.money,
        currency=reckoned.currency,
    )


def _decision(one: Decision) -> m.DecisionMade:
    return m.DecisionMade(at=one.at, actor=one.actor, source=one.source, target=one.target, reason=one.reason)


def _remark(one: Remark) -> m.RemarkMade:
    return m.RemarkMade(actor=one.actor, at=one.at, text=one.text, endorses=bool(one.endorses))
