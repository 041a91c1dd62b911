"""What calls of the API were answered, kept for a day under their idempotency keys.

An answer may hold a secret that is shown once (a token, a first password), so what is kept is closed.
"""

import json
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine, delete, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voxpop.access.credentials import Safe
from voxpop.kernel.clock import Clock
from voxpop.kernel.errors import Invalid, Refused
from voxpop.store.engine import reading
from voxpop.store.schema import AnswerRow

_A_DAY = timedelta(hours=24)
_GIVEN_UP = timedelta(minutes=10)
_BUSY = 0


class KeyReused(Invalid):
    """An idempotency key came with another request than the first time."""

    code = "idempotency-key-reused"

    def __init__(self) -> None:
        super().__init__("this idempotency key came with another request before: use a new key for a new request")


class KeyBusy(Refused):
    """The first request with this idempotency key is still being answered."""

    code = "idempotency-key-busy"

    def __init__(self) -> None:
        super().__init__("the first request with this idempotency key is still being answered: send it again shortly")


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it was given.

    Parameters
    ----------
    location : str
        Its ``Location`` header; empty for none.
    """

    status: int
    media_type: str
    location: str
    body: str


class SqlAnswers:
    """Answers by account and key.

    Parameters
    ----------
    safe : Safe
        Closes what is kept.
    """

    def __init__(self, engine: Engine, safe: Safe, clock: Clock) -> None:
        self._engine = engine
        self._safe = safe
        self._clock = clock

    def claim(self, account: str, key: str, request_digest: str) -> KeptAnswer | None:
        """Take a key for a request, for this call alone; returns what it was answered before, if it was.

        Raises
        ------
        KeyReused
            If the key came with another request.
        KeyBusy
            If another call is answering it now.
        """
        now = self._clock.now()
        with Session(self._engine) as session, session.begin():
            session.execute(delete(AnswerRow).where(AnswerRow.at < now - _A_DAY))
            left = (AnswerRow.status == _BUSY, AnswerRow.at < now - _GIVEN_UP)
            session.execute(delete(AnswerRow).where(*left))
        row = AnswerRow(account=account, key=key, request_digest=request_digest, status=_BUSY, body="", at=now)
        try:
            with Session(self._engine) as session, session.begin():
                session.add(row)
        except IntegrityError:
            return self._earlier(account, key, request_digest)
        return None

    def keep(self, account: str, key: str, answer: KeptAnswer) -> None:
        """Keep the answer that a claimed key was given."""
        written = json.dumps([answer.media_type, answer.location, answer.body])
        change = update(AnswerRow).where(AnswerRow.account == account, AnswerRow.key == key)
        with Session(self._engine) as session, session.begin():
            session.execute(change.values(status=answer.status, body=self._safe.close(written)))

    def drop(self, account: str, key: str) -> None:
        """Let go of a claimed key: nothing was done, and it may be tried again."""
        gone = delete(AnswerRow).where(AnswerRow.account == account, AnswerRow.key == key)
        with Session(self._engine) as session, session.begin():
            session.execute(gone)

    def _earlier(self, account: str, key: str, request_digest: str) -> KeptAnswer | None:
        with reading(self._engine) as session:
            row = session.get(AnswerRow, (account, key))
        if row is None or row.status == _BUSY:
            if row is not None and row.request_digest != request_digest:
                raise KeyReused
            raise KeyBusy
        if row.request_digest != request_digest:
            raise KeyReused
        media_type, location, body = json.loads(self._safe.open(row.body))
        return KeptAnswer(row.status, media_type, location, body)
