"""``voxpop site``: where appliances can stand."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from voxpop.appliance.states import STANDS
from voxpop.appliance.terms import NO_QUOTA, TERMS, Quota
from voxpop.cli.console import DEFAULT_WORK, JsonOption, PersonOption, WorkOption, show, show_table
from voxpop.cli.opening import opened
from voxpop.cli.pairs import Settings, pairs
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ApplicationId

app = typer.Typer(help="Connect sites, look at them, and remove them.")


def Has(flag: str, help_: str) -> Any:  # noqa: N802 -- reads as the option that it makes
    """Return the option of a site's term."""
    return typer.Option(flag, help=help_, rich_help_panel="Terms")


Name = Annotated[str, typer.Argument(help="The site's name here.", metavar="SITE")]


@app.command()
def add(
    name: Name,
    kind: Annotated[str, typer.Option("--kind", help="cluster, docker or im.")],
    settings: Settings = None,
    cores: Annotated[str | None, Has("--cores", "Cores for all appliances together.")] = None,
    memory_gb: Annotated[str | None, Has("--memory-gb", "Memory for all appliances together, in GB.")] = None,
    gpus: Annotated[str | None, Has("--gpus", "GPUs for all appliances together.")] = None,
    storage_gb: Annotated[str | None, Has("--storage-gb", "Storage for all appliances together, in GB.")] = None,
    core_hour: Annotated[str | None, Has("--core-hour", "Price of a core for an hour; the bank's by default.")] = None,
    gpu_hour: Annotated[str | None, Has("--gpu-hour", "Price of a GPU for an hour; the bank's by default.")] = None,
    gb_month: Annotated[str | None, Has("--gb-month", "Price of a GB for a month; the bank's by default.")] = None,
    currency: Annotated[str | None, Has("--currency", "Currency of all three prices, such as EUR.")] = None,
    jurisdiction: Annotated[str | None, Has("--jurisdiction", "Country whose law holds there, such as ES.")] = None,
    data: Annotated[
        str | None, Has("--data", "Volumes that may go there: any, same-jurisdiction or none; any by default.")
    ] = None,
    hours: Annotated[str | None, Has("--hours", "Hours of the day (UTC) with machines, such as 20-06.")] = None,
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Connect a site, or change its connection; a term that is not named stays, and an empty one is taken back."""
    given = (cores, memory_gb, gpus, storage_gb, core_hour, gpu_hour, gb_month, currency, jurisdiction, data, hours)
    terms = {term: value for term, value in zip(TERMS, given, strict=True) if value is not None}
    system = opened(work, person, create=True)
    system.sites.connect(name, kind, pairs(settings), system.person, terms)
    show(
        {"site": name, "kind": kind},
        f"site '{name}' is noted and not yet asked: `voxpop site check {name}` asks whether it answers",
        as_json=as_json,
    )


@app.command(name="list")
def list_(work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """List the sites, whether each answers, and their prices."""
    from voxpop.wiring.market import site_facts

    system = opened(work)
    rows = [site_facts(one, system.broker.prices(one.terms)) for one in system.market.seen()]
    show_sites(rows, as_json=as_json)


def show_sites(rows: Sequence[Mapping[str, Json]], *, as_json: bool) -> None:
    """Print sites."""
    told = rows if as_json else [{**row, "answers": "yes" if row["answers"] else "no"} for row in rows]
    columns = (
        "site", "kind", "answers", "core_hour", "gpu_hour", "gb_month", "currency", "jurisdiction", "data", "hours",
    )  # fmt: skip
    show_table(told, columns, as_json=as_json, empty="no site is connected")


@app.command(name="show")
def show_(name: Name, work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """Show a site's terms, what projects may use of it, and what stands there."""
    from voxpop.wiring.market import site_facts

    system = opened(work)
    seen = system.market.one(name)
    facts = site_facts(seen, system.broker.prices(seen.terms))
    quotas: list[Json] = [quota_facts(name, one, quota) for one, quota in system.market.quotas(name)]
    standing: list[Json] = [
        one.id for one in system.appliance_records.every() if one.site == name and one.state in STANDS
    ]
    show_one({**facts, "quotas": quotas, "appliances": standing}, as_json=as_json)


def show_one(facts: Mapping[str, Json], *, as_json: bool) -> None:
    """Print a site with its quotas."""
    lines = [f"{key}: {value}" for key, value in facts.items() if key not in ("quotas", "appliances") and value != ""]
    lines = [line for line in lines if not line.endswith(": None")]
    quotas, standing = facts["quotas"], facts["appliances"]
    assert isinstance(quotas, list)
    assert isinstance(standing, list)
    lines += [quota_text(one) for one in quotas if isinstance(one, dict)]
    lines.append(f"appliances: {', '.join(map(str, standing)) or 'none'}")
    show(dict(facts), "\n".join(lines), as_json=as_json)


@app.command()
def quota(
    name: Name,
    application: Annotated[str, typer.Argument(help="The project's application.", metavar="APPLICATION")],
    core_hours: Annotated[int | None, typer.Option("--core-hours", help="Of all its appliances together.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="At the same time.")] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Take the limits away.")] = False,
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how much of a site a project may use, or show it; a limit that is not named stays."""
    system = opened(work, person)
    one = system.applications.get(ApplicationId(application)).id
    if lift or core_hours is not None or workers is not None:
        before = NO_QUOTA if lift else system.market.quota(name, one)
        wanted = Quota(
            before.core_hours if core_hours is None else core_hours, before.workers if workers is None else workers
        )
        system.market.set_quota(name, one, wanted, system.person)
    facts = quota_facts(name, one, system.market.quota(name, one))
    show(facts, quota_text(facts), as_json=as_json)


def quota_facts(site: str, application: str, quota: Quota) -> dict[str, Json]:
    """Return a quota as JSON."""
    return {"site": site, "application": application, "core_hours": quota.core_hours, "workers": quota.workers}


def quota_text(facts: Mapping[str, Json]) -> str:
    """Say what a project may use of a site."""
    parts = [f"{facts[key]} {word}" for key, word in (("core_hours", "core hours"), ("workers", "workers"))]
    limits = [part for part in parts if not part.startswith("None")]
    allowed = f"at most {' and '.join(limits)}" if limits else "without limits"
    return f"project '{facts['application']}' may use site '{facts['site']}' {allowed}"


@app.command()
def check(name: Name, work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """Ask a site whether it is there, and what it has."""
    show_site(name, opened(work).sites.check(name), as_json=as_json)


def show_site(name: str, has: Mapping[str, str], *, as_json: bool) -> None:
    """Print that a site answers, and what it has."""
    told: dict[str, Json] = dict(has)
    words = ", ".join(f"{key} {value}" for key, value in told.items())
    text = f"site '{name}' answers" + (f": {words}" if words else "")
    show({"site": name, "answers": True, **told}, text, as_json=as_json)


@app.command()
def remove(
    name: Name, work: WorkOption = DEFAULT_WORK, person: PersonOption = None, as_json: JsonOption = False
) -> None:
    """Forget a site on which nothing stands."""
    system = opened(work, person)
    system.sites.remove(name, system.person)
    show({"site": name, "state": "removed"}, f"site '{name}' is forgotten", as_json=as_json)
