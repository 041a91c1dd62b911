"""Sessions, failed sign-ins and tokens over SQL; of each secret only the digest."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.orm import Session as Transaction

from voxpop.access.model import FAILURES_COUNT, Session, Token
from voxpop.kernel.digests import Json
from voxpop.kernel.ledger import Event
from voxpop.store.engine import reading
from voxpop.store.ledger import SqlLedger
from voxpop.store.schema import FailureRow, SessionRow, TokenRow

_FORGOTTEN_AT_ONCE = 100


class SqlSessions:
    """Browsers that have signed in, and sign-ins that failed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, session: Session) -> None:
        """Keep a new session, and forget those that have ended."""
        row = SessionRow(
            digest=session.digest,
            account=session.account,
            csrf=session.csrf,
            begun_at=session.begun_at,
            seen_at=session.seen_at,
            ends_at=session.ends_at,
            id_token=session.id_token,
        )
        with Transaction(self._engine) as transaction, transaction.begin():
            transaction.execute(delete(SessionRow).where(SessionRow.ends_at < session.begun_at))
            transaction.add(row)

    def get(self, digest: str) -> Session | None:
        """Return a session by the digest of its secret."""
        with reading(self._engine) as transaction:
            row = transaction.get(SessionRow, digest)
        if row is None:
            return None
        return Session(row.digest, row.account, row.csrf, row.begun_at, row.seen_at, row.ends_at, row.id_token)

    def seen(self, digest: str, at: datetime) -> None:
        """Note when a session was used last."""
        with Transaction(self._engine) as transaction, transaction.begin():
            transaction.execute(update(SessionRow).where(SessionRow.digest == digest).values(seen_at=at))

    def end(self, digest: str) -> None:
        """Forget a session; silent if there is none."""
        with Transaction(self._engine) as transaction, transaction.begin():
            transaction.execute(delete(SessionRow).where(SessionRow.digest == digest))

    def end_of(self, account: str) -> None:
        """Forget all sessions of an account."""
        with Transaction(self._engine) as transaction, transaction.begin():
            transaction.execute(delete(SessionRow).where(SessionRow.account == account))

    def failures(self, key: str, since: datetime) -> tuple[int, datetime | None]:
        """Return how many tries failed since a moment, and when the first of them did."""
        query = select(func.count(), func.min(FailureRow.at)).where(FailureRow.key == key, FailureRow.at >= since)
        with reading(self._engine) as transaction:
            number, first = transaction.execute(query).one()
        return number, first

    def failed(self, key: str, at: datetime) -> None:
        """Note a try that failed, and forget some of the oldest that no longer count."""
        oldest = select(FailureRow.id).order_by(FailureRow.id).limit(_FORGOTTEN_AT_ONCE)
        # PostgreSQL: two that forget at the same time pass each other by, and none waits for the other
        oldest = oldest.with_for_update(skip_locked=True)
        spent = delete(FailureRow).where(FailureRow.id.in_(oldest), FailureRow.at < at - FAILURES_COUNT)
        with Transaction(self._engine) as transaction, transaction.begin():
            transaction.execute(spent)
            transaction.add(FailureRow(key=key, at=at))

    def forgive(self, key: str) -> None:
        """Forget the tries that failed."""
        with Transaction(self._engine) as transaction, transaction.begin():
            transaction.execute(delete(FailureRow).where(FailureRow.key == key))


class SqlTokens:
    """The tokens of programs."""

    def __init__(self, engine: Engine, ledger: SqlLedger) -> None:
        self._engine = engine
        self._ledger = ledger

    def add(self, token: Token, digest: str, actor: str) -> None:
        """Keep a new token by its secret's digest."""
        row = TokenRow(
            id=token.id,
            digest=digest,
            account=token.account,
            label=token.label,
            scopes=sorted(token.scopes),
            made_at=token.made_at,
            ends_on=token.ends_on,
            revoked=False,
        )
        scopes: list[Json] = [*sorted(token.scopes)]
        facts: dict[str, Json] = {"token": token.id, "scopes": scopes, "ends_on": token.ends_on.isoformat()}
        event = Event("token.made", f"account:{token.account}", actor, facts=facts)
        self._ledger.change(event, lambda transaction: transaction.add(row))

    def of_digest(self, digest: str) -> Token | None:
        """Return a token by its secret's digest."""
        with reading(self._engine) as transaction:
            row = transaction.scalars(select(TokenRow).where(TokenRow.digest == digest)).first()
        return _token(row) if row else None

    def of_account(self, account: str) -> Sequence[Token]:
        """Return an account's tokens, the newest first."""
        query = select(TokenRow).where(TokenRow.account == account).order_by(TokenRow.made_at.desc(), TokenRow.id)
        with reading(self._engine) as transaction:
            return [_token(row) for row in transaction.scalars(query)]

    def revoke(self, token: str, actor: str) -> None:
        """Revoke a token."""

        def change(transaction: Transaction) -> None:
            transaction.get_one(TokenRow, token).revoked = True

        with reading(self._engine) as transaction:
            account = transaction.get_one(TokenRow, token).account
        self._ledger.change(Event("token.revoked", f"account:{account}", actor, facts={"token": token}), change)

    def used(self, token: str, at: datetime) -> None:
        """Note when a token was used last."""
        with Transaction(self._engine) as transaction, transaction.begin():
            transaction.execute(update(TokenRow).where(TokenRow.id == token).values(used_at=at))


def _token(row: TokenRow) -> Token:
    return Token(
        id=row.id,
        account=row.account,
        label=row.label,
        scopes=frozenset(row.scopes),
        made_at=row.made_at,
        ends_on=row.ends_on,
        revoked=row.revoked,
        used_at=row.used_at,
    )
