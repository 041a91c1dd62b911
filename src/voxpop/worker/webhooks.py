"""Tells webhooks what happened, after the fact: signed, in order, again where it failed.

What is told is an action, a subject, a time and a number: no person, no reason, no fact. Only events of what the owner
may read at that moment are told; all others are passed over.
"""

import hashlib
import hmac
import json
import logging
import threading
from datetime import timedelta

import httpx

from voxpop.access.entrance import scope_covers
from voxpop.access.model import Token
from voxpop.access.permissions import READING, Action
from voxpop.kernel.clock import Clock, SystemClock
from voxpop.kernel.errors import Absent, VoxpopError
from voxpop.kernel.ids import ApplicationId
from voxpop.store.webhooks import Notice, Webhook
from voxpop.wiring.outgoing import target_of
from voxpop.wiring.system import System

SIGNATURE = "voxpop-signature"
_EGRESS = "egress"
_ARCHIVE = "archive"
_AT_ONCE = 10  # within the lease, each in its longest time
_MOST_FAILURES = 12
_FIRST_PAUSE_S = 10
_LONGEST_PAUSE_S = 6 * 3600
_LOOK_EVERY_S = 2.0
_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_log = logging.getLogger("voxpop.worker")


class Messenger:
    """Tells webhooks until it is told to stop.

    Parameters
    ----------
    over : threading.Event
        Set when nothing more is to be told.
    transport : httpx.BaseTransport or None
        What carries requests; None for the network.
    """

    def __init__(
        self,
        system: System,
        over: threading.Event,
        transport: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._system = system
        self._over = over
        self._clock = clock or SystemClock()
        # no proxy from the environment, and no redirect: either would lead past the look at the address
        self._http = httpx.Client(timeout=_TIMEOUT, transport=transport, trust_env=False, follow_redirects=False)

    def begin(self) -> None:
        """Tell in a thread of its own."""
        threading.Thread(target=self.work, name="webhooks", daemon=True).start()

    def work(self) -> None:
        """Tell what is to be told until it is over."""
        while not self._over.is_set():
            try:
                busy = self.tell_one()
            except Exception as failure:  # a database that is away for a moment must not end the service
                _log.error("no webhook could be told: %s", type(failure).__name__)
                busy = False
            if not busy:
                self._over.wait(_LOOK_EVERY_S)

    def tell_one(self) -> bool:
        """Tell one webhook what it has not been told yet; returns whether there was one."""
        hooks = self._system.webhooks
        webhook = hooks.claim()
        if webhook is None:
            return False
        token = self._token(webhook)
        if webhook.token and token is None:
            hooks.give_up(webhook)
            return True
        seq = webhook.seq
        for notice in hooks.notices(webhook.seq, _AT_ONCE):
            if self._over.is_set():
                break
            if self._wanted(webhook, token, notice) and not self._told(webhook, notice):
                hooks.failed(webhook, seq, _pause(webhook, fresh=seq != webhook.seq))
                return True
            seq = notice.seq
        hooks.told(webhook.id, seq)
        return True

    def _token(self, webhook: Webhook) -> Token | None:
        """Return the token that a webhook was made with; None where it holds no more."""
        token = self._system.entrance.token_named(webhook.account, webhook.token) if webhook.token else None
        return token if token is not None and token.holds(self._clock.now()) else None

    def _wanted(self, webhook: Webhook, token: Token | None, notice: Notice) -> bool:
        if webhook.actions and not any(notice.action.startswith(start) for start in webhook.actions):
            return False
        try:
            account = self._system.access.get(webhook.account)
            action, application = self._asked_of(notice.subject)
        except Absent:
            return False
        if token is not None and not scope_covers(token.scopes, action, reading=True):
            return False
        return account.enabled and self._system.access.rights(account).may(action, application)

    def _asked_of(self, subject: str) -> tuple[Action, ApplicationId | None]:
        """Return what one must be allowed to read, and in which project, to be told of a subject."""
        kind, _, name = subject.partition(":")
        kind = "release" if kind == _EGRESS else kind
        if kind == _ARCHIVE:
            return Action.ARCHIVE_READ, None
        if kind not in READING:
            return Action.AUDIT_READ, None
        return READING[kind], self._system.projects.of(kind, name)

    def _told(self, webhook: Webhook, notice: Notice) -> bool:
        """Tell one event; returns whether it was taken."""
        body = json.dumps(notice.json(), separators=(",", ":"))
        try:
            secret = self._system.webhooks.secret(webhook)
            target = target_of(webhook.url, private=self._system.settings.web.webhook_private)
            answer = self._http.post(
                target.url,
                content=body,
                headers={
                    "host": target.authority,
                    "content-type": "application/json",
                    "user-agent": "voxpop",
                    "voxpop-delivery": f"{webhook.id}-{notice.seq}",
                    SIGNATURE: signature(secret, int(self._clock.now().timestamp()), body),
                },
                extensions={"sni_hostname": target.host},
            )
        except (VoxpopError, httpx.HTTPError, httpx.InvalidURL) as failure:
            _log.info("webhook %s was not told: %s", webhook.id, type(failure).__name__)
            return False
        return answer.is_success


def signature(secret: str, at: int, body: str) -> str:
    """Return what a receiver checks: the time, and the HMAC-SHA256 of the time, a dot and the body."""
    mac = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def _pause(webhook: Webhook, *, fresh: bool) -> timedelta | None:
    """Return how long to wait before the next try; None where there was no answer for days."""
    failures = 0 if fresh else webhook.failures
    if failures + 1 >= _MOST_FAILURES:
        return None
    return timedelta(seconds=min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 4**failures))
