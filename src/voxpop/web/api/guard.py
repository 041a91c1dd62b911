"""Who calls the API, and whether they may: by a bearer token alone, its account's rights and its scopes."""

import re
from dataclasses import dataclass

from fastapi import Request

from voxpop.access.entrance import scope_covers
from voxpop.access.errors import NotAllowed
from voxpop.access.model import Account, Token
from voxpop.access.permissions import READING, TABLE, Action
from voxpop.access.service import Rights
from voxpop.kernel.errors import Refused
from voxpop.kernel.ids import ApplicationId
from voxpop.store.ledger import SubjectAbsent
from voxpop.web.api.models.base import NAME
from voxpop.web.errors import SignInWanted
from voxpop.wiring.system import System

_NAME = re.compile(NAME)
_LONGEST = 100


class OutOfScope(NotAllowed):
    """The account may do it, and the token may not."""

    code = "out-of-scope"

    def __init__(self, action: str) -> None:
        super().__init__(action)
        self.sentence = f"the token's scopes do not cover '{action}': make a token that has it, or `write`"


class Stale(Refused):
    """What was to be changed is not as the caller has seen it; answered with 412."""

    code = "precondition-failed"

    def __init__(self) -> None:
        super().__init__("it was changed since you read it: read it again, and send your change with its new ETag")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a route asks of its caller.

    Parameters
    ----------
    action : Action
        Its row in the permission table decides.
    kind : str
        The kind of thing that the path's parameter of the same name is the id of; empty for none.
    reads : bool
        Whether it only reads, so that the scope ``read`` covers it.
    seen_by : Action or None
        What the thing must allow before it is admitted that it is there; by default as the pages have it.
    """

    action: Action
    kind: str = ""
    reads: bool = True
    seen_by: Action | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API, once it is known who calls and that they may."""

    request: Request
    system: System
    account: Account
    token: Token
    rights: Rights

    @property
    def person(self) -> str:
        """Who acts, as the audit log names them."""
        return self.account.person

    def may(self, action: Action, application: ApplicationId | None = None) -> bool:
        """Say whether the account may do something, whatever the token's scopes."""
        return TABLE[action].everyone or self.rights.may(action, application)

    def check(self, action: Action, application: ApplicationId | None = None, *, reads: bool = True) -> None:
        """Refuse what the account or the token may not do.

        Raises
        ------
        NotAllowed
            If the table gives it to none of the account's roles.
        OutOfScope
            If the token's scopes do not cover it.
        """
        self.rights.check(action, application)
        if not scope_covers(self.token.scopes, action, reading=reads):
            raise OutOfScope(action.value)

    def seen(self, kind: str, name: str, by: Action | None = None) -> ApplicationId:
        """Return a thing's project; what may not be read is answered as if it were not there."""
        if len(name) > _LONGEST or not _NAME.fullmatch(name):
            raise SubjectAbsent(kind, "of that name")
        application = self.system.projects.of(kind, name)
        if not self.may(by or READING[kind], application):
            raise SubjectAbsent(kind, name)
        return application


def admit(request: Request, wanted: Wanted) -> Call:
    """Let a call through, or raise.

    Raises
    ------
    SignInWanted, TokenInvalid
        If it brings no token, or none that holds.
    Absent
        If what it names may not be read, or is not there.
    NotAllowed, OutOfScope
        If its account or its token may not do it.
    """
    system: System = request.app.state.system
    token, account = system.entrance.token(_bearer(request))
    call = Call(request, system, account, token, system.access.rights(account))
    application = None
    if wanted.kind:
        application = call.seen(wanted.kind, request.path_params[wanted.kind], wanted.seen_by)
    call.check(wanted.action, application, reads=wanted.reads)
    return call


def _bearer(request: Request) -> str:
    """Return the token of ``Authorization: Bearer`` (RFC 6750, 2.1)."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise SignInWanted
    return secret.strip()
