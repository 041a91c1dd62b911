"""The audit log: search it, and verify that it is whole."""

from typing import Annotated

from fastapi import Query

from voxpop.access.permissions import Action
from voxpop.store.chain import Link
from voxpop.web.api import paging
from voxpop.web.api.models.audit import AuditEvent, AuditVerified
from voxpop.web.api.models.base import NO_NUL, Page
from voxpop.web.api.routes import ApiArea, Called

area = ApiArea("audit")
_Begins = Annotated[str, Query(max_length=200, pattern=NO_NUL, description="What it begins with; empty for any.")]


@area.read("/audit", Action.AUDIT_READ)
def list_events(
    call: Called, part: paging.Asked, subject: _Begins = "", actor: _Begins = "", action: _Begins = ""
) -> Page[AuditEvent]:
    """Return the events that fit, the newest first."""
    last = part.last(call)
    wanted = {"subject": subject, "actor": actor, "action": action}
    links = call.system.ledger.search(wanted, int(last[0]) if last else None, part.limit + 1)
    given = links[: part.limit]
    more = part.cursor_after(call, (given[-1].seq,)) if len(links) > len(given) else None
    return Page(items=[_event(one) for one in given], next=more)


@area.read("/audit/verification", Action.AUDIT_VERIFY)
def verify_audit(call: Called) -> AuditVerified:
    """Check every event and the signed head; name what was edited, removed, reordered, cut off or rewritten."""
    faults = call.system.ledger.verify()
    newest = call.system.ledger.search({}, None, 1)
    return AuditVerified(whole=not faults, events=newest[0].seq if newest else 0, faults=faults)


def _event(link: Link) -> AuditEvent:
    return AuditEvent(
        seq=link.seq,
        at=link.at,
        actor=link.event.actor,
        action=link.event.action,
        subject=link.event.subject,
        reason=link.event.reason,
        facts=dict(link.event.facts),
        digest=link.digest,
    )
