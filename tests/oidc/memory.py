"""The access stage's ports in memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from voxpop.access.model import Account, Group, Membership, Session
from voxpop.access.ports import Kept
from voxpop.kernel.ids import ApplicationId


class MemoryPeople:
    """Accounts and groups, and the words of their changes."""

    def __init__(self) -> None:
        self.changes: list[str] = []
        self._accounts: dict[str, Account] = {}
        self._kept: dict[str, Kept] = {}
        self._groups: dict[str, Group] = {}

    def add(self, account: Account, kept: Kept, actor: str) -> None:
        assert account.name not in self._accounts
        self._accounts[account.name], self._kept[account.name] = account, kept
        self.changes.append(f"made {account.name}")

    def change(self, name: str, actor: str, what: str, by: Callable[[Account], Account]) -> Account:
        self._accounts[name] = by(self._accounts[name])
        self.changes.append(what)
        return self._accounts[name]

    def get(self, name: str) -> Account | None:
        return self._accounts.get(name)

    def of_subject(self, issuer: str, subject: str) -> Account | None:
        found = (one for one in self._accounts.values() if (one.issuer, one.subject) == (issuer, subject))
        return next(found, None)

    def every(self) -> Sequence[Account]:
        return sorted(self._accounts.values(), key=lambda one: one.name)

    def kept(self, name: str) -> Kept:
        return self._kept.get(name, Kept())

    def keep(self, name: str, actor: str, what: str, by: Callable[[Kept], Kept]) -> None:
        self._kept[name] = by(self.kept(name))

    def use_step(self, name: str, step: int) -> bool:
        fresh = step > self.kept(name).otp_step
        if fresh:
            self._kept[name] = replace(self.kept(name), otp_step=step)
        return fresh

    def groups(self) -> Sequence[Group]:
        return sorted(self._groups.values(), key=lambda one: one.name)

    def keep_group(self, group: Group, actor: str) -> None:
        self._groups[group.name] = group
        self.changes.append(f"group {group.name}")

    def memberships(self, application: ApplicationId | None = None) -> Sequence[Membership]:
        return []

    def join(self, membership: Membership, actor: str) -> None:
        raise AssertionError

    def leave(self, membership: Membership, actor: str) -> None:
        raise AssertionError


class MemorySessions:
    """Sessions, and tries that failed."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._failures: list[tuple[str, datetime]] = []

    def add(self, session: Session) -> None:
        self._sessions[session.digest] = session

    def get(self, digest: str) -> Session | None:
        return self._sessions.get(digest)

    def seen(self, digest: str, at: datetime) -> None:
        self._sessions[digest] = replace(self._sessions[digest], seen_at=at)

    def end(self, digest: str) -> None:
        self._sessions.pop(digest, None)

    def end_of(self, account: str) -> None:
        self._sessions = {one: found for one, found in self._sessions.items() if found.account != account}

    def failures(self, key: str, since: datetime) -> tuple[int, datetime | None]:
        found = [at for one, at in self._failures if one == key and at >= since]
        return len(found), min(found, default=None)

    def failed(self, key: str, at: datetime) -> None:
        self._failures.append((key, at))

    def forgive(self, key: str) -> None:
        self._failures = [(one, at) for one, at in self._failures if one != key]
