"""Accounts, groups and tokens."""

from pydantic import Field

from voxpop.access.model import ProjectRole, Role
from voxpop.web.api.models.base import Answer, Asked, Day, Line, Moment, Name


class Me(Answer):
    """Who the token acts for."""

    user: str = Field(description="The account's name.")
    person: str = Field(description="As the audit log names them.")
    roles: list[Role] = Field(description="Their roles in the bank.")
    projects: dict[str, list[ProjectRole]] = Field(description="Their roles in projects.")
    scopes: list[str] = Field(description="What the token may do of it.")
    ends_on: Day = Field(description="The token's last day.")


class UserFacts(Answer):
    """An account."""

    user: str = Field(description="Its name.")
    person: str = Field(description="As the audit log names them.")
    email: str = Field(description="Where they are written to.")
    roles: list[Role] = Field(description="Their roles in the bank.")
    enabled: bool = Field(description="Whether they are let in.")
    local: bool = Field(description="Whether they sign in with a password of ours.")
    second_factor: bool = Field(description="Whether they need a code too.")


class UserAsked(Asked):
    """An account to make."""

    user: Name = Field(description="What they type: lower-case letters, digits, `.`, `_`, `-`.")
    person: Line = Field(description="As the audit log will name them.")
    email: Line = Field(default="", description="Where they are written to.")
    roles: list[Role] = Field(default_factory=list, description="Their roles in the bank.")


class UserMade(UserFacts):
    """An account with a first or new password, which is told once."""

    password: str = Field(description="The password; it is told once.")


class RolesAsked(Asked):
    """Roles in the bank."""

    roles: list[Role] = Field(description="All of them; those that are not named are taken away.")


class GroupAsked(Asked):
    """What a group is to be."""

    title: Line = Field(default="", description="Its title.")
    members: list[Name] = Field(default_factory=list, max_length=1000, description="Names of accounts.")


class GroupFacts(Answer):
    """Accounts that are given rights together."""

    group: str = Field(description="Its name.")
    title: str = Field(description="Its title.")
    members: list[str] = Field(description="Names of accounts.")


class TokenFacts(Answer):
    """A token of one's own."""

    token: str = Field(description="Its id.")
    label: str = Field(description="What it is for.")
    scopes: list[str] = Field(description="What it may do.")
    made_at: Moment = Field(description="When it was made.")
    ends_on: Day = Field(description="Its last day.")
    revoked: bool = Field(description="Whether it was revoked.")
    used_at: Moment | None = Field(description="When it was used last, to the minute.")


class TokenAsked(Asked):
    """A token to make; never wider or longer than the one that asks."""

    label: Line = Field(description="What it is for.")
    scopes: list[Line] = Field(min_length=1, max_length=60, description="`read`, `write`, or names of actions.")
    ends_on: Day = Field(description="Its last day.")


class TokenMade(TokenFacts):
    """A new token, which is told once."""

    secret: str = Field(description="The token itself; it is told once.")
