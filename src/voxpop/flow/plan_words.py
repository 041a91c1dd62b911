"""A plan as facts and as text, the same for every face."""

from collections.abc import Iterator, Mapping

from voxpop.appliance.brokering import Fit
from voxpop.appliance.changes import machines
from voxpop.appliance.model import Appliance
from voxpop.flow.brokering import Bid, CostRange
from voxpop.flow.planning import PlanSheet
from voxpop.kernel.digests import Json, sha256_bytes

_FITS: Mapping[Fit, str] = {Fit.WHOLE: "gives all", Fit.LESS: "gives less", Fit.REFUSED: "no"}


def plan_facts(sheet: PlanSheet, planned: Appliance | None) -> dict[str, Json]:
    """Return all of a plan as JSON; ``planned`` is the appliance that was kept, if one was."""
    chosen = sheet.chosen.site if sheet.chosen else None
    return {
        "appliance": planned.id if planned else None,
        "application": sheet.application,
        "volume": sheet.volume,
        "site": planned.site if planned else chosen,
        "document_sha256": sha256_bytes(sheet.document.encode()),
        "machines": list(machines(sheet.environment)),
        "volumes": list(volumes(sheet)),
        "queue": sheet.queue or None,
        "recipes": list(sheet.environment.recipes),
        "days": sheet.environment.days,
        "sites": [bid_facts(one) for one in sheet.bids],
        "compared_with": sheet.compared_with or None,
        "changes": list(sheet.changes),
        "document": sheet.document,
    }


def bid_facts(bid: Bid) -> dict[str, Json]:
    """Return what a site would be for a project as JSON."""
    return {
        "site": bid.site,
        "kind": bid.kind,
        "fit": bid.fit.value,
        "reason": bid.reason,
        "not_given": list(bid.not_given),
        "cost_least": bid.cost.least.money,
        "cost_most": bid.cost.most.money,
        "currency": bid.cost.most.currency,
        "jurisdiction": bid.terms.jurisdiction,
        "core_hours_left": bid.limits.core_hours_left,
        "workers": bid.limits.quota.workers,
    }


def plan_text(sheet: PlanSheet, planned: Appliance | None) -> str:
    """Say what a plan comes to, line by line."""
    return "\n".join(_lines(sheet, planned))


def volumes(sheet: PlanSheet) -> tuple[str, str]:
    """Say which volumes the machines see, and with which rights."""
    return (
        f"data: volume {sheet.volume}, read-only",
        f"results: {sheet.environment.storage_gb} GB, read and write",
    )


def money(cost: CostRange) -> str:
    """Say what an environment costs, between doing nothing and its peak."""
    least, most = cost.least, cost.most
    if least.money == most.money:
        return f"{most.money:,.2f} {most.currency} at most"
    return f"between {least.money:,.2f} and {most.money:,.2f} {most.currency}"


def quota_left(bid: Bid) -> str:
    """Say what is left of a project's quota at a site."""
    limits, parts = bid.limits, []
    if limits.core_hours_left is not None:
        parts.append(f"{max(limits.core_hours_left, 0):,.0f} core hours")
    if limits.quota.workers is not None:
        parts.append(f"at most {limits.quota.workers} workers")
    return ", ".join(parts) or "no limit"


def _lines(sheet: PlanSheet, planned: Appliance | None) -> Iterator[str]:
    chosen = sheet.chosen
    name = planned.id if planned else "no appliance"
    yield f"{name}: volume {sheet.volume}, " + (f"site {chosen.site}" if chosen else "no site can serve it")
    facts = [
        ("machines", "; ".join(machines(sheet.environment))),
        ("volumes", "; ".join(volumes(sheet))),
        ("queue", sheet.queue or "none"),
        ("recipes", ", ".join(sheet.environment.recipes)),
        ("granted", f"{sheet.environment.days} days from its deployment"),
    ]
    if chosen:
        facts += [("cost", money(chosen.cost)), ("quota left", quota_left(chosen))]
    yield from (f"  {label}: {value}" for label, value in facts)
    yield "sites, the first to be chosen first:"
    for bid in sheet.bids:
        yield f"  {bid.site}: {_FITS[bid.fit]}, {money(bid.cost)}" + (f" ({bid.reason})" if bid.reason else "")
        yield from (f"    {clause}" for clause in bid.not_given)
    if sheet.compared_with:
        yield f"against {sheet.compared_with}, which stands:"
        yield from (f"  {line}" for line in sheet.changes or ("nothing changes",))
