"""The use cases of accounts, groups and memberships, and the question who may do what."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from voxpop.access import credentials
from voxpop.access.errors import (
    AccountAbsent,
    AccountExists,
    AccountInvalid,
    CodeWrong,
    GroupAbsent,
    LastApplicant,
    NotAllowed,
    OwnAccount,
)
from voxpop.access.model import Account, Group, Membership, ProjectRole, Role
from voxpop.access.permissions import Action, allows
from voxpop.access.ports import Kept, People
from voxpop.kernel.clock import Clock
from voxpop.kernel.ids import ApplicationId

GROUP = "group:"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_LONGEST = 120
RESERVED = frozenset({"voxpop", "voxpop demo", "unknown", "nobody"})
"""Names by which the audit log speaks of nobody in particular; no account may have one."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What an account may do, as the table and its roles stand now."""

    account: Account
    projects: Mapping[ApplicationId, frozenset[ProjectRole]]

    def may(self, action: Action, application: ApplicationId | None = None) -> bool:
        """Say whether it may do something, to what belongs to a project or to none."""
        here = self.projects.get(application, frozenset()) if application else frozenset()
        return self.account.enabled and allows(action, self.account.roles, here)

    def scope(self, action: Action) -> frozenset[ApplicationId] | None:
        """Return the projects in which it may do something; None for all there are."""
        if self.account.enabled and allows(action, self.account.roles):
            return None
        return frozenset(project for project in self.projects if self.may(action, project))

    def check(self, action: Action, application: ApplicationId | None = None) -> None:
        """Refuse what it may not do.

        Raises
        ------
        NotAllowed
            If the table gives it to none of its roles.
        """
        if not self.may(action, application):
            raise NotAllowed(action.value)


class AccessService:
    """Accounts, groups, memberships and rights.

    Parameters
    ----------
    people : People
    safe : credentials.Safe
        Closes the secrets of second factors.
    """

    def __init__(self, people: People, safe: credentials.Safe, clock: Clock) -> None:
        self._people = people
        self._safe = safe
        self._clock = clock

    def add(self, account: Account, password: str, actor: str) -> Account:
        """Make an account; a local one needs a password.

        Raises
        ------
        AccountInvalid, PasswordWeak
            If the name, the person or the password will not do.
        AccountExists
            If the name or the person is taken.
        """
        _check_words(account)
        self._check_free(account)
        if account.local:
            credentials.check_strength(password, account.name)
        kept = Kept(credentials.password_hash(password)) if account.local else Kept()
        self._people.add(account, kept, actor)
        return account

    def get(self, name: str) -> Account:
        """Return an account, or raise ``AccountAbsent``."""
        found = self._people.get(name)
        if found is None:
            raise AccountAbsent(name)
        return found

    def every(self) -> Sequence[Account]:
        """Return all accounts, by name."""
        return self._people.every()

    def person_of(self, person: str) -> Account | None:
        """Return the account that the audit log knows under a person's name."""
        return next((one for one in self.every() if _plain(one.person) == _plain(person)), None)

    def set_roles(self, name: str, roles: Iterable[Role], actor: str) -> None:
        """Give an account its roles in the bank; they count from its next request."""
        given = frozenset(roles)
        self._people.change(name, actor, "roles", lambda account: replace(account, roles=given))

    def enable(self, name: str, actor: str, *, enabled: bool) -> None:
        """Let an account in, or keep it out, from its next request."""
        what = "enabled" if enabled else "disabled"
        self._people.change(name, actor, what, lambda account: replace(account, enabled=enabled))

    def set_language(self, name: str, language: str) -> None:
        """Choose the language of an account's pages."""
        actor = self.get(name).person
        self._people.change(name, actor, "language", lambda account: replace(account, language=language))

    def set_password(self, name: str, password: str, actor: str) -> None:
        """Replace a local account's password.

        Raises
        ------
        AccountInvalid
            If an OpenID provider answers for the account.
        PasswordWeak
            If it is easy to guess.
        """
        hashed = self._password_hash(name, password)
        self._people.keep(name, actor, "password", lambda kept: replace(kept, password=hashed))

    def reset_password(self, name: str, password: str, actor: str) -> None:
        """Replace a local account's password and turn its second factor off, as one; raises as ``set_password``."""
        hashed = self._password_hash(name, password)
        self._people.keep(name, actor, "password reset, second factor off", lambda kept: Kept(hashed))

    def set_second_factor(self, name: str, secret: str, code: str) -> None:
        """Turn an account's second factor on, once it has shown that its app knows the secret.

        Raises
        ------
        CodeWrong
            If the code is not the secret's.
        """
        account = self.get(name)
        step = credentials.otp_step(secret, code, self._clock.now(), 0)
        if step is None:
            raise CodeWrong
        otp = self._safe.close(secret)
        self._people.keep(name, account.person, "second factor", lambda kept: replace(kept, otp=otp, otp_step=step))

    def drop_second_factor(self, name: str, actor: str) -> None:
        """Turn an account's second factor off."""
        self.get(name)
        self._people.keep(name, actor, "second factor off", lambda kept: replace(kept, otp="", otp_step=0))

    def groups(self) -> Sequence[Group]:
        """Return all groups, by name."""
        return self._people.groups()

    def keep_group(self, group: Group, actor: str) -> None:
        """Make a group, or replace its title and members.

        Raises
        ------
        AccountInvalid
            If its name will not do.
        AccountAbsent
            If a member has no account.
        """
        if not _NAME.fullmatch(group.name):
            raise AccountInvalid(
                f"'{group.name}' is no name for a group: use lower-case letters, digits, '.', '_', '-'"
            )
        for member in group.members:
            self.get(member)
        self._people.keep_group(group, actor)

    def check_own_membership(self, account: Account, group: Group) -> None:
        """Refuse that a group, as it is to be kept, takes its own keeper in or lets them go.

        Raises
        ------
        OwnAccount
            If it does.
        """
        there = any(one.name == group.name and account.name in one.members for one in self.groups())
        if there != (account.name in group.members):
            raise OwnAccount

    def team(self, application: ApplicationId) -> Sequence[Membership]:
        """Return who has a role in a project."""
        return self._people.memberships(application)

    def join(self, membership: Membership, actor: str) -> None:
        """Give an account or a group a role in a project; the same again is silent."""
        name = membership.who.removeprefix(GROUP)
        if not membership.who.startswith(GROUP):
            self.get(name)
        elif all(group.name != name for group in self.groups()):
            raise GroupAbsent(name)
        self._people.join(membership, actor)

    def leave(self, membership: Membership, actor: str) -> None:
        """Take a role in a project away; silent if there is none.

        Raises
        ------
        LastApplicant
            If nobody would be left who may change the project.
        """
        applicants = [one for one in self.team(membership.application) if one.role is ProjectRole.APPLICANT]
        if applicants == [membership]:
            raise LastApplicant(membership.application)
        self._people.leave(membership, actor)

    def rights(self, account: Account) -> Rights:
        """Return what an account may do, by its own roles and those of its groups."""
        names = {account.name, *(GROUP + group.name for group in self.groups() if account.name in group.members)}
        found: dict[ApplicationId, frozenset[ProjectRole]] = {}
        for one in self._people.memberships_of(names):
            found[one.application] = found.get(one.application, frozenset()) | {one.role}
        return Rights(account, found)

    def aliases(self, person: str) -> Sequence[str]:
        """Return every word by which an application may name a person: none may decide about their own."""
        account = self.person_of(person)
        return (person,) if account is None else tuple(filter(None, (account.person, account.name, account.email)))

    def _password_hash(self, name: str, password: str) -> str:
        if not self.get(name).local:
            raise AccountInvalid(f"account '{name}' signs in elsewhere and has no password here: change it there")
        credentials.check_strength(password, name)
        return credentials.password_hash(password)

    def _check_free(self, account: Account) -> None:
        if self._people.get(account.name) is not None:
            raise AccountExists("name", account.name)
        if self.person_of(account.person) is not None:
            raise AccountExists("person", account.person)


def check_other(account: Account, name: str) -> None:
    """Refuse that an account changes its own rights.

    Raises
    ------
    OwnAccount
        If ``name`` is its own.
    """
    if account.name == name:
        raise OwnAccount


def _check_words(account: Account) -> None:
    if not _NAME.fullmatch(account.name):
        raise AccountInvalid(
            f"'{account.name}' is no name for an account: use lower-case letters, digits, '.', '_' and '-'"
        )
    if _plain(account.person) in RESERVED:
        raise AccountInvalid(f"'{account.person}' is how voxpop names itself in the audit log: name the person")
    if not account.person.strip() or len(account.person) > _LONGEST or not account.person.isprintable():
        raise AccountInvalid(f"account '{account.name}' needs a person's name of at most {_LONGEST} characters")


def _plain(words: str) -> str:
    return " ".join(words.split()).casefold()
