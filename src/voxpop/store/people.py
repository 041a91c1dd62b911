"""Accounts, groups and memberships over SQL."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial

from sqlalchemy import ColumnElement, Engine, delete, select, update
from sqlalchemy.orm import Session

from voxpop.access.errors import AccountAbsent
from voxpop.access.model import Account, Group, Membership, ProjectRole, Role
from voxpop.access.ports import Kept
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ApplicationId
from voxpop.kernel.ledger import Event
from voxpop.store.engine import reading
from voxpop.store.ledger import SqlLedger
from voxpop.store.schema import AccountRow, GroupRow, MembershipRow


class _ChangedMeanwhile(Exception):
    """The account is not what it was when it was read: read it again."""


class SqlPeople:
    """Accounts, groups and memberships."""

    def __init__(self, engine: Engine, ledger: SqlLedger) -> None:
        self._engine = engine
        self._ledger = ledger

    def add(self, account: Account, kept: Kept, actor: str) -> None:
        """Keep a new account."""
        row = AccountRow(name=account.name, password=kept.password, otp=kept.otp, otp_step=kept.otp_step)
        _describe(row, account)
        event = Event("account.made", f"account:{account.name}", actor, facts=_facts(account))
        self._ledger.change(event, lambda session: session.add(row))

    def change(self, name: str, actor: str, what: str, by: Callable[[Account], Account]) -> Account:
        """Change an account as it stands by now, and return it; ``what`` says in a word what was changed."""
        while True:
            before = self._there(name)
            after = by(before)
            event = Event("account.changed", f"account:{name}", actor, what, _facts(after))
            with suppress(_ChangedMeanwhile):
                self._ledger.change(event, partial(_rewrite, before, after))
                return after

    def get(self, name: str) -> Account | None:
        """Return an account; None where there is none."""
        with reading(self._engine) as session:
            row = session.get(AccountRow, name)
        return _account(row) if row else None

    def of_subject(self, issuer: str, subject: str) -> Account | None:
        """Return the account of an OpenID provider's subject; None where there is none."""
        query = select(AccountRow).where(AccountRow.issuer == issuer, AccountRow.subject == subject)
        with reading(self._engine) as session:
            row = session.scalars(query).first()
        return _account(row) if row else None

    def every(self) -> Sequence[Account]:
        """Return all accounts, by name."""
        with reading(self._engine) as session:
            return [_account(row) for row in session.scalars(select(AccountRow).order_by(AccountRow.name))]

    def kept(self, name: str) -> Kept:
        """Return what is kept of an account's credentials; nothing for an account that is not there."""
        with reading(self._engine) as session:
            row = session.get(AccountRow, name)
        return _kept(row) if row else Kept()

    def keep(self, name: str, actor: str, what: str, by: Callable[[Kept], Kept]) -> None:
        """Change what is kept of an account's credentials as it stands by now."""

        def change(session: Session) -> None:
            row = session.get_one(AccountRow, name, with_for_update=True)
            kept = by(_kept(row))
            row.password, row.otp, row.otp_step = kept.password, kept.otp, kept.otp_step

        self._ledger.change(Event("account.changed", f"account:{name}", actor, what), change)

    def use_step(self, name: str, step: int) -> bool:
        """Use a time step of the second factor up; False where it, or a later one, was used already."""
        fresh = update(AccountRow).where(AccountRow.name == name, AccountRow.otp_step < step)
        with Session(self._engine) as session, session.begin():
            return session.execute(fresh.values(otp_step=step).returning(AccountRow.name)).first() is not None

    def groups(self) -> Sequence[Group]:
        """Return all groups, by name."""
        with reading(self._engine) as session:
            rows = session.scalars(select(GroupRow).order_by(GroupRow.name)).all()
        return [Group(row.name, row.title, tuple(row.members)) for row in rows]

    def keep_group(self, group: Group, actor: str) -> None:
        """Keep a group, or replace its title and members."""
        row = GroupRow(name=group.name, title=group.title, members=[*group.members])
        event = Event("group.kept", f"group:{group.name}", actor, facts={"members": [*group.members]})
        self._ledger.change(event, lambda session: session.merge(row))

    def memberships(self, application: ApplicationId) -> Sequence[Membership]:
        """Return the memberships of a project."""
        return self._memberships(MembershipRow.application == application)

    def memberships_of(self, names: Collection[str]) -> Sequence[Membership]:
        """Return the memberships of an account and its groups, in all projects."""
        return self._memberships(MembershipRow.who.in_(names))

    def join(self, membership: Membership, actor: str) -> None:
        """Give a role in a project; the same again is silent."""
        if membership in self.memberships(membership.application):
            return
        row = MembershipRow(application=membership.application, who=membership.who, role=membership.role.value)
        self._ledger.change(_event("project.joined", membership, actor), lambda session: session.merge(row))

    def leave(self, membership: Membership, actor: str) -> None:
        """Take a role in a project away; silent if there is none."""
        if membership not in self.memberships(membership.application):
            return
        gone = delete(MembershipRow).where(
            MembershipRow.application == membership.application,
            MembershipRow.who == membership.who,
            MembershipRow.role == membership.role.value,
        )
        self._ledger.change(_event("project.left", membership, actor), lambda session: session.execute(gone))

    def _there(self, name: str) -> Account:
        found = self.get(name)
        if found is None:
            raise AccountAbsent(name)
        return found

    def _memberships(self, which: ColumnElement[bool]) -> Sequence[Membership]:
        query = select(MembershipRow).where(which)
        query = query.order_by(MembershipRow.application, MembershipRow.who, MembershipRow.role)
        with reading(self._engine) as session:
            rows = session.scalars(query).all()
        return [Membership(ApplicationId(row.application), row.who, ProjectRole(row.role)) for row in rows]


def _rewrite(before: Account, after: Account, session: Session) -> None:
    row = session.get_one(AccountRow, before.name, with_for_update=True)
    if _account(row) != before:
        raise _ChangedMeanwhile
    _describe(row, after)


def _kept(row: AccountRow) -> Kept:
    return Kept(row.password, row.otp, row.otp_step)


def _describe(row: AccountRow, account: Account) -> None:
    row.person, row.email = account.person, account.email
    row.issuer, row.subject = account.issuer, account.subject
    row.roles = sorted(role.value for role in account.roles)
    row.enabled, row.language = account.enabled, account.language


def _account(row: AccountRow) -> Account:
    return Account(
        name=row.name,
        person=row.person,
        email=row.email,
        roles=frozenset(Role(role) for role in row.roles),
        enabled=row.enabled,
        issuer=row.issuer,
        subject=row.subject,
        language=row.language,
        second_factor=bool(row.otp),
    )


def _facts(account: Account) -> dict[str, Json]:
    return {
        "person": account.person,
        "roles": [*sorted(role.value for role in account.roles)],
        "enabled": account.enabled,
        "issuer": account.issuer,
    }


def _event(action: str, membership: Membership, actor: str) -> Event:
    facts: dict[str, Json] = {"who": membership.who, "role": membership.role.value}
    return Event(action, f"application:{membership.application}", actor, facts=facts)
