"""Accounts, groups, tokens and the audit log of a bank that is somewhere else."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from voxpop.cli import people, webhooks
from voxpop.cli.audit import AuditBroken
from voxpop.cli.console import show, show_table
from voxpop.cli.remote_projects import dumped
from voxpop.client import Bank
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Invalid

Given = Mapping[str, Any]
_A_MONTH = timedelta(days=30)
_PASSWORD = "password"  # noqa: S105 -- a field's name
_AUDIT = ("seq", "at", "actor", "action", "subject", "reason")


class PasswordIsMade(Invalid):
    """A password was to be chosen from afar."""

    code = "password-is-made"

    def __init__(self) -> None:
        super().__init__("a server makes the password, and tells it once: leave --password-file out")


class OthersToken(Invalid):
    """A token or a webhook of somebody else was meant."""

    code = "others-token"

    def __init__(self) -> None:
        super().__init__("on a server tokens and webhooks are your own: leave --account out")


def add_user(bank: Bank, given: Given) -> None:
    """Make a local account."""
    _check_made(given)
    made = bank.users.add(given["name"], given["person"], given["email"], given["roles"] or ())
    people.show_new(_without_password(dumped(made)), made.password, as_json=given["as_json"])


def list_users(bank: Bank, given: Given) -> None:
    """List the accounts."""
    rows = [dumped(one) for one in bank.users.every()]
    empty = "there is no account yet: `voxpop user add` makes one"
    show_table(rows, people.USER_COLUMNS, as_json=given["as_json"], empty=empty)


def set_roles(bank: Bank, given: Given) -> None:
    """Give an account its roles in the bank."""
    people.show_user(dumped(bank.users.set_roles(given["name"], given["roles"] or ())), as_json=given["as_json"])


def enable_user(bank: Bank, given: Given) -> None:
    """Let an account in."""
    people.show_user(dumped(bank.users.enable(given["name"])), as_json=given["as_json"])


def disable_user(bank: Bank, given: Given) -> None:
    """Keep an account out."""
    people.show_user(dumped(bank.users.disable(given["name"])), as_json=given["as_json"])


def reset_password(bank: Bank, given: Given) -> None:
    """Give an account a new password."""
    _check_made(given)
    made = bank.users.reset_password(given["name"])
    people.show_new(_without_password(dumped(made)), made.password, as_json=given["as_json"])


def list_groups(bank: Bank, given: Given) -> None:
    """List the groups."""
    rows = [dumped(one) for one in bank.groups.every()]
    show_table(rows, ("group", "title", "members"), as_json=given["as_json"], empty="there is no group yet")


def keep_group(bank: Bank, given: Given) -> None:
    """Make a group, or replace its title and members."""
    kept = bank.groups.keep(given["name"], given["title"], given["members"] or ())
    people.show_group(dumped(kept), as_json=given["as_json"])


def make_token(bank: Bank, given: Given) -> None:
    """Make a token of one's own."""
    _check_own(given)
    last = given["until"].date() if given["until"] else datetime.now(UTC).date() + _A_MONTH
    made = bank.tokens.make(given["label"], given["scopes"] or ["read"], last)
    facts = {key: value for key, value in dumped(made).items() if key != "secret"}
    people.show_token(facts, made.secret, as_json=given["as_json"])


def list_tokens(bank: Bank, given: Given) -> None:
    """List one's own tokens."""
    _check_own(given)
    rows = [dumped(one) for one in bank.tokens.every()]
    empty = "there is no token yet: `voxpop token make` makes one"
    show_table(rows, people.TOKEN_COLUMNS, as_json=given["as_json"], empty=empty)


def revoke_token(bank: Bank, given: Given) -> None:
    """Revoke one of one's own tokens."""
    _check_own(given)
    bank.tokens.revoke(given["token"])
    people.show_revoked(given["token"], as_json=given["as_json"])


def add_webhook(bank: Bank, given: Given) -> None:
    """Let an address be told of events, as far and as long as the token reads."""
    _check_own(given)
    made = bank.webhooks.make(given["url"], given["actions"] or ())
    facts = {key: value for key, value in dumped(made).items() if key != "secret"}
    webhooks.show_new(facts, made.secret, as_json=given["as_json"])


def list_webhooks(bank: Bank, given: Given) -> None:
    """List one's own webhooks."""
    _check_own(given)
    webhooks.show_webhooks([dumped(one) for one in bank.webhooks.every()], as_json=given["as_json"])


def remove_webhook(bank: Bank, given: Given) -> None:
    """Tell an address nothing more."""
    _check_own(given)
    bank.webhooks.remove(given["webhook"])
    webhooks.show_removed(given["webhook"], as_json=given["as_json"])


def list_audit(bank: Bank, given: Given) -> None:
    """List the events, the oldest first."""
    subject, as_json = given["subject"], given["as_json"]
    events = [one for one in bank.events(subject or "") if subject in (None, one.subject)]
    rows = [_event(dumped(one), as_json=as_json) for one in reversed(events)]
    show_table(rows, _AUDIT, as_json=as_json, empty="the audit log has no such event")


def verify_audit(bank: Bank, given: Given) -> None:
    """Check every event and the signed head."""
    found = bank.verify_audit()
    if not found.whole:
        raise AuditBroken(found.faults)
    facts: dict[str, Json] = {"whole": True, "events": found.events}
    show(facts, f"the audit log is whole: {found.events} events, the head is signed", as_json=given["as_json"])


def _event(facts: dict[str, Json], *, as_json: bool) -> dict[str, Json]:
    return facts if as_json else {**facts, "at": str(facts["at"])[:19]}


def _without_password(facts: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in facts.items() if key != _PASSWORD}


def _check_made(given: Given) -> None:
    if given["password_file"] is not None:
        raise PasswordIsMade


def _check_own(given: Given) -> None:
    if given["account"] is not None:
        raise OthersToken
