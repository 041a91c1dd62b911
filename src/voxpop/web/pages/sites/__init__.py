"""Sites: where appliances can stand, whether each answers, and forgetting one."""

from fastapi.responses import Response

from voxpop.access.permissions import Action
from voxpop.web.area import Area
from voxpop.web.ask import Asked

area = Area("sites")


@area.page("/sites", Action.SITE_READ)
def list_(ask: Asked) -> Response:
    """List the sites; not their settings, which name hosts and files."""
    return ask.page("sites/list.html", rows=ask.system.sites.connected(), prices=ask.system.price_list())


@area.page("/sites/{site}", Action.SITE_MANAGE)
def show(ask: Asked, site: str) -> Response:
    """Ask a site whether it is there, and show what it has and what stands on it."""
    has = ask.system.sites.check(site)
    standing = [one for one in ask.system.appliance_records.every() if one.site == site]
    return ask.page("sites/show.html", name=site, has=has, rows=standing)


@area.act("/sites/{site}/remove", Action.SITE_MANAGE)
def remove(ask: Asked, site: str) -> Response:
    """Forget a site on which nothing stands."""
    ask.system.sites.remove(site, ask.person)
    return ask.go("/sites")
