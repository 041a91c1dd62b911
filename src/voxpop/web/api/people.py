"""Accounts and groups, and what the caller keeps in order themselves: tokens."""

import secrets
from collections.abc import Iterable
from typing import Annotated

from fastapi import Path

from voxpop.access.entrance import WRITE
from voxpop.access.errors import GroupAbsent
from voxpop.access.model import Account, Group, Token
from voxpop.access.permissions import Action
from voxpop.access.service import check_other
from voxpop.kernel.errors import Refused
from voxpop.web.api import paging
from voxpop.web.api.guard import Call
from voxpop.web.api.models import people as m
from voxpop.web.api.models.base import NAME, Page
from voxpop.web.api.routes import TAGGED, ApiArea, Called, Form
from voxpop.wiring.people import keep_out
from voxpop.wiring.people import reset_password as reset

area = ApiArea("people")
_Name = Annotated[str, Path(max_length=100, pattern=NAME)]


class TokenTooBroad(Refused):
    """A token asks for another that would do more, or live longer, than itself."""

    code = "token-too-broad"

    def __init__(self) -> None:
        super().__init__("a token makes none that may do more, or lasts longer, than itself: make it on your page")


@area.read("/me", Action.OWN_ACCOUNT)
def get_me(call: Called) -> m.Me:
    """Say who the token acts for, and what it may do."""
    return m.Me(
        user=call.account.name,
        person=call.person,
        roles=sorted(call.account.roles),
        projects={name: sorted(roles) for name, roles in sorted(call.rights.projects.items())},
        scopes=sorted(call.token.scopes),
        ends_on=call.token.ends_on,
    )


@area.read("/tokens", Action.OWN_ACCOUNT)
def list_tokens(call: Called, part: paging.Asked) -> Page[m.TokenFacts]:
    """List one's own tokens, the newest first."""
    rows = call.system.entrance.tokens(call.account)
    return paging.page_newest(
        call, part, rows, lambda one: (one.made_at.isoformat(), one.id), lambda one: m.TokenFacts(**_token(one))
    )


@area.act("/tokens", Action.OWN_ACCOUNT, form=Form(status=201))
def make_token(call: Called, asked: m.TokenAsked) -> m.TokenMade:
    """Make a token for a program, never wider or longer than the one that asks; it is told once."""
    scopes = frozenset(asked.scopes)
    if asked.ends_on > call.token.ends_on or not _covers(call.token.scopes, scopes):
        raise TokenTooBroad
    secret, token = call.system.entrance.make_token(call.account, asked.label, scopes, asked.ends_on)
    return m.TokenMade(**_token(token), secret=secret)


@area.delete("/tokens/{token}", Action.OWN_ACCOUNT, form=Form(status=204))
def revoke_token(call: Called, token: _Name) -> None:
    """Revoke one of one's own tokens."""
    call.system.entrance.revoke_token(call.account, token)


@area.read("/users", Action.PEOPLE_READ)
def list_users(call: Called, part: paging.Asked) -> Page[m.UserFacts]:
    """List the accounts, by name."""
    rows = call.system.access.every()
    return paging.page(call, part, rows, lambda one: (one.name,), lambda one: m.UserFacts(**_user(one)))


@area.act("/users", Action.PEOPLE_MANAGE, form=Form(status=201))
def add_user(call: Called, asked: m.UserAsked) -> m.UserMade:
    """Make a local account with a first password, which is told once."""
    password = secrets.token_urlsafe(12)
    account = Account(asked.user.casefold(), asked.person, asked.email, frozenset(asked.roles))
    call.system.access.add(account, password, call.person)
    return m.UserMade(**_user(account), password=password)


@area.read("/users/{user}", Action.PEOPLE_READ, form=TAGGED)
def get_user(call: Called, user: _Name) -> m.UserFacts:
    """Return an account."""
    return _facts(call, user)


@area.put("/users/{user}/roles", Action.PEOPLE_MANAGE)
def set_roles(call: Called, user: _Name, asked: m.RolesAsked) -> m.UserFacts:
    """Give an account its roles in the bank; they count from its next request."""
    check_other(call.account, user)
    call.system.access.set_roles(user, asked.roles, call.person)
    return _facts(call, user)


@area.act("/users/{user}/enable", Action.PEOPLE_MANAGE)
def enable_user(call: Called, user: _Name) -> m.UserFacts:
    """Let an account in."""
    call.system.access.enable(user, call.person, enabled=True)
    return _facts(call, user)


@area.act("/users/{user}/disable", Action.PEOPLE_MANAGE)
def disable_user(call: Called, user: _Name) -> m.UserFacts:
    """Keep an account out, from its next request; its sessions end and its tokens hold no more."""
    check_other(call.account, user)
    keep_out(call.system, user, call.person)
    return _facts(call, user)


@area.act("/users/{user}/password", Action.PEOPLE_MANAGE)
def reset_password(call: Called, user: _Name) -> m.UserMade:
    """Give an account a new password, which is told once, and turn its second factor off."""
    check_other(call.account, user)
    fresh = secrets.token_urlsafe(12)
    reset(call.system, user, fresh, call.person)
    return m.UserMade(**_user(call.system.access.get(user)), password=fresh)


@area.read("/groups", Action.PEOPLE_READ)
def list_groups(call: Called, part: paging.Asked) -> Page[m.GroupFacts]:
    """List the groups, by name."""
    return paging.page(call, part, call.system.access.groups(), lambda one: (one.name,), _group)


@area.read("/groups/{group}", Action.PEOPLE_READ, form=TAGGED)
def get_group(call: Called, group: _Name) -> m.GroupFacts:
    """Return a group."""
    found = next((one for one in call.system.access.groups() if one.name == group), None)
    if found is None:
        raise GroupAbsent(group)
    return _group(found)


@area.put("/groups/{group}", Action.PEOPLE_MANAGE)
def put_group(call: Called, group: _Name, asked: m.GroupAsked) -> m.GroupFacts:
    """Make a group, or replace its title and members."""
    kept = Group(group, asked.title, tuple(sorted(set(asked.members))))
    call.system.access.check_own_membership(call.account, kept)
    call.system.access.keep_group(kept, call.person)
    return _group(kept)


def _covers(own: frozenset[str], wanted: Iterable[str]) -> bool:
    """Say whether scopes cover others: ``write`` all, ``read`` only itself, an action only itself."""
    return WRITE in own or own.issuperset(wanted)


def _facts(call: Call, user: str) -> m.UserFacts:
    return m.UserFacts(**_user(call.system.access.get(user)))


def _user(one: Account) -> dict[str, object]:
    return {
        "user": one.name,
        "person": one.person,
        "email": one.email,
        "roles": sorted(one.roles),
        "enabled": one.enabled,
        "local": one.local,
        "second_factor": one.second_factor,
    }


def _group(one: Group) -> m.GroupFacts:
    return m.GroupFacts(group=one.name, title=one.title, members=list(one.members))


def _token(one: Token) -> dict[str, object]:
    return {
        "token": one.id,
        "label": one.label,
        "scopes": sorted(one.scopes),
        "made_at": one.made_at,
        "ends_on": one.ends_on,
        "revoked": one.revoked,
        "used_at": one.used_at,
    }
