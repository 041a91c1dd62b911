"""A plan as facts and as text, the same for every face."""

from collections.abc import Iterator, Mapping
from typing import Any

from voxpop.appliance.brokering import Fit
from voxpop.appliance.changes import machines
from voxpop.appliance.model import Appliance
from voxpop.flow.brokering import Bid
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


def volumes(sheet: PlanSheet) -> tuple[str, str]:
    """Say which volumes the machines see, and with which rights."""
    return (
        f"data: volume {sheet.volume}, read-only",
        f"results: {sheet.environment.storage_gb} GB, read and write",
    )


def plan_text(plan: Mapping[str, Any]) -> str:
    """Say what a plan comes to, line by line; ``plan`` is as ``plan_facts`` has it."""
    return "\n".join(_lines(plan))


def _lines(plan: Mapping[str, Any]) -> Iterator[str]:
    chosen = next((bid for bid in plan["sites"] if bid["site"] == plan["site"]), None)
    where = f"site {chosen['site']}" if chosen else "no site can serve it"
    yield f"{plan['appliance'] or 'no appliance'}: volume {plan['volume']}, {where}"
    facts = [
        ("machines", "; ".join(plan["machines"])),
        ("volumes", "; ".join(plan["volumes"])),
        ("queue", plan["queue"] or "none"),
        ("recipes", ", ".join(plan["recipes"])),
        ("granted", f"{plan['days']} days from its deployment"),
    ]
    if chosen:
        facts += [("cost", _money(chosen)), ("quota left", _quota_left(chosen))]
    yield from (f"  {label}: {value}" for label, value in facts)
    yield "sites, the first to be chosen first:"
    for bid in plan["sites"]:
        reason = f" ({bid['reason']})" if bid["reason"] else ""
        yield f"  {bid['site']}: {_FITS[Fit(bid['fit'])]}, {_money(bid)}{reason}"
        yield from (f"    {clause}" for clause in bid["not_given"])
    if plan["compared_with"]:
        yield f"against {plan['compared_with']}, which stands:"
        yield from (f"  {line}" for line in plan["changes"] or ("nothing changes",))


def _money(bid: Mapping[str, Any]) -> str:
    """Say what an environment costs, between doing nothing and its peak."""
    least, most, currency = bid["cost_least"], bid["cost_most"], bid["currency"]
    return f"{most:,.2f} {currency} at most" if least == most else f"between {least:,.2f} and {most:,.2f} {currency}"


def _quota_left(bid: Mapping[str, Any]) -> str:
    """Say what is left of a project's quota at a site."""
    parts = []
    if bid["core_hours_left"] is not None:
        parts.append(f"{max(bid['core_hours_left'], 0):,.0f} core hours")
    if bid["workers"] is not None:
        parts.append(f"at most {bid['workers']} workers")
    return ", ".join(parts) or "no limit"
