"""Accounts, groups and tokens of a bank that is somewhere else."""

from collections.abc import Iterable, Iterator
from datetime import date

from voxpop.access.model import Role
from voxpop.client.wire import Wire, segment
from voxpop.web.api.models import people as m
from voxpop.web.api.models import webhooks as w


class Users:
    """Accounts."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def every(self) -> Iterator[m.UserFacts]:
        """Yield the accounts, by name."""
        return self._wire.every("/users", m.UserFacts)

    def get(self, name: str) -> m.UserFacts:
        """Return an account."""
        return self._wire.get(f"/users/{segment(name)}", m.UserFacts)

    def add(self, name: str, person: str, email: str = "", roles: Iterable[Role] = ()) -> m.UserMade:
        """Make a local account; its first password is told once."""
        asked = m.UserAsked(user=name, person=person, email=email, roles=list(roles))
        return self._wire.post("/users", m.UserMade, asked)

    def set_roles(self, name: str, roles: Iterable[Role]) -> m.UserFacts:
        """Give an account its roles in the bank."""
        return self._wire.put(f"/users/{segment(name)}/roles", m.UserFacts, m.RolesAsked(roles=list(roles)))

    def enable(self, name: str) -> m.UserFacts:
        """Let an account in."""
        return self._wire.post(f"/users/{segment(name)}/enable", m.UserFacts)

    def disable(self, name: str) -> m.UserFacts:
        """Keep an account out."""
        return self._wire.post(f"/users/{segment(name)}/disable", m.UserFacts)

    def reset_password(self, name: str) -> m.UserMade:
        """Give an account a new password, which is told once."""
        return self._wire.post(f"/users/{segment(name)}/password", m.UserMade)


class Groups:
    """Accounts that are given rights together."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def every(self) -> Iterator[m.GroupFacts]:
        """Yield the groups, by name."""
        return self._wire.every("/groups", m.GroupFacts)

    def get(self, name: str) -> m.GroupFacts:
        """Return a group."""
        return self._wire.get(f"/groups/{segment(name)}", m.GroupFacts)

    def keep(self, name: str, title: str, members: Iterable[str]) -> m.GroupFacts:
        """Make a group, or replace its title and members."""
        asked = m.GroupAsked(title=title, members=list(members))
        return self._wire.put(f"/groups/{segment(name)}", m.GroupFacts, asked)


class Tokens:
    """One's own tokens."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def every(self) -> Iterator[m.TokenFacts]:
        """Yield one's own tokens, the newest first."""
        return self._wire.every("/tokens", m.TokenFacts)

    def make(self, label: str, scopes: Iterable[str], ends_on: date) -> m.TokenMade:
        """Make a token, never wider or longer than the one that asks; it is told once."""
        asked = m.TokenAsked(label=label, scopes=list(scopes), ends_on=ends_on)
        return self._wire.post("/tokens", m.TokenMade, asked)

    def revoke(self, token: str) -> None:
        """Revoke one of one's own tokens."""
        self._wire.delete(f"/tokens/{segment(token)}")


class Webhooks:
    """One's own webhooks."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def every(self) -> Iterator[w.WebhookFacts]:
        """Yield one's own webhooks."""
        return self._wire.every("/webhooks", w.WebhookFacts)

    def make(self, url: str, actions: Iterable[str] = ()) -> w.WebhookMade:
        """Let an address be told of events from now on; its secret is told once."""
        return self._wire.post("/webhooks", w.WebhookMade, w.WebhookAsked(url=url, actions=list(actions)))

    def remove(self, webhook: str) -> None:
        """Tell an address nothing more."""
        self._wire.delete(f"/webhooks/{segment(webhook)}")
