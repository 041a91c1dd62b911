"""How people and programs come in: sign-in, sessions, lock-out, tokens.

A lock-out must not be a weapon against its owner. So failures are counted for an account and an address together, and
a browser that signed in before (it holds a signed device cookie) is counted by itself: whatever strangers try, it may
go on.

Notes
-----
OWASP, "Slow Down Online Guessing Attacks with Device Cookies". OWASP ASVS 4.0.3, chapters 2 and 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

from voxpop.access import credentials
from voxpop.access.errors import (
    ScopeUnknown,
    SecondFactorWanted,
    SignInRefused,
    TokenAbsent,
    TokenInvalid,
    TokenTooLong,
    TooManyTries,
)
from voxpop.access.model import FAILURES_COUNT, Account, Session, Token
from voxpop.access.permissions import Action
from voxpop.access.ports import People, Sessions, Tokens
from voxpop.kernel.clock import Clock
from voxpop.kernel.ledger import Event, Ledger

READ = "read"
WRITE = "write"
TOKEN_PREFIX = "vxp_"  # noqa: S105 -- what a token begins with, so that scanners of secrets can find one
LONGEST_TOKEN_DAYS = 366
_FROM_ONE_ADDRESS = (5, timedelta(minutes=15))
_FROM_ANYWHERE = (100, FAILURES_COUNT)  # ASVS 2.2.1
_NOTE_EVERY = timedelta(minutes=1)
_DEVICE = "device"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a session lives: without use, and at most."""

    idle: timedelta = timedelta(minutes=30)
    whole: timedelta = timedelta(hours=12)


PATIENCE = Patience()
Keys: TypeAlias = Sequence[tuple[str, tuple[int, timedelta]]]
"""What failures are counted by, and how many are borne within which time."""


@dataclass(frozen=True, slots=True)
class Books:
    """Where who may come in is kept."""

    people: People
    sessions: Sessions
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Knock:
    """Who stands at the door, as far as can be seen.

    Parameters
    ----------
    address : str
        The client's network address.
    device : str
        The signed device cookie; empty for none.
    """

    address: str
    device: str = ""


class Entrance:
    """Sign-in, sessions and tokens.

    Parameters
    ----------
    books : Books
    safe : credentials.Safe
    """

    def __init__(
        self, books: Books, safe: credentials.Safe, ledger: Ledger, clock: Clock, patience: Patience = PATIENCE
    ) -> None:
        self._people = books.people
        self._sessions = books.sessions
        self._tokens = books.tokens
        self._safe = safe
        self._ledger = ledger
        self._clock = clock
        self._patience = patience

    def sign_in(self, name: str, password: str, code: str, knock: Knock) -> Account:
        """Let a local account in by its password, and its code where it has a second factor.

        Raises
        ------
        TooManyTries
            If too many tries failed from here.
        SecondFactorWanted
            If the password is right, and no code was given.
        SignInRefused
            If anything is wrong; it does not say what.
        """
        name = name.strip().casefold()
        keys = self._keys(name, knock)
        self._check_patience(keys)
        account, kept = self._people.get(name), self._people.kept(name)
        right = credentials.password_fits(password, kept.password)
        if account is None or not (right and account.enabled and account.local):
            self._failed(account, keys)
            raise SignInRefused
        if kept.otp:
            if not code.strip():
                raise SecondFactorWanted
            step = credentials.otp_step(self._safe.open(kept.otp), code, self._clock.now(), kept.otp_step)
            if step is None or not self._people.use_step(name, step):
                self._failed(account, keys)
                raise SignInRefused
        for key, _ in keys[:1]:
            self._sessions.forgive(key)
        return account

    def check_password(self, name: str, password: str, knock: Knock) -> None:
        """Ask someone who has signed in for their password again, as patiently as at the door.

        Raises
        ------
        SignInRefused, TooManyTries
            As ``sign_in`` does.
        """
        keys = self._keys(name, knock)
        self._check_patience(keys)
        if not credentials.password_fits(password, self._people.kept(name).password):
            self._failed(self._people.get(name), keys)
            raise SignInRefused

    def begin(self, account: Account, id_token: str = "") -> tuple[str, Session]:
        """Begin a session; returns the secret for its cookie, which is kept nowhere."""
        secret, now = credentials.new_secret(), self._clock.now()
        digest = credentials.secret_digest(secret)
        ends = now + self._patience.whole
        session = Session(digest, account.name, credentials.new_secret(), now, now, ends, id_token)
        self._sessions.add(session)
        self._ledger.record(Event("session.begun", f"account:{account.name}", account.person))
        return secret, session

    def session(self, secret: str) -> tuple[Session, Account] | None:
        """Return the session of a cookie's secret and its account as it is now; None where it is over."""
        found = self._sessions.get(credentials.secret_digest(secret)) if secret else None
        if found is None:
            return None
        now = self._clock.now()
        account = self._people.get(found.account)
        over = now >= found.ends_at or now - found.seen_at >= self._patience.idle
        if over or account is None or not account.enabled:
            self._sessions.end(found.digest)
            return None
        if now - found.seen_at >= _NOTE_EVERY:
            self._sessions.seen(found.digest, now)
        return found, account

    def lives(self, digest: str) -> bool:
        """Say whether a session is still open, without using it."""
        found = self._sessions.get(digest)
        now = self._clock.now()
        return found is not None and now < found.ends_at and now - found.seen_at < self._patience.idle

    def sign_out(self, session: Session, person: str) -> None:
        """End a session."""
        self._sessions.end(session.digest)
        self._ledger.record(Event("session.ended", f"account:{session.account}", person))

    def sign_out_everywhere(self, account: str) -> None:
        """End all sessions of an account: after a new password, or when it is kept out."""
        self._sessions.end_of(account)

    def shut_out(self, account: str, actor: str) -> None:
        """End all sessions of an account and revoke its tokens: somebody else set its password, or keeps it out."""
        self._sessions.end_of(account)
        for token in self._tokens.of_account(account):
            if not token.revoked:
                self._tokens.revoke(token.id, actor)

    def device_cookie(self, account: str) -> str:
        """Return what a browser is known by the next time."""
        return self._safe.signed(f"{account}~{credentials.new_secret()}", _DEVICE)

    def signed(self, text: str, purpose: str) -> str:
        """Return a text with our signature, for a browser to bring back."""
        return self._safe.signed(text, purpose)

    def unsigned(self, signed: str, purpose: str) -> str | None:
        """Return the text of a signed one; None where the signature is not ours or for something else."""
        return self._safe.unsigned(signed, purpose)

    def make_token(self, account: Account, label: str, scopes: frozenset[str], ends_on: date) -> tuple[str, Token]:
        """Make a token for a program; returns the token itself, which is kept nowhere.

        Raises
        ------
        TokenTooLong
            If it would end today, before, or after the longest time.
        ScopeUnknown
            If a scope is none.
        """
        now = self._clock.now()
        if not 1 <= (ends_on - now.date()).days <= LONGEST_TOKEN_DAYS:
            raise TokenTooLong(LONGEST_TOKEN_DAYS)
        for scope in sorted(scopes):
            if scope not in (READ, WRITE) and scope not in set(Action):
                raise ScopeUnknown(scope)
        secret = TOKEN_PREFIX + credentials.new_secret()
        digest = credentials.secret_digest(secret)
        token = Token(digest[:12], account.name, label.strip()[:80], scopes, now, ends_on)
        self._tokens.add(token, digest, account.person)
        return secret, token

    def token(self, secret: str) -> tuple[Token, Account]:
        """Return a token and its account as it is now.

        Raises
        ------
        TokenInvalid
            If it is unknown, has ended or was revoked, or its account is kept out.
        """
        found = self._tokens.of_digest(credentials.secret_digest(secret)) if secret.startswith(TOKEN_PREFIX) else None
        now = self._clock.now()
        account = self._people.get(found.account) if found else None
        if found is None or account is None or not account.enabled or not found.holds(now):
            raise TokenInvalid
        if found.used_at is None or now - found.used_at >= _NOTE_EVERY:
            self._tokens.used(found.id, now)
        return found, account

    def token_lives(self, account: str, token: str) -> bool:
        """Say whether a token still holds, without using it."""
        found = self.token_named(account, token)
        return found is not None and found.holds(self._clock.now())

    def tokens(self, account: Account) -> Sequence[Token]:
        """Return an account's tokens, the newest first."""
        return self._tokens.of_account(account.name)

    def token_named(self, account: str, token: str) -> Token | None:
        """Return one of an account's tokens by its id; None where there is none."""
        return next((one for one in self._tokens.of_account(account) if one.id == token), None)

    def revoke_token(self, account: Account, token: str) -> None:
        """Revoke one of an account's tokens.

        Raises
        ------
        TokenAbsent
            If the account has no such token.
        """
        if self.token_named(account.name, token) is None:
            raise TokenAbsent(token)
        self._tokens.revoke(token, account.person)

    def _keys(self, name: str, knock: Knock) -> Keys:
        """Return what failures are counted by; a known browser is counted by itself."""
        known = self._safe.unsigned(knock.device, _DEVICE) if knock.device else None
        if known is not None and known.partition("~")[0] == name:
            return [(_key("device", known), _FROM_ONE_ADDRESS)]
        return [(_key("from", name, knock.address), _FROM_ONE_ADDRESS), (_key("strangers", name), _FROM_ANYWHERE)]

    def _check_patience(self, keys: Keys) -> None:
        now = self._clock.now()
        for key, (borne, within) in keys:
            failures, first = self._sessions.failures(key, now - within)
            if failures >= borne and first is not None:
                raise TooManyTries(int((first + within - now).total_seconds()))

    def _failed(self, account: Account | None, keys: Keys) -> None:
        for key, _ in keys:
            self._sessions.failed(key, self._clock.now())
        if account is not None:  # a name that is no account may be a password in the wrong field
            self._ledger.record(Event("session.refused", f"account:{account.name}", "unknown"))


def _key(*words: str) -> str:
    """Return what failures are counted by; a digest, since what was typed as a name may be a password."""
    return credentials.secret_digest("\n".join(words))


def scope_covers(scopes: frozenset[str], action: Action, *, reading: bool) -> bool:
    """Say whether a token's scopes cover an action; ``read`` covers what only reads, ``write`` all."""
    return WRITE in scopes or action.value in scopes or (reading and READ in scopes)
