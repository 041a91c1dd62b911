"""What a project can ask for: pipelines, recipes and sites, with a search."""

import tempfile
from pathlib import Path

from fastapi.responses import Response
from starlette.datastructures import UploadFile

from voxpop.access.permissions import Action
from voxpop.appliance.errors import RecipeArchiveInvalid
from voxpop.appliance.parcel import unpacked
from voxpop.web import words
from voxpop.web.area import Area
from voxpop.web.ask import Asked
from voxpop.wiring.installed import pipelines, recipes

area = Area("catalogue")


@area.page("/catalogue", Action.RECIPE_READ)
def show(ask: Asked) -> Response:
    """Show what there is, or what fits the words that are sought."""
    broker, offers = ask.system.broker, ask.system.market.offers()
    sought = ask.request.query_params.get("q", "").strip()[:80]
    needle = sought.casefold()
    return ask.page(
        "catalogue/catalogue.html",
        q=sought,
        added=[
            (one, recipe)
            for one, recipe in ask.system.recipe_book.shown()
            if needle in f"{recipe.name} {recipe.purpose}".casefold()
        ],
        recipes=[one for one in recipes().values() if needle in f"{one.name} {one.purpose}".casefold()],
        pipelines=[one for one in pipelines().values() if needle in f"{one.name} {one.title}".casefold()],
        sites=[(name, broker.prices(terms)) for name, (_, terms) in offers.items() if needle in name.casefold()],
    )


@area.act("/catalogue/recipes", Action.RECIPE_ADD)
def add(ask: Asked) -> Response:
    """Look at a recipe that was sent, and keep it to be approved."""
    sent = ask.form.get("archive")
    if not isinstance(sent, UploadFile) or not sent.filename:
        raise RecipeArchiveInvalid("was not sent")
    with tempfile.TemporaryDirectory(prefix="voxpop-recipe-") as area_:
        ask.system.recipe_book.add(unpacked(sent.file.read(), Path(area_)), ask.person)
    return ask.go("/catalogue", words.gettext_here("The recipe is added; a technical manager has to approve it."))


@area.page("/catalogue/recipes/{recipe}/{version}", Action.RECIPE_DECIDE)
def read(ask: Asked, recipe: str, version: str) -> Response:
    """Show all files of a recipe that was added, to whom decides."""
    found = ask.system.recipe_book.named(recipe, version)
    book = ask.system.recipe_book
    return ask.page("catalogue/recipe.html", one=found, recipe=book.described(found), texts=book.texts(found))


@area.act("/catalogue/recipes/{recipe}/{version}/approve", Action.RECIPE_DECIDE)
def approve(ask: Asked, recipe: str, version: str) -> Response:
    """Let applications ask for it."""
    ask.system.recipe_book.approve(recipe, version, ask.person, ask.text("reason"))
    return ask.go("/catalogue", words.gettext_here("The recipe is approved: applications may ask for it."))


@area.act("/catalogue/recipes/{recipe}/{version}/withdraw", Action.RECIPE_DECIDE)
def withdraw(ask: Asked, recipe: str, version: str) -> Response:
    """Let no application ask for it any more."""
    ask.system.recipe_book.withdraw(recipe, version, ask.person, ask.text("reason"))
    return ask.go("/catalogue", words.gettext_here("The recipe is withdrawn."))
