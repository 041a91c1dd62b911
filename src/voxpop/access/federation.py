"""Sign-in with OpenID providers: which account a proven identity is, and what it may do.

An account belongs to an issuer and a subject, never to an e-mail address or a name: those are the provider's word, and
anybody may choose them somewhere. Its name and its person are chosen once, free of everyone else's, and stay. Its roles
and groups are counted anew at each sign-in from what the provider says then, and there is none by default.

Notes
-----
OpenID Connect Core 1.0, 5.7 (claim stability). RFC 9700, 2.1 and 4.4 (codes, mix-up). AARC-G069 (entitlements).
"""

import hmac
import json
import re
import threading
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import TypeVar

from voxpop.access import credentials
from voxpop.access.entrance import Knock
from voxpop.access.errors import (
    AccountKeptOut,
    IdentityRefused,
    NoMember,
    ProviderAbsent,
    SecretUnreadable,
    SignInDeclined,
    SignInStale,
    TooManyTries,
)
from voxpop.access.model import Account, Group, Role, Session
from voxpop.access.ports import Answer, Errand, Identity, IdentityProvider, People, Sessions
from voxpop.access.service import RESERVED, AccessService
from voxpop.kernel.clock import Clock
from voxpop.kernel.errors import Refused
from voxpop.kernel.ledger import Event, Ledger

PENDING = timedelta(minutes=10)
_WINDOW = timedelta(minutes=15)
_FROM_ONE_ADDRESS = 50
_ACTOR = "voxpop"
_LONGEST_NAME = 63
_LONGEST_PERSON = 80
_LONGEST_KEPT = 200
_Given = TypeVar("_Given")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a provider's word is worth here.

    Parameters
    ----------
    name, title : str
        In addresses, and for people.
    roles : mapping
        An entitlement or group, exactly or with a trailing ``*``, to a role in the bank.
    groups : mapping
        The same, to the name of a group of ours.
    members : tuple of str
        Of these, whoever comes in must have one; empty for whomever the provider knows.
    """

    name: str
    title: str
    roles: Mapping[str, Role] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Door:
    """A provider and its rules."""

    provider: IdentityProvider
    rules: Rules


@dataclass(frozen=True, slots=True)
class Register:
    """What is known of people here.

    Parameters
    ----------
    known : callable
        Says whether a person's name stands in a right or in the audit log, although it may have no account.
    """

    people: People
    sessions: Sessions
    access: AccessService
    known: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Arrival:
    """Someone who has come back from a provider, and where they go on to."""

    account: Account
    back: str
    id_token: str = field(repr=False)


class Federation:
    """The use cases of signing in and out with OpenID providers.

    Parameters
    ----------
    doors : sequence of Door
    safe : credentials.Safe
        Closes what a browser carries through the sign-in.
    """

    def __init__(
        self, doors: Sequence[Door], register: Register, safe: credentials.Safe, ledger: Ledger, clock: Clock
    ) -> None:
        self._doors = {door.rules.name: door for door in doors}
        self._people = register.people
        self._sessions = register.sessions
        self._access = register.access
        self._known = register.known
        self._safe = safe
        self._ledger = ledger
        self._clock = clock
        self._used: dict[str, datetime] = {}
        self._turn = threading.Lock()

    @property
    def rules(self) -> Sequence[Rules]:
        """The providers that may be chosen, in the settings' order."""
        return [door.rules for door in self._doors.values()]

    def begin(self, name: str, back: str, redirect_uri: str, knock: Knock) -> tuple[str, str]:
        """Send someone to a provider; returns the address, and what their browser keeps until they are back.

        Raises
        ------
        ProviderAbsent, ProviderDown, ProviderWrong
            If there is no such provider, or it can't be used now.
        TooManyTries
            If too many sign-ins from this address were refused.
        """
        door = self._door(name)
        self._check_patience(knock)
        state, nonce, verifier = (credentials.new_secret() for _ in range(3))
        errand = Errand(name, state, nonce, verifier, back, self._clock.now())
        return door.provider.begin(errand, redirect_uri), self._closed(errand)

    def finish(self, name: str, answer: Answer, kept: str, redirect_uri: str, knock: Knock) -> Arrival:
        """Let someone in who is back from a provider; it works once.

        Parameters
        ----------
        kept : str
            What ``begin`` gave to the browser; empty where it brings none.

        Raises
        ------
        SignInStale
            If this browser did not begin it, it took too long, or it is back a second time.
        SignInDeclined, IdentityRefused
            If the provider did not sign them in, or what it says proves nothing.
        NoMember, AccountKeptOut
            If we do not let them in.
        ProviderAbsent, ProviderDown, ProviderWrong
            If there is no such provider, or it can't be used now.
        TooManyTries
            If too many sign-ins from this address were refused.
        """
        door = self._door(name)
        self._check_patience(knock)
        errand = self._errand(kept)
        if errand is None or errand.provider != name or not _same(errand.state, answer.state):
            raise SignInStale
        try:
            self._use_once(f"state {errand.state}")
            identity = self._identity(door, answer, errand, redirect_uri)
            return Arrival(self.admit(name, identity), errand.back, identity.id_token)
        except Refused as refusal:
            self._sessions.failed(_key(knock), self._clock.now())
            self._ledger.record(Event("session.refused", f"provider:{name}", "unknown", facts={"code": refusal.code}))
            raise

    def back_of(self, kept: str) -> str:
        """Return where someone wanted to go who was sent to a provider, by what their browser kept."""
        errand = self._errand(kept)
        return errand.back if errand else "/"

    def admit(self, name: str, identity: Identity) -> Account:
        """Return the account of a proven identity, made at the first time, with the roles and groups of today.

        Raises
        ------
        NoMember
            If the provider's groups do not let it in.
        AccountKeptOut
            If its account is disabled.
        IdentityRefused
            If its subject is too long to be kept.
        """
        rules = self._door(name).rules
        if rules.members and not any(fits(one, identity.entitlements) for one in rules.members):
            raise NoMember(rules.title)
        if len(identity.subject) > _LONGEST_KEPT:
            raise IdentityRefused(rules.title, "its name for you is too long")
        with self._turn:  # two browsers of one person, at their first sign-in
            account = self._people.of_subject(identity.issuer, identity.subject)
            account = (
                self._made(rules, identity) if account is None else self._brought_up_to_date(rules, identity, account)
            )
            self._keep_groups(rules, identity, account)
        return account

    def leave(self, account: Account, session: Session, back: str, state: str) -> str:
        """Return the address that signs someone out at their provider too; empty where there is none."""
        door = next((one for one in self._doors.values() if one.provider.issuer == account.issuer), None)
        return door.provider.leave(session.id_token, back, state) if door and session.id_token else ""

    def title_of(self, account: Account) -> str:
        """Return what the provider of an account is called; empty for none."""
        return next((one.rules.title for one in self._doors.values() if one.provider.issuer == account.issuer), "")

    def ended(self, name: str, logout_token: str) -> None:
        """End all sessions of someone who has signed out at their provider (OpenID Connect Back-Channel Logout 1.0).

        Raises
        ------
        IdentityRefused, SignInStale
            If the token is not the provider's word, or came before.
        ProviderAbsent, ProviderDown, ProviderWrong
            If there is no such provider, or it can't be used now.
        """
        ending = self._door(name).provider.ending(logout_token)
        self._use_once(f"logout {name} {ending.token}")
        account = self._people.of_subject(ending.issuer, ending.subject)
        if account is not None:
            self._sessions.end_of(account.name)
            self._ledger.record(Event("session.ended", f"account:{account.name}", _ACTOR, f"signed out at {name}"))

    def _door(self, name: str) -> Door:
        if name not in self._doors:
            raise ProviderAbsent(name)
        return self._doors[name]

    def _identity(self, door: Door, answer: Answer, errand: Errand, redirect_uri: str) -> Identity:
        if answer.error or not answer.code:
            raise SignInDeclined(door.rules.title)
        return door.provider.finish(answer, errand, redirect_uri)

    def _closed(self, errand: Errand) -> str:
        facts = {name: getattr(errand, name) for name in ("provider", "state", "nonce", "verifier", "back")}
        return self._safe.close(json.dumps({**facts, "begun_at": errand.begun_at.isoformat()}))

    def _errand(self, kept: str) -> Errand | None:
        """Return what a browser kept; None where it is not ours or too old."""
        try:
            facts = json.loads(self._safe.open(kept))
            errand = Errand(**{**facts, "begun_at": datetime.fromisoformat(facts["begun_at"])})
        except (SecretUnreadable, ValueError, KeyError, TypeError):  # not closed by us, or closed for something else
            return None
        return errand if timedelta(0) <= self._clock.now() - errand.begun_at < PENDING else None

    def _use_once(self, what: str) -> None:
        now, digest = self._clock.now(), credentials.secret_digest(what)
        with self._turn:
            self._used = {one: until for one, until in self._used.items() if until > now}
            if digest in self._used:
                raise SignInStale
            self._used[digest] = now + PENDING

    def _check_patience(self, knock: Knock) -> None:
        now = self._clock.now()
        failures, first = self._sessions.failures(_key(knock), now - _WINDOW)
        if failures >= _FROM_ONE_ADDRESS and first is not None:
            raise TooManyTries(int((first + _WINDOW - now).total_seconds()))

    def _made(self, rules: Rules, identity: Identity) -> Account:
        name = next(one for one in _names(identity) if self._people.get(one) is None)
        person = next(one for one in _persons(identity, name, rules.title) if not self._taken(one))
        account = Account(
            name=name,
            person=person,
            email=_email(identity),
            roles=granted(rules.roles, identity.entitlements),
            issuer=identity.issuer,
            subject=identity.subject,
        )
        return self._access.add(account, "", _ACTOR)

    def _brought_up_to_date(self, rules: Rules, identity: Identity, account: Account) -> Account:
        if not account.enabled:
            raise AccountKeptOut
        roles = granted(rules.roles, identity.entitlements)
        today = replace(account, roles=roles, email=_email(identity) or account.email)
        if today != account:
            what = "roles" if roles != account.roles else "e-mail"
            said, email = f"{what}, as '{rules.title}' says", today.email
            return self._people.change(account.name, _ACTOR, said, lambda now: replace(now, roles=roles, email=email))
        return today

    def _keep_groups(self, rules: Rules, identity: Identity, account: Account) -> None:
        """Put an account into the groups that the rules give it, and take it out of the others that they name."""
        due = granted(rules.groups, identity.entitlements)
        there = {group.name: group for group in self._people.groups()}
        for name in sorted(set(rules.groups.values())):
            group = there.get(name, Group(name, name))
            if (name in due) != (account.name in group.members):
                others = tuple(one for one in group.members if one != account.name)
                members = (*others, account.name) if name in due else others
                self._access.keep_group(replace(group, members=members), _ACTOR)

    def _taken(self, person: str) -> bool:
        return person.casefold() in RESERVED or self._access.person_of(person) is not None or self._known(person)


def granted(given_for: Mapping[str, _Given], held: Set[str]) -> frozenset[_Given]:
    """Return what is given for the entitlements that someone holds.

    Examples
    --------
    >>> rules = {"urn:x:group:imaging:*": "readers", "urn:x:group:admin": "admins"}
    >>> sorted(granted(rules, {"urn:x:group:imaging:role=member"}))
    ['readers']
    """
    return frozenset(given for pattern, given in given_for.items() if fits(pattern, held))


def fits(pattern: str, held: Set[str]) -> bool:
    """Say whether one of the entitlements is a pattern's: exactly, or by its start where it ends in ``*``.

    Examples
    --------
    >>> fits("staff", {"staff"}), fits("staff", {"staff2"}), fits("staff*", {"staff2"}), fits("Staff", {"staff"})
    (True, False, True, False)
    """
    if pattern.endswith("*"):
        return any(one.startswith(pattern[:-1]) for one in held)
    return pattern in held


def _names(identity: Identity) -> Iterator[str]:
    """Return names for an account, the best first."""
    wished = identity.username or identity.email
    plain = unicodedata.normalize("NFKD", wished.partition("@")[0]).encode("ascii", "ignore").decode().casefold()
    name = re.sub(r"[^a-z0-9._-]+", "-", plain).strip("._-")[:_LONGEST_NAME] or "user"
    yield name
    yield from (f"{name[: _LONGEST_NAME - len(f'-{number}')]}-{number}" for number in count(2))


def _persons(identity: Identity, name: str, title: str) -> Iterator[str]:
    """Return names for a person, the best first."""
    printable = "".join(one if one.isprintable() else " " for one in unicodedata.normalize("NFKC", identity.person))
    person = " ".join(printable.split())[:_LONGEST_PERSON].strip() or name
    yield person
    yield from (f"{person} ({title} {number})" for number in count(1))


def _email(identity: Identity) -> str:
    good = identity.email.isprintable() and len(identity.email) <= _LONGEST_KEPT
    return identity.email if good else ""


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _key(knock: Knock) -> str:
    return credentials.secret_digest(f"federation\n{knock.address}")
