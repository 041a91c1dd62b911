"""Accounts, groups, memberships, sessions and tokens."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from voxpop.kernel.ids import ApplicationId

FAILURES_COUNT = timedelta(hours=1)
"""How long a try to sign in that failed counts, at most, whatever it is counted by."""


class Role(StrEnum):
    """What an account is in the whole bank."""

    RESEARCHER = "researcher"
    COMMITTEE = "committee"
    DATA_MANAGER = "data-manager"
    TECHNICAL_MANAGER = "technical-manager"
    AUDITOR = "auditor"


class ProjectRole(StrEnum):
    """What an account is in one project, which is one application."""

    APPLICANT = "applicant"
    MEMBER = "member"
    IT_CONTACT = "it-contact"


@dataclass(frozen=True, slots=True)
class Account:
    """Someone who may sign in.

    Parameters
    ----------
    name : str
        What they type: lower-case letters, digits, ``.``, ``_`` and ``-``.
    person : str
        As the audit log names them; no two accounts have the same.
    issuer, subject : str
        The OpenID provider and its name for them; both empty for a local account.
    language : str
        ``en``, ``es``, or empty: as the browser asks.
    """

    name: str
    person: str
    email: str = ""
    roles: frozenset[Role] = frozenset()
    enabled: bool = True
    issuer: str = ""
    subject: str = ""
    language: str = ""
    second_factor: bool = False

    @property
    def local(self) -> bool:
        """Whether they sign in with a password of ours."""
        return not self.issuer


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that are given rights together."""

    name: str
    title: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Membership:
    """A role in a project; ``who`` is an account's name, or ``group:`` and a group's."""

    application: ApplicationId
    who: str
    role: ProjectRole


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has signed in.

    Parameters
    ----------
    digest : str
        SHA-256 of the secret that its cookie holds; the secret itself is kept nowhere.
    csrf : str
        What each of its forms must bring along.
    id_token : str
        What an OpenID provider wants to hear at the sign-out; empty for a local account.
    """

    digest: str
    account: str
    csrf: str
    begun_at: datetime
    seen_at: datetime
    ends_at: datetime
    id_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A program's right to act for an account, within scopes, until a day.

    Parameters
    ----------
    id : str
        Public; its first characters stand in the token itself.
    scopes : frozenset of str
        ``read``, ``write``, or names of actions.
    """

    id: str
    account: str
    label: str
    scopes: frozenset[str]
    made_at: datetime
    ends_on: date
    revoked: bool = False
    used_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Say whether it was neither revoked nor has ended."""
        return not self.revoked and self.ends_on >= now.date()
