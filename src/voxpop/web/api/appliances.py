"""Appliances: plan one, deploy it, look at it, remove it."""

from functools import partial
from typing import Annotated

from fastapi import Query, Response

from voxpop.access.permissions import Action
from voxpop.appliance.model import Appliance
from voxpop.appliance.service import ApplianceView
from voxpop.flow.lifetimes import Ending
from voxpop.flow.plan_words import plan_facts
from voxpop.flow.rules import Work
from voxpop.kernel.ids import ApplianceId, ApplicationId, VolumeId
from voxpop.web.api import paging
from voxpop.web.api.documents import YAML
from voxpop.web.api.models import appliances as m
from voxpop.web.api.models.audit import OperationFacts
from voxpop.web.api.models.base import NO_NUL, Page
from voxpop.web.api.operations import shown as operation_shown
from voxpop.web.api.routes import ASKED_FOR, TAGGED, ApiArea, Called, Form, asked_for
from voxpop.web.notebooks.guests import way_in
from voxpop.wiring.sizes import SizeTold, size_told

area = ApiArea("appliances")
_Site = Annotated[str, Query(max_length=100, pattern=NO_NUL, description="A site's name; empty for the first.")]
_Queue = Annotated[str, Query(max_length=100, pattern=NO_NUL, description="A queue instead of the one asked for.")]
_DOCUMENT = Form(
    tagged=True,
    responses={
        **(TAGGED.responses or {}),
        200: {"description": "The TOSCA document.", "content": {YAML: {"schema": {"type": "object"}}}},
    },
    response_class=Response,
)


@area.read("/appliances", Action.APPLIANCE_LIST)
def list_appliances(call: Called, part: paging.Asked) -> Page[m.ApplianceItem]:
    """List the appliances that may be read, by id."""
    rows = [one for one in call.system.appliance_records.every() if call.may(Action.APPLIANCE_READ, one.application)]
    return paging.page(call, part, rows, lambda one: (one.id,), lambda one: m.ApplianceItem(**_item(one)))


@area.read("/appliances/{appliance}", Action.APPLIANCE_READ, "appliance", form=TAGGED)
def get_appliance(call: Called, appliance: str) -> m.ApplianceFacts:
    """Return an appliance, what its site gave it, and what was asked and is not there."""
    view = call.system.appliances.show(ApplianceId(appliance))
    return _shown(view, call.system.lifetimes.ending(view.appliance), size_told(call.system, view.appliance.id))


@area.read("/appliances/{appliance}/document", Action.APPLIANCE_READ, "appliance", form=_DOCUMENT)
def get_appliance_document(call: Called, appliance: str) -> Response:
    """Return an appliance's TOSCA document; its ETag is the document's digest."""
    one = call.system.appliances.get(ApplianceId(appliance))
    document = call.system.appliances.document(one.id)
    return Response(document.encode(), media_type=YAML, headers={"etag": f'"{one.document_digest}"'})


@area.read("/applications/{application}/plan", Action.APPLIANCE_DEPLOY, "application")
def look_at_plan(call: Called, application: str, site: _Site = "", queue: _Queue = "") -> m.PlanFacts:
    """Rank the sites for an application's newest sealed volume, and keep nothing."""
    sheet = call.system.planning.look(ApplicationId(application), site, queue)
    return m.PlanFacts.model_validate(plan_facts(sheet, None))


@area.act("/applications/{application}/appliances", Action.APPLIANCE_DEPLOY, "application", form=Form(status=201))
def plan_appliance(call: Called, application: str, asked: m.SiteChosen = m.ANYWHERE) -> m.PlanFacts:
    """Plan the appliance of an application's newest sealed volume; nothing is kept where no site can serve it."""
    sheet, planned = call.system.planning.plan(ApplicationId(application), call.person, asked.site, asked.queue)
    return m.PlanFacts.model_validate(plan_facts(sheet, planned))


@area.act("/appliances/{appliance}/deploy", Action.APPLIANCE_DEPLOY, "appliance", form=ASKED_FOR)
def deploy_appliance(call: Called, appliance: str, response: Response) -> OperationFacts:
    """Ask for an appliance to be deployed, or deployed again."""
    one = call.system.appliances.get(ApplianceId(appliance))
    asked = call.system.operations.ask(Work.SET_UP, f"appliance:{one.id}", call.person)
    return asked_for(operation_shown(asked), response)


@area.act(
    "/volumes/{volume}/deploy",
    Action.APPLIANCE_DEPLOY,
    "volume",
    form=ASKED_FOR,
    seen_by=Action.APPLIANCE_READ,  # a technical manager deploys what they may not look into
)
def deploy_volume(call: Called, volume: str, response: Response, asked: m.SiteChosen = m.ANYWHERE) -> OperationFacts:
    """Ask for the appliance of a sealed volume to be deployed, on a named site or on the first that can serve it."""
    site = call.system.planning.place(VolumeId(volume), asked.site, asked.queue)
    planned = call.system.durable_work.plan_on(VolumeId(volume), call.person, site, asked.queue)
    return asked_for(
        operation_shown(call.system.operations.ask(Work.SET_UP, f"appliance:{planned.id}", call.person)), response
    )


@area.act("/appliances/{appliance}/resize", Action.APPLIANCE_RESIZE, "appliance")
def resize_appliance(call: Called, appliance: str, asked: m.SizeAsked) -> m.ApplianceResized:
    """Choose how many workers an appliance with a queue may have."""
    name = ApplianceId(appliance)
    call.system.clusters.sizing.resize(name, asked.least, asked.most, call.person)
    return m.ApplianceResized(appliance=name, least=asked.least, most=asked.most)


@area.act("/appliances/{appliance}/notebook", Action.APPLIANCE_SHELL, "appliance")
def open_notebook(call: Called, appliance: str) -> m.NotebookOpened:
    """Open the account's notebook; its address lets a browser in once, within half a minute."""
    lives = partial(call.system.entrance.token_lives, call.account.name, call.token.id)
    return m.NotebookOpened(
        appliance=appliance, address=way_in(call.request, call.account, ApplianceId(appliance), lives)
    )


@area.act("/appliances/{appliance}/remove", Action.APPLIANCE_REMOVE, "appliance")
def remove_appliance(call: Called, appliance: str, asked: m.RemovalAsked) -> m.ApplianceRemoved:
    """Remove an appliance from its site without a trace; results stay."""
    name = ApplianceId(appliance)
    call.system.appliances.remove(name, call.person, asked.reason, give_up=asked.give_up)
    return m.ApplianceRemoved(appliance=name, state=call.system.appliances.get(name).state)


def _item(one: Appliance) -> dict[str, object]:
    return {"appliance": one.id, "application": one.application, "site": one.site, "state": one.state}


def _shown(view: ApplianceView, ending: Ending | None, size: SizeTold | None) -> m.ApplianceFacts:
    one, given = view.appliance, view.deployment
    return m.ApplianceFacts(
        **_item(one),
        volume=one.volume,
        document_sha256=one.document_digest,
        ends_at=ending.at if ending else None,
        warning=ending.warning if ending else "",
        sandbox=given.sandbox if given else None,
        network=given.network if given else None,
        cores=given.cores if given else None,
        memory_gb=given.memory_gb if given else None,
        not_given=list(given.not_given) if given else None,
        workers=m.WorkersFacts.model_validate(size.json()) if size else None,
    )
