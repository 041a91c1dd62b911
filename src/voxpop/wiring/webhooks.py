"""Making an address that is told of events."""

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from voxpop.access.credentials import new_secret
from voxpop.access.model import Account
from voxpop.kernel.errors import Invalid, Refused
from voxpop.store.webhooks import Webhook
from voxpop.wiring.outgoing import target_of
from voxpop.wiring.system import System

_MOST = 20
_MOST_ACTIONS = 50
_LONGEST_URL = 500
_BEGINNING = re.compile("[a-z.-]{1,80}")


class TooManyWebhooks(Refused):
    """An account has as many webhooks as it may."""

    code = "too-many-webhooks"

    def __init__(self) -> None:
        super().__init__(f"there are {_MOST} webhooks, the most that an account may have: remove one first")


class WebhookInvalid(Invalid):
    """A webhook is not as it must be."""

    code = "webhook-invalid"


def make_webhook(
    system: System, account: Account, url: str, actions: Sequence[str], token: str = ""
) -> tuple[Webhook, str]:
    """Let an address be told of events from now on; returns also what its notices are signed by, kept closed.

    Parameters
    ----------
    actions : sequence of str
        What the events' actions begin with; none for all.
    token : str
        The id of the token that asks for it, so that it is told no more than the token may read, and no longer.

    Raises
    ------
    WebhookInvalid
        If an action is none, or the address or the actions are more than is kept.
    TargetRefused, TargetUnknown
        If the address is not called.
    TooManyWebhooks
        If there are as many as there may be.
    """
    if len(url) > _LONGEST_URL:
        raise WebhookInvalid(f"the address has more than {_LONGEST_URL} characters: use a shorter one")
    if len(actions) > _MOST_ACTIONS:
        raise WebhookInvalid(f"there are more than {_MOST_ACTIONS} actions: leave them all out to be told all")
    if not all(map(_BEGINNING.fullmatch, actions)):
        raise WebhookInvalid("an action begins with small letters, such as `run.`: leave them all out to be told all")
    target_of(url, private=system.settings.web.webhook_private)
    hooks = system.webhooks
    if len(hooks.of_account(account.name)) >= _MOST:
        raise TooManyWebhooks
    secret = new_secret()
    name, now = secrets.token_hex(6), datetime.now(UTC)
    one = Webhook(name, account.name, url, tuple(actions), now, hooks.newest(), token=token)
    hooks.add(one, secret, account.person)
    return one, secret
