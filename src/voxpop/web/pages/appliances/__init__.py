"""Appliances: what was asked and given, its document, its events and cost, deploy and remove, a terminal into it."""

from functools import partial

from fastapi.responses import RedirectResponse, Response
from starlette.websockets import WebSocket

from voxpop.access.permissions import Action
from voxpop.appliance.errors import SizeInvalid
from voxpop.appliance.service import ApplianceView
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.tosca import read
from voxpop.application.cost import cost
from voxpop.flow.rules import Work
from voxpop.kernel.ids import ApplianceId, ApplicationId
from voxpop.web.area import Area
from voxpop.web.ask import Ask, Asked, number
from voxpop.web.notebooks.desk import Desk
from voxpop.web.notebooks.guests import way_in
from voxpop.web.pages.appliances.terminal import converse
from voxpop.web.shield import ISLAND_POLICY, POLICY
from voxpop.wiring.sizes import size_told

area = Area("appliances")


@area.page("/appliances", Action.APPLIANCE_LIST)
def list_(ask: Asked) -> Response:
    """List what may be read."""
    rows = [one for one in ask.system.appliance_records.every() if ask.may(Action.APPLIANCE_READ, one.application)]
    return ask.page("appliances/list.html", rows=rows)


@area.page("/appliances/{appliance}", Action.APPLIANCE_READ, of="appliance")
def show(ask: Asked, appliance: str) -> Response:
    """Show an appliance: its deployment, its document, its cost, its events."""
    system = ask.system
    desk: Desk | None = ask.request.app.state.notebooks
    view = system.appliances.show(ApplianceId(appliance))
    operations = system.operations.of_subjects([f"volume:{view.appliance.volume}", f"appliance:{appliance}"])
    application = system.applications.get(view.appliance.application)
    answer = ask.page(
        "appliances/show.html",
        one=view.appliance,
        deployment=view.deployment,
        document=system.appliances.document(view.appliance.id),
        sites=[site for site in system.market.seen() if site.name != view.appliance.site],
        ending=system.lifetimes.ending(view.appliance),
        cost=cost(application.compute, ask.system.broker.prices_at(view.appliance.site)),
        operations=operations[:3],
        in_hand=any(one.open for one in operations),
        away=_is_away(ask, view),
        size=size_told(system, view.appliance.id),
        events=system.ledger.links(f"appliance:{appliance}")[-20:],
        notebooks=desk is not None,
    )
    if desk is not None:  # a form that is sent on is held to its page's policy all the way
        sent_on = f"form-action 'self' {desk.origin(ask.request.url.hostname or '')}"
        answer.headers["content-security-policy"] = POLICY.replace("form-action 'self'", sent_on)
    return answer


@area.act("/appliances/{appliance}/deploy", Action.APPLIANCE_DEPLOY, of="appliance")
def deploy(ask: Asked, appliance: str) -> Response:
    """Ask for it to be deployed, or deployed again."""
    ask.system.operations.ask(Work.SET_UP, f"appliance:{appliance}", ask.person)
    return ask.go(f"/appliances/{appliance}")


@area.act("/appliances/{appliance}/elsewhere", Action.APPLIANCE_DEPLOY, of="appliance")
def elsewhere(ask: Asked, appliance: str) -> Response:
    """Plan the same on another site, and ask for it to be deployed there."""
    one = ask.system.appliances.get(ApplianceId(appliance))
    queue = read(ask.system.appliances.document(one.id)).queue
    planned = ask.system.durable_work.plan_on(one.volume, ask.person, ask.text("site"), queue)
    ask.system.operations.ask(Work.SET_UP, f"appliance:{planned.id}", ask.person)
    return ask.go(f"/appliances/{planned.id}")


@area.act("/appliances/{appliance}/resize", Action.APPLIANCE_RESIZE, of="appliance")
def resize(ask: Asked, appliance: str) -> Response:
    """Choose how many workers it may have."""
    least, most = number(ask.text("least")), number(ask.text("most"))
    if least is None or most is None:
        raise SizeInvalid
    ask.system.clusters.sizing.resize(ApplianceId(appliance), least, most, ask.person)
    return ask.go(f"/appliances/{appliance}")


@area.act("/appliances/{appliance}/remove", Action.APPLIANCE_REMOVE, of="appliance")
def remove(ask: Asked, appliance: str) -> Response:
    """Remove it from its site; results stay."""
    ask.system.appliances.remove(ApplianceId(appliance), ask.person, ask.text("reason"))
    return ask.go(f"/appliances/{appliance}")


@area.act("/appliances/{appliance}/notebook", Action.APPLIANCE_SHELL, of="appliance")
def notebook(ask: Asked, appliance: str) -> Response:
    """Open the person's notebook on the appliance, and send them there."""
    lives = partial(ask.system.entrance.lives, ask.session.digest if ask.session else "")
    return RedirectResponse(way_in(ask.request, ask.someone, ApplianceId(appliance), lives), 303)


@area.page("/appliances/{appliance}/terminal", Action.APPLIANCE_SHELL, of="appliance")
def terminal(ask: Asked, appliance: str) -> Response:
    """Show a terminal into the appliance."""
    one, _ = ask.system.appliances.deployed(ApplianceId(appliance))
    answer = ask.page("appliances/terminal.html", one=one)
    answer.headers["content-security-policy"] = ISLAND_POLICY
    return answer


@area.socket("/appliances/{appliance}/terminal/socket", Action.APPLIANCE_SHELL, of="appliance")
async def terminal_socket(ask: Ask, socket: WebSocket, application: ApplicationId) -> None:
    """Carry the terminal's bytes."""
    await converse(ask, socket, ApplianceId(socket.path_params["appliance"]))


def _is_away(ask: Ask, view: ApplianceView) -> bool:
    """Say whether an appliance stood once and does not stand here: its site lost it, or the bank was moved."""
    one, given = view.appliance, view.deployment
    return one.state is ApplianceState.LOST or (
        given is not None and not ask.system.durable_work.stands_here(one.volume, given)
    )
