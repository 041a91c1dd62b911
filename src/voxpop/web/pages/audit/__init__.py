"""The audit log: search it, and verify that it is whole."""

from fastapi.responses import Response

from voxpop.access.permissions import Action
from voxpop.web.area import Area
from voxpop.web.ask import Ask, Asked, number

area = Area("audit")
_PAGE = 100


@area.page("/audit", Action.AUDIT_READ)
def search(ask: Asked) -> Response:
    """Show the events that fit, the newest first."""
    return _page(ask, None)


@area.act("/audit/verify", Action.AUDIT_VERIFY)
def verify(ask: Asked) -> Response:
    """Check every event and the signed head."""
    return _page(ask, ask.system.ledger.verify())


def _page(ask: Ask, faults: list[str] | None) -> Response:
    wanted = {key: ask.request.query_params.get(key, "").strip()[:200] for key in ("subject", "actor", "action")}
    links = ask.system.ledger.search(wanted, number(ask.request.query_params.get("before", "")), _PAGE)
    return ask.page("audit/list.html", links=links, wanted=wanted, faults=faults, page=_PAGE)
