"""Pieces of durable work: those on what may be read, and how each comes out."""

from typing import Annotated

from fastapi import Query

from voxpop.access.permissions import READING, Action
from voxpop.flow.operations import Operation, Sight
from voxpop.flow.rules import Work
from voxpop.kernel.errors import Absent
from voxpop.web.api import paging
from voxpop.web.api.guard import Call
from voxpop.web.api.models.audit import OperationFacts
from voxpop.web.api.models.base import NO_NUL, Page
from voxpop.web.api.routes import TAGGED, ApiArea, Called

area = ApiArea("operations")
_ARCHIVE = "archive"
_KINDS = ("application", "volume", "appliance", "run")


class OperationAbsent(Absent):
    """There is no such piece of work, or none that may be seen."""

    code = "operation-absent"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no operation '{name}' here: the list of operations shows which there are")


@area.read("/operations", Action.OPERATION_READ)
def list_operations(
    call: Called,
    part: paging.Asked,
    subject: Annotated[str, Query(max_length=200, pattern=NO_NUL, description="Only on this, as `kind:id`.")] = "",
) -> Page[OperationFacts]:
    """List the durable work on what may be read, the newest first."""
    scope = call.rights.scope
    sight = Sight(
        things={kind: scope(READING[kind]) for kind in _KINDS},
        deployment=scope(Action.APPLIANCE_READ),
        archives=call.may(Action.ARCHIVE_READ),
    )
    rows = call.system.operations.seen(sight, subject)
    return paging.page_newest(call, part, rows, lambda one: (one.asked_at.isoformat(), one.id), shown)


@area.read("/operations/{operation}", Action.OPERATION_READ, form=TAGGED)
def get_operation(call: Called, operation: str) -> OperationFacts:
    """Return a piece of durable work and how it came out."""
    try:
        found = call.system.operations.get(operation)
    except Absent as unknown:
        raise OperationAbsent(operation) from unknown
    if not _may_read(call, found):
        raise OperationAbsent(operation)
    return shown(found)


def shown(one: Operation) -> OperationFacts:
    """Return what the API says of a piece of work."""
    return OperationFacts(
        operation=one.id,
        work=one.work,
        subject=one.subject,
        state=one.state,
        sentence=one.sentence,
        asked_at=one.asked_at,
        begun_at=one.begun_at,
        ended_at=one.ended_at,
    )


def _may_read(call: Call, one: Operation) -> bool:
    kind, _, name = one.subject.partition(":")
    if kind == _ARCHIVE:
        return call.may(Action.ARCHIVE_READ)
    if kind not in READING:
        return False
    # a technical manager deploys, and sees how it comes out, what they may not look into
    action = Action.APPLIANCE_READ if one.work is Work.DEPLOY else READING[kind]
    try:
        return call.may(action, call.system.projects.of(kind, name))
    except Absent:
        return False
