"""What the access stage needs from outside."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from voxpop.access.model import Account, Group, Membership, Session, Token
from voxpop.kernel.ids import ApplicationId


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of an account's credentials.

    Parameters
    ----------
    password : str
        Its argon2 hash; empty for none.
    otp : str
        The closed secret of the second factor; empty for none.
    otp_step : int
        The last time step that was used.
    """

    password: str = ""
    otp: str = ""
    otp_step: int = 0


class People(Protocol):
    """Where accounts, groups and memberships are kept; each change is in the audit log."""

    def add(self, account: Account, kept: Kept, actor: str) -> None:
        """Keep a new account."""
        ...

    def change(self, name: str, actor: str, what: str, by: Callable[[Account], Account]) -> Account:
        """Change an account as it stands by now, and return it; ``what`` says in a word what was changed."""
        ...

    def get(self, name: str) -> Account | None:
        """Return an account; None where there is none."""
        ...

    def of_subject(self, issuer: str, subject: str) -> Account | None:
        """Return the account of an OpenID provider's subject; None where there is none."""
        ...

    def every(self) -> Sequence[Account]:
        """Return all accounts, by name."""
        ...

    def kept(self, name: str) -> Kept:
        """Return what is kept of an account's credentials; nothing for an account that is not there."""
        ...

    def keep(self, name: str, actor: str, what: str, by: Callable[[Kept], Kept]) -> None:
        """Change what is kept of an account's credentials as it stands by now."""
        ...

    def use_step(self, name: str, step: int) -> bool:
        """Use a time step of the second factor up; False where it, or a later one, was used already."""
        ...

    def groups(self) -> Sequence[Group]:
        """Return all groups, by name."""
        ...

    def keep_group(self, group: Group, actor: str) -> None:
        """Keep a group, or replace its title and members."""
        ...

    def memberships(self, application: ApplicationId) -> Sequence[Membership]:
        """Return the memberships of a project."""
        ...

    def memberships_of(self, names: Collection[str]) -> Sequence[Membership]:
        """Return the memberships of an account and its groups, in all projects."""
        ...

    def join(self, membership: Membership, actor: str) -> None:
        """Give a role in a project; the same again is silent."""
        ...

    def leave(self, membership: Membership, actor: str) -> None:
        """Take a role in a project away; silent if there is none."""
        ...


class Sessions(Protocol):
    """Where sessions and failed tries are kept."""

    def add(self, session: Session) -> None:
        """Keep a new session."""
        ...

    def get(self, digest: str) -> Session | None:
        """Return a session by the digest of its secret."""
        ...

    def seen(self, digest: str, at: datetime) -> None:
        """Note when a session was used last."""
        ...

    def end(self, digest: str) -> None:
        """Forget a session; silent if there is none."""
        ...

    def end_of(self, account: str) -> None:
        """Forget all sessions of an account."""
        ...

    def failures(self, key: str, since: datetime) -> tuple[int, datetime | None]:
        """Return how many tries failed since a moment, and when the first of them did."""
        ...

    def failed(self, key: str, at: datetime) -> None:
        """Note a try that failed; those that no longer count may be forgotten."""
        ...

    def forgive(self, key: str) -> None:
        """Forget the tries that failed."""
        ...


class Tokens(Protocol):
    """Where the tokens of programs are kept; each change is in the audit log."""

    def add(self, token: Token, digest: str, actor: str) -> None:
        """Keep a new token by its secret's digest."""
        ...

    def of_digest(self, digest: str) -> Token | None:
        """Return a token by its secret's digest."""
        ...

    def of_account(self, account: str) -> Sequence[Token]:
        """Return an account's tokens, the newest first."""
        ...

    def revoke(self, token: str, actor: str) -> None:
        """Revoke a token."""
        ...

    def used(self, token: str, at: datetime) -> None:
        """Note when a token was used last."""
        ...


@dataclass(frozen=True, slots=True)
class Errand:
    """A sign-in that was sent to an OpenID provider and is not back yet.

    Parameters
    ----------
    provider : str
        Its name in the settings.
    state, nonce, verifier : str
        256 random bits each: what comes back with the browser, in the ID token, and stays with us (RFC 7636).
    back : str
        The path of ours to go on to.
    begun_at : datetime
    """

    provider: str
    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    back: str
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser brings back from an OpenID provider (RFC 6749, 4.1.2; RFC 9207)."""

    state: str
    code: str = field(default="", repr=False)
    issuer: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who someone is, as an OpenID provider has proven.

    Parameters
    ----------
    entitlements : frozenset of str
        The groups and entitlements that userinfo tells of.
    id_token : str
        What the provider wants to hear at the sign-out.
    """

    issuer: str
    subject: str
    username: str = ""
    person: str = ""
    email: str = ""
    entitlements: frozenset[str] = frozenset()
    id_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Ending:
    """A provider's word that someone has signed out there; ``token`` names it, so that it counts once."""

    issuer: str
    subject: str
    token: str


class IdentityProvider(Protocol):
    """An OpenID provider that we are a client of."""

    @property
    def issuer(self) -> str:
        """Its name for itself."""
        ...

    def begin(self, errand: Errand, redirect_uri: str) -> str:
        """Return the address that a browser is sent to, or raise ``ProviderDown`` or ``ProviderWrong``."""
        ...

    def finish(self, answer: Answer, errand: Errand, redirect_uri: str) -> Identity:
        """Return who came back, or raise ``IdentityRefused``, ``ProviderDown`` or ``ProviderWrong``."""
        ...

    def leave(self, id_token: str, back: str, state: str) -> str:
        """Return the address that signs a browser out there too; empty where the provider has none."""
        ...

    def ending(self, logout_token: str) -> Ending:
        """Return who has signed out there, or raise ``IdentityRefused``, ``ProviderDown`` or ``ProviderWrong``."""
        ...
