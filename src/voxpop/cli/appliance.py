"""``voxpop appliance``, ``site`` and ``recipe``: what runs where, and what can be asked for."""

from pathlib import Path
from typing import Annotated

import typer

from voxpop.appliance.recipes import Recipe, load_recipe
from voxpop.appliance.service import ApplianceView
from voxpop.cli.console import DEFAULT_WORK, JsonOption, PersonOption, ReasonOption, WorkOption, show, show_table
from voxpop.cli.opening import opened
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ApplianceId, ApplicationId, VolumeId
from voxpop.wiring.installed import recipes as installed_recipes

app = typer.Typer(help="Plan, deploy, look at and remove appliances.")
sites = typer.Typer(help="Look at sites.")
recipes = typer.Typer(help="Look at recipes and check them.")

Name = Annotated[str, typer.Argument(help="The appliance's id.", metavar="APPLIANCE")]


@app.command()
def plan(
    application: Annotated[str, typer.Argument(help="The application's name.")],
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the TOSCA document of an application's newest sealed volume, and show it."""
    system = opened(work, person)
    planned = system.durable_work.plan(ApplicationId(application), system.person)
    document = system.appliances.document(planned.id)
    facts: dict[str, Json] = {
        "appliance": planned.id,
        "site": planned.site,
        "document_sha256": planned.document_digest,
        "document": document,
    }
    show(facts, document, as_json=as_json)


@app.command()
def deploy(
    volume: Annotated[str, typer.Argument(help="The sealed volume's id.", metavar="VOLUME")],
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deploy the appliance of a sealed volume, or say that it stands."""
    system = opened(work, person)
    name = system.durable_work.deploy(VolumeId(volume))
    show(_facts(system.appliances.show(name)), f"appliance '{name}' is deployed", as_json=as_json)


@app.command(name="list")
def list_(work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """List all appliances."""
    rows: list[dict[str, Json]] = [
        {"appliance": one.id, "application": one.application, "site": one.site, "state": one.state.value}
        for one in opened(work).appliance_records.every()
    ]
    columns = ("appliance", "application", "site", "state")
    show_table(rows, columns, as_json=as_json, empty="there is no appliance yet")


@app.command(name="show")
def show_(name: Name, work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """Show what an appliance was given, and what was asked and is not there."""
    facts = _facts(opened(work).appliances.show(ApplianceId(name)))
    show(facts, "\n".join(f"{key}: {value}" for key, value in facts.items()), as_json=as_json)


@app.command()
def remove(
    name: Name,
    reason: ReasonOption = "",
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove an appliance from its site without a trace; results stay."""
    system = opened(work, person)
    system.appliances.remove(ApplianceId(name), system.person, reason)
    show({"appliance": name, "state": "removed"}, f"appliance '{name}' is removed", as_json=as_json)


@sites.command(name="list")
def list_sites(work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """List the sites with their prices."""
    system = opened(work)
    prices = system.price_list()
    rows: list[dict[str, Json]] = [
        {
            "site": name,
            "core_hour": prices.core_hour,
            "gpu_hour": prices.gpu_hour,
            "gb_month": prices.gb_month,
            "currency": prices.currency,
        }
        for name in system.sites
    ]
    columns = ("site", "core_hour", "gpu_hour", "gb_month", "currency")
    show_table(rows, columns, as_json=as_json, empty="no site is connected")


@recipes.command(name="list")
def list_recipes(as_json: JsonOption = False) -> None:
    """List the recipes that an application may ask for."""
    rows = [_recipe(one) for one in installed_recipes().values()]
    show_table(rows, ("recipe", "version", "kind", "purpose"), as_json=as_json, empty="no recipe is installed")


@recipes.command()
def check(folder: Annotated[Path, typer.Argument(help="A recipe's folder.")], as_json: JsonOption = False) -> None:
    """Check a recipe's description."""
    one = load_recipe(folder / "recipe.yaml")
    show(_recipe(one), f"recipe '{one.name}' {one.version} is complete", as_json=as_json)


def _recipe(one: Recipe) -> dict[str, Json]:
    return {"recipe": one.name, "version": one.version, "kind": one.kind.value, "purpose": one.purpose}


def _facts(view: ApplianceView) -> dict[str, Json]:
    appliance, deployment = view.appliance, view.deployment
    facts: dict[str, Json] = {
        "appliance": appliance.id,
        "application": appliance.application,
        "volume": appliance.volume,
        "site": appliance.site,
        "state": appliance.state.value,
        "document_sha256": appliance.document_digest,
    }
    if deployment is not None:
        facts |= {
            "sandbox": deployment.sandbox,
            "network": deployment.network,
            "cores": deployment.cores,
            "memory_gb": deployment.memory_gb,
            "not_given": [*deployment.not_given],
        }
    return facts
