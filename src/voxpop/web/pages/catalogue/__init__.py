"""What a project can ask for: pipelines, recipes and sites, with a search."""

from fastapi.responses import Response

from voxpop.access.permissions import Action
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
        recipes=[one for one in recipes().values() if needle in f"{one.name} {one.purpose}".casefold()],
        pipelines=[one for one in pipelines().values() if needle in f"{one.name} {one.title}".casefold()],
        sites=[(name, broker.prices(terms)) for name, (_, terms) in offers.items() if needle in name.casefold()],
    )
