"""Sites: where appliances can stand, whether each answers, and forgetting one."""

from fastapi.responses import Response

from voxpop.access.permissions import Action
from voxpop.appliance.terms import Quota
from voxpop.kernel.ids import ApplicationId
from voxpop.web.area import Area
from voxpop.web.ask import Asked, number
from voxpop.wiring.market import QuotaInvalid

area = Area("sites")


@area.page("/sites", Action.SITE_READ)
def list_(ask: Asked) -> Response:
    """List the sites; not their settings, which name hosts and files."""
    rows = [(one, ask.system.broker.prices(one.terms)) for one in ask.system.market.seen()]
    return ask.page("sites/list.html", rows=rows)


@area.page("/sites/{site}", Action.SITE_MANAGE)
def show(ask: Asked, site: str) -> Response:
    """Ask a site whether it is there, and show its terms, the quotas on it and what stands there."""
    one = ask.system.market.one(site)
    return ask.page(
        "sites/show.html",
        name=site,
        one=one,
        prices=ask.system.broker.prices(one.terms),
        quotas=ask.system.market.quotas(site),
        rows=[one for one in ask.system.appliance_records.every() if one.site == site],
    )


@area.act("/sites/{site}/quota", Action.SITE_MANAGE)
def quota(ask: Asked, site: str) -> Response:
    """Say how much of a site a project may use; with both fields empty, the quota is lifted."""
    application = ask.system.applications.get(ApplicationId(ask.text("application"))).id
    wanted = Quota(_number(ask, "core_hours"), _number(ask, "workers"))
    ask.system.market.set_quota(site, application, wanted, ask.person)
    return ask.go(f"/sites/{site}")


@area.act("/sites/{site}/remove", Action.SITE_MANAGE)
def remove(ask: Asked, site: str) -> Response:
    """Forget a site on which nothing stands."""
    ask.system.sites.remove(site, ask.person)
    return ask.go("/sites")


def _number(ask: Asked, name: str) -> int | None:
    text = ask.text(name)
    read = number(text)
    if text and read is None:
        raise QuotaInvalid
    return read
