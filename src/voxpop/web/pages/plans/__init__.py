"""The plan of an appliance: where it can stand, at what cost, what would change; and its deployment there."""

from fastapi.responses import Response

from voxpop.access.permissions import Action
from voxpop.appliance.changes import machines
from voxpop.appliance.recipes import RecipeKind
from voxpop.flow.rules import Work
from voxpop.kernel.ids import ApplicationId
from voxpop.web.area import Area
from voxpop.web.ask import Asked
from voxpop.wiring.installed import recipes

area = Area("plans")


@area.page("/applications/{application}/plan", Action.APPLIANCE_DEPLOY, of="application")
def plan(ask: Asked, application: str) -> Response:
    """Rank the sites for the newest sealed volume."""
    # a plan that was refused comes back with what was sent
    queue = ask.text("queue") or ask.request.query_params.get("queue", "")
    sheet = ask.system.planning.look(ApplicationId(application), queue=queue)
    queues = [one.name for one in recipes().values() if one.kind is RecipeKind.BATCH_QUEUE]
    return ask.page("plans/plan.html", sheet=sheet, machines=machines(sheet.environment), queues=queues)


@area.act("/applications/{application}/plan", Action.APPLIANCE_DEPLOY, of="application")
def deploy(ask: Asked, application: str) -> Response:
    """Plan it on the chosen site, and ask for it to be deployed there."""
    volume = ask.system.durable_work.newest_sealed(ApplicationId(application)).id
    queue = ask.text("queue")
    site = ask.system.planning.place(volume, ask.text("site"), queue)
    planned = ask.system.durable_work.plan_on(volume, ask.person, site, queue)
    ask.system.operations.ask(Work.SET_UP, f"appliance:{planned.id}", ask.person)
    return ask.go(f"/appliances/{planned.id}")
