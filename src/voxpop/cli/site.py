"""``voxpop site`` and ``recipe``: where appliances can stand, and what they can be made of."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from voxpop.appliance.recipes import Recipe, load_recipe
from voxpop.cli.console import DEFAULT_WORK, JsonOption, PersonOption, WorkOption, show, show_table
from voxpop.cli.opening import opened
from voxpop.cli.pairs import Settings, pairs
from voxpop.kernel.digests import Json
from voxpop.wiring.installed import recipes as installed_recipes

app = typer.Typer(help="Connect sites, look at them, and remove them.")
recipes = typer.Typer(help="Look at recipes, check them, and build images of them.")

Name = Annotated[str, typer.Argument(help="The site's name here.", metavar="SITE")]


@app.command()
def add(
    name: Name,
    kind: Annotated[str, typer.Option("--kind", help="docker or im.")],
    settings: Settings = None,
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Connect a site, or change its connection."""
    system = opened(work, person, create=True)
    system.sites.connect(name, kind, pairs(settings), system.person)
    show(
        {"site": name, "kind": kind},
        f"site '{name}' is noted and not yet asked: `voxpop site check {name}` asks whether it answers",
        as_json=as_json,
    )


@app.command(name="list")
def list_(work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """List the sites with their prices."""
    system = opened(work)
    prices = system.price_list()
    rows: list[dict[str, Json]] = [
        {
            "site": one.name,
            "kind": one.kind,
            "core_hour": prices.core_hour,
            "gpu_hour": prices.gpu_hour,
            "gb_month": prices.gb_month,
            "currency": prices.currency,
        }
        for one in system.sites.connected()
    ]
    columns = ("site", "kind", "core_hour", "gpu_hour", "gb_month", "currency")
    show_table(rows, columns, as_json=as_json, empty="no site is connected")


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


@recipes.command(name="list")
def list_recipes(as_json: JsonOption = False) -> None:
    """List the recipes that an application may ask for."""
    rows = [_recipe(one) for one in installed_recipes().values()]
    show_table(rows, ("recipe", "version", "kind", "purpose"), as_json=as_json, empty="no recipe is installed")


@recipes.command(name="check")
def check_recipe(
    folder: Annotated[Path, typer.Argument(help="A recipe's folder.")], as_json: JsonOption = False
) -> None:
    """Check a recipe's description."""
    one = load_recipe(folder / "recipe.yaml")
    show(_recipe(one), f"recipe '{one.name}' {one.version} is complete", as_json=as_json)


@recipes.command()
def build(
    names: Annotated[str, typer.Argument(help="Recipes, joined by commas.", metavar="RECIPES")],
    site: Annotated[str, typer.Option("--site", help="The site that the image is for.", metavar="SITE")],
    work: WorkOption = DEFAULT_WORK,
    as_json: JsonOption = False,
) -> None:
    """Build the image that appliances with these recipes are made of, or say that it is there."""
    image = opened(work).sites.build(
        site, tuple(names.split(",")), lambda step: typer.echo(f"building {step}", err=True)
    )
    state = "is built" if image.built else "was there already"
    show({"site": site, "image": image.id, "built": image.built}, f"image {image.id} {state}", as_json=as_json)


def _recipe(one: Recipe) -> dict[str, Json]:
    return {"recipe": one.name, "version": one.version, "kind": one.kind.value, "purpose": one.purpose}
