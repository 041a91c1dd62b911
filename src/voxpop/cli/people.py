"""``voxpop user``, ``group`` and ``token``: who may sign in, and which programs act for them."""

import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxpop.access.model import Account, Group, Role, Token
from voxpop.cli.console import DEFAULT_WORK, JsonOption, PersonOption, WorkOption, show, show_table
from voxpop.cli.opening import opened
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Invalid

if TYPE_CHECKING:
    from voxpop.wiring.system import System

users = typer.Typer(help="Make accounts, give them roles, keep them out.")
groups = typer.Typer(help="Put accounts together that are given rights together.")
tokens = typer.Typer(help="Make, list and revoke the tokens of programs.")

UserName = Annotated[str, typer.Argument(help="The account's name.", metavar="USER")]
RoleOption = Annotated[list[Role] | None, typer.Option("--role", help="A role in the bank; may be given again.")]
PasswordOption = Annotated[
    Path | None,
    typer.Option(
        "--password-file", help="File that holds the password; `-` reads it from stdin. Without it: a random one."
    ),
]
AccountOption = Annotated[
    str | None, typer.Option("--account", help="Whose it is; with --server always your own.", metavar="USER")
]
USER_COLUMNS = ("user", "person", "roles", "enabled", "second_factor")
TOKEN_COLUMNS = ("token", "label", "scopes", "made_at", "ends_on", "revoked", "used_at")
_A_MONTH = timedelta(days=30)


class AccountMissing(Invalid):
    """Something of an account was asked for, and not of whose."""

    code = "account-missing"

    def __init__(self) -> None:
        super().__init__("say whose it is: --account USER")


class PasswordUnreadable(Invalid):
    """A password's file cannot be read."""

    code = "password-unreadable"

    def __init__(self) -> None:
        super().__init__("the password's file cannot be read: name a file of text, or `-` for stdin")


@users.command(name="add")
def add_user(
    name: UserName,
    person: Annotated[str, typer.Option("--person", help="As the audit log will name them.")],
    email: Annotated[str, typer.Option("--email", help="Where they are written to.")] = "",
    roles: RoleOption = None,
    password_file: PasswordOption = None,
    work: WorkOption = DEFAULT_WORK,
    actor: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a local account; a random first password is printed once."""
    system = opened(work, actor, create=True)
    given = password_of(password_file)
    password = given or secrets.token_urlsafe(12)
    account = system.access.add(Account(name, person, email, frozenset(roles or ())), password, system.person)
    show_new(user_facts(account), "" if given else password, as_json=as_json)


@users.command(name="list")
def list_users(work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """List the accounts."""
    rows = [user_facts(one) for one in opened(work).access.every()]
    show_table(rows, USER_COLUMNS, as_json=as_json, empty="there is no account yet: `voxpop user add` makes one")


@users.command(name="roles")
def set_roles(
    name: UserName,
    roles: Annotated[
        list[Role] | None, typer.Argument(help="All of them; without any, all are taken away.", show_default=False)
    ] = None,
    work: WorkOption = DEFAULT_WORK,
    actor: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give an account its roles in the bank; they count from its next request."""
    system = opened(work, actor)
    system.access.set_roles(name, roles or (), system.person)
    show_user(user_facts(system.access.get(name)), as_json=as_json)


@users.command(name="enable")
def enable_user(
    name: UserName, work: WorkOption = DEFAULT_WORK, actor: PersonOption = None, as_json: JsonOption = False
) -> None:
    """Let an account in."""
    system = opened(work, actor)
    system.access.enable(name, system.person, enabled=True)
    show_user(user_facts(system.access.get(name)), as_json=as_json)


@users.command(name="disable")
def disable_user(
    name: UserName, work: WorkOption = DEFAULT_WORK, actor: PersonOption = None, as_json: JsonOption = False
) -> None:
    """Keep an account out, and end its sessions; its tokens hold no more."""
    from voxpop.wiring.people import keep_out

    system = opened(work, actor)
    keep_out(system, name, system.person)
    show_user(user_facts(system.access.get(name)), as_json=as_json)


@users.command(name="password")
def set_password(
    name: UserName,
    password_file: PasswordOption = None,
    work: WorkOption = DEFAULT_WORK,
    actor: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a local account a new password and turn its second factor off; a random one is printed once."""
    from voxpop.wiring.people import reset_password

    system = opened(work, actor)
    given = password_of(password_file)
    password = given or secrets.token_urlsafe(12)
    reset_password(system, name, password, system.person)
    show_new(user_facts(system.access.get(name)), "" if given else password, as_json=as_json)


@groups.command(name="list")
def list_groups(work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """List the groups."""
    rows = [group_facts(one) for one in opened(work).access.groups()]
    show_table(rows, ("group", "title", "members"), as_json=as_json, empty="there is no group yet")


@groups.command()
def keep(
    name: Annotated[str, typer.Argument(help="The group's name.", metavar="GROUP")],
    members: Annotated[
        list[str] | None, typer.Argument(help="Names of accounts; all of them.", show_default=False)
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Its title.")] = "",
    work: WorkOption = DEFAULT_WORK,
    actor: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a group, or replace its title and members."""
    system = opened(work, actor)
    group = Group(name, title, tuple(sorted(set(members or ()))))
    system.access.keep_group(group, system.person)
    show_group(group_facts(group), as_json=as_json)


@tokens.command()
def make(
    account: AccountOption = None,
    label: Annotated[str, typer.Option("--label", help="What it is for.")] = "token",
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", help="`read`, `write`, or the name of an action; may be given again.  [default: read]"),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Its last day; in thirty days by default.")
    ] = None,
    work: WorkOption = DEFAULT_WORK,
    as_json: JsonOption = False,
) -> None:
    """Make a token for a program; it is printed once."""
    system = opened(work)
    last = until.date() if until else datetime.now(UTC).date() + _A_MONTH
    secret, token = system.entrance.make_token(
        account_named(system, account), label, frozenset(scopes or ["read"]), last
    )
    show_token(token_facts(token), secret, as_json=as_json)


@tokens.command(name="list")
def list_tokens(account: AccountOption = None, work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """List an account's tokens, the newest first."""
    system = opened(work)
    rows = [token_facts(one) for one in system.entrance.tokens(account_named(system, account))]
    show_table(rows, TOKEN_COLUMNS, as_json=as_json, empty="there is no token yet: `voxpop token make` makes one")


@tokens.command()
def revoke(
    token: Annotated[str, typer.Argument(help="The token's id.", metavar="TOKEN")],
    account: AccountOption = None,
    work: WorkOption = DEFAULT_WORK,
    as_json: JsonOption = False,
) -> None:
    """Revoke a token."""
    system = opened(work)
    system.entrance.revoke_token(account_named(system, account), token)
    show_revoked(token, as_json=as_json)


def show_user(facts: dict[str, Json], *, as_json: bool) -> None:
    """Print an account after a change."""
    roles = facts["roles"]
    told = ", ".join(map(str, roles)) if isinstance(roles, list) and roles else "no role"
    state = "let in" if facts["enabled"] else "kept out"
    show(facts, f"{facts['user']} ({facts['person']}): {told}; {state}", as_json=as_json)


def show_new(facts: dict[str, Json], password: str, *, as_json: bool) -> None:
    """Print an account with its new password, where that was made here."""
    said = f"\npassword, told this once: {password}" if password else ""
    show({**facts, "password": password or None}, f"'{facts['user']}' may sign in{said}", as_json=as_json)


def show_group(facts: dict[str, Json], *, as_json: bool) -> None:
    """Print a group after a change."""
    members = facts["members"]
    told = ", ".join(map(str, members)) if isinstance(members, list) and members else "nobody"
    show(facts, f"group '{facts['group']}': {told}", as_json=as_json)


def show_token(facts: dict[str, Json], secret: str, *, as_json: bool) -> None:
    """Print a new token; the one time that it is told."""
    show({**facts, "secret": secret}, f"{secret}\nkeep it in a file that only you can read", as_json=as_json)


def show_revoked(token: str, *, as_json: bool) -> None:
    """Print that a token holds no more."""
    show({"token": token, "revoked": True}, f"token '{token}' is revoked", as_json=as_json)


def user_facts(one: Account) -> dict[str, Json]:
    """Return an account as JSON, as the API has it."""
    return {
        "user": one.name,
        "person": one.person,
        "email": one.email,
        "roles": _texts(one.roles),
        "enabled": one.enabled,
        "local": one.local,
        "second_factor": one.second_factor,
    }


def group_facts(one: Group) -> dict[str, Json]:
    """Return a group as JSON, as the API has it."""
    return {"group": one.name, "title": one.title, "members": [*one.members]}


def token_facts(one: Token) -> dict[str, Json]:
    """Return a token as JSON, as the API has it."""
    return {
        "token": one.id,
        "label": one.label,
        "scopes": _texts(one.scopes),
        "made_at": one.made_at.isoformat(),
        "ends_on": one.ends_on.isoformat(),
        "revoked": one.revoked,
        "used_at": one.used_at.isoformat() if one.used_at else None,
    }


def password_of(file: Path | None) -> str:
    """Return the password that a file or stdin holds; empty where none is named."""
    if file is None:
        return ""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise PasswordUnreadable from unreadable
    return text.rstrip("\r\n")


def account_named(system: "System", name: str | None) -> Account:
    """Return the account that --account names."""
    if name is None:
        raise AccountMissing
    return system.access.get(name)


def _texts(words: frozenset[str] | frozenset[Role] | Sequence[str]) -> list[Json]:
    return [*sorted(str(word) for word in words)]
