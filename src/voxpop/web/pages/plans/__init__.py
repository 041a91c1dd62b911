"""The plan of an appliance: where it can stand, at what cost, what would change; and its deployment there."""

from fastapi.responses import Response

from voxpop.access.permissions import Action
from voxpop.appliance.changes import machines
from voxpop.flow.rules import Work
from voxpop.kernel.ids import ApplicationId
from voxpop.web.area import Area
from voxpop.web.ask import Asked

area = Area("plans")


@area.page("/applications/{application}/plan", Action.APPLIANCE_DEPLOY, of="application")
def plan(ask: Asked, application: str) -> Response:
    """Rank the sites for the newest sealed volume."""
    sheet = ask.system.planning.look(ApplicationId(application))
    return ask.page("plans/plan.html", sheet=sheet, machines=machines(sheet.environment))


@area.act("/applications/{application}/plan", Action.APPLIANCE_DEPLOY, of="application")
def deploy(ask: Asked, application: str) -> Response:
    """Plan it on the chosen site, and ask for it to be deployed there."""
    volume = ask.system.durable_work.newest_sealed(ApplicationId(application)).id
    site = ask.system.planning.place(volume, ask.text("site"))
    planned = ask.system.durable_work.plan_on(volume, ask.person, site)
    ask.system.operations.ask(Work.SET_UP, f"appliance:{planned.id}", ask.person)
    return ask.go(f"/appliances/{planned.id}")
