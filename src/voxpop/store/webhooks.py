"""Where accounts want to be told of events, and how far each has been told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.orm import Session

from voxpop.access.credentials import Safe
from voxpop.kernel.clock import Clock
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Absent
from voxpop.kernel.ledger import Event
from voxpop.store.engine import reading
from voxpop.store.ledger import SqlLedger
from voxpop.store.schema import AuditRow, WebhookRow

LEASE = timedelta(minutes=2)
"""For how long one worker has a webhook for itself."""


class WebhookAbsent(Absent):
    """The account has no such webhook."""

    code = "webhook-absent"

    def __init__(self, name: str) -> None:
        super().__init__(f"you have no webhook '{name}': the list of webhooks shows which you have")


@dataclass(frozen=True, slots=True)
class Webhook:
    """One address that is told of events.

    Parameters
    ----------
    actions : tuple of str
        What the events' actions begin with; none for all.
    seq : int
        The last event that was told, or passed over.
    failures : int
        How often telling the next one has failed.
    enabled : bool
        False once it was given up, or its token ended.
    token : str
        The id of the token that it was made with, and whose scopes and end are its own; empty for none.
    """

    id: str
    account: str
    url: str
    actions: tuple[str, ...]
    made_at: datetime
    seq: int
    failures: int = 0
    enabled: bool = True
    token: str = ""
    closed: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told of an event: no person, no reason, no fact."""

    seq: int
    at: str
    action: str
    subject: str

    def json(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {"seq": self.seq, "at": self.at, "action": self.action, "subject": self.subject}


class SqlWebhooks:
    """Webhooks.

    Parameters
    ----------
    safe : Safe
        Closes their secrets, which must be read again to sign.
    """

    def __init__(self, engine: Engine, ledger: SqlLedger, safe: Safe, clock: Clock) -> None:
        self._engine = engine
        self._ledger = ledger
        self._safe = safe
        self._clock = clock

    def add(self, webhook: Webhook, secret: str, actor: str) -> None:
        """Keep a new webhook; it is told of what happens from now on."""
        row = WebhookRow(
            id=webhook.id,
            account=webhook.account,
            url=webhook.url,
            secret=self._safe.close(secret),
            actions=[*webhook.actions],
            made_at=webhook.made_at,
            seq=webhook.seq,
            failures=0,
            next_at=webhook.made_at,
            enabled=True,
            token=webhook.token or None,
        )
        facts: dict[str, Json] = {"webhook": webhook.id, "actions": [*webhook.actions]}
        event = Event("webhook.made", f"account:{webhook.account}", actor, facts=facts)
        self._ledger.change(event, lambda session: session.add(row))

    def of_account(self, account: str) -> Sequence[Webhook]:
        """Return an account's webhooks, by id."""
        query = select(WebhookRow).where(WebhookRow.account == account).order_by(WebhookRow.id)
        with reading(self._engine) as session:
            return [_webhook(row) for row in session.scalars(query)]

    def remove(self, account: str, name: str, actor: str) -> None:
        """Remove one of an account's webhooks, or raise ``WebhookAbsent``."""
        if all(one.id != name for one in self.of_account(account)):
            raise WebhookAbsent(name)
        gone = delete(WebhookRow).where(WebhookRow.id == name)
        event = Event("webhook.removed", f"account:{account}", actor, facts={"webhook": name})
        self._ledger.change(event, lambda session: session.execute(gone))

    def secret(self, webhook: Webhook) -> str:
        """Return what a webhook's notices are signed by.

        Raises
        ------
        SecretUnreadable
            If another key closed it.
        """
        return self._safe.open(webhook.closed)

    def claim(self) -> Webhook | None:
        """Take a webhook that has something to be told, for this worker alone; None where there is none."""
        now = self._clock.now()
        behind = WebhookRow.seq < select(func.max(AuditRow.seq)).scalar_subquery()
        due = (WebhookRow.enabled.is_(True), WebhookRow.next_at <= now, behind)
        first = select(WebhookRow.id).where(*due).order_by(WebhookRow.next_at, WebhookRow.id).limit(1)
        taken = (
            update(WebhookRow)
            .where(WebhookRow.id == first.scalar_subquery(), *due)
            .values(next_at=now + LEASE)
            .returning(WebhookRow.id)
        )
        with Session(self._engine) as session, session.begin():
            name = session.execute(taken).scalar()
            row = session.get(WebhookRow, name) if name else None
            return _webhook(row) if row else None

    def notices(self, after: int, most: int) -> Sequence[Notice]:
        """Return what happened after an event, the oldest first."""
        query = select(AuditRow).where(AuditRow.seq > after).order_by(AuditRow.seq).limit(most)
        with reading(self._engine) as session:
            return [Notice(row.seq, row.at, row.action, row.subject) for row in session.scalars(query)]

    def newest(self) -> int:
        """Return the number of the last event."""
        with reading(self._engine) as session:
            return session.scalar(select(func.max(AuditRow.seq))) or 0

    def told(self, name: str, seq: int) -> None:
        """Note how far a webhook was told, and let go of it."""
        self._change(name, seq=seq, failures=0, next_at=self._clock.now())

    def failed(self, webhook: Webhook, seq: int, again_in: timedelta | None) -> None:
        """Note how far a webhook was told before it failed, and when to try again; None gives it up."""
        failures = webhook.failures + 1 if seq == webhook.seq else 1
        next_at = self._clock.now() + (again_in or timedelta())
        self._change(webhook.id, seq=seq, failures=failures, next_at=next_at, enabled=again_in is not None)

    def give_up(self, webhook: Webhook) -> None:
        """Tell a webhook nothing more."""
        self._change(webhook.id, enabled=False)

    def _change(self, name: str, **values: object) -> None:
        with Session(self._engine) as session, session.begin():
            session.execute(update(WebhookRow).where(WebhookRow.id == name).values(**values))


def _webhook(row: WebhookRow) -> Webhook:
    return Webhook(
        id=row.id,
        account=row.account,
        url=row.url,
        actions=tuple(row.actions),
        made_at=row.made_at,
        seq=row.seq,
        failures=row.failures,
        enabled=row.enabled,
        token=row.token or "",
        closed=row.secret,
    )
