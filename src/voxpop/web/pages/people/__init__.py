"""Accounts and groups: make them, give roles, keep someone out."""

import secrets

from fastapi.responses import Response

from voxpop.access.model import Account, Group, Role
from voxpop.access.permissions import Action
from voxpop.access.service import check_other
from voxpop.web.area import Area
from voxpop.web.ask import Ask, Asked
from voxpop.wiring.people import keep_out, reset_password

area = Area("people")


@area.page("/people", Action.PEOPLE_READ)
def list_(ask: Asked) -> Response:
    """List accounts and groups."""
    return _page(ask)


@area.act("/people", Action.PEOPLE_MANAGE)
def add(ask: Asked) -> Response:
    """Make a local account with a first password, which is shown once."""
    password = secrets.token_urlsafe(12)
    account = Account(ask.text("name").casefold(), ask.text("person"), ask.text("email"), _roles(ask))
    ask.system.access.add(account, password, ask.person)
    return _page(ask, fresh=account.name, password=password)


@area.act("/people/{name}/roles", Action.PEOPLE_MANAGE)
def roles(ask: Asked, name: str) -> Response:
    """Give an account its roles, and let it in or keep it out."""
    access = ask.system.access
    check_other(ask.someone, name)
    access.set_roles(name, _roles(ask), ask.person)
    enabled = ask.text("enabled") == "yes"
    if access.get(name).enabled != enabled:
        if enabled:
            access.enable(name, ask.person, enabled=True)
        else:
            keep_out(ask.system, name, ask.person)
    return ask.go("/people")


@area.act("/people/{name}/password", Action.PEOPLE_MANAGE)
def password(ask: Asked, name: str) -> Response:
    """Give an account a new password, shown once, and turn its second factor off."""
    check_other(ask.someone, name)
    fresh = secrets.token_urlsafe(12)
    reset_password(ask.system, name, fresh, ask.person)
    return _page(ask, fresh=name, password=fresh)


@area.act("/people/groups", Action.PEOPLE_MANAGE)
def group(ask: Asked) -> Response:
    """Make a group, or replace its members."""
    members = tuple(sorted(set(ask.text("members").replace(",", " ").split())))
    kept = Group(ask.text("group"), ask.text("title"), members)
    ask.system.access.check_own_membership(ask.someone, kept)
    ask.system.access.keep_group(kept, ask.person)
    return ask.go("/people")


def _page(ask: Ask, fresh: str = "", password: str = "") -> Response:
    return ask.page(
        "people/list.html",
        accounts=ask.system.access.every(),
        groups=ask.system.access.groups(),
        roles=tuple(Role),
        fresh=fresh,
        password=password,
    )


def _roles(ask: Ask) -> frozenset[Role]:
    return frozenset(Role(one) for one in ask.texts("roles") if one in set(Role))
