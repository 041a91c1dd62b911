"""The audit log and the one way to change a state, over SQL."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from voxpop.kernel.clock import Clock, iso_utc
from voxpop.kernel.digests import canonical_json
from voxpop.kernel.errors import Absent, IllegalMove
from voxpop.kernel.ledger import Event
from voxpop.store.chain import EMPTY, Head, Link, SignedHead, faults, link_digest
from voxpop.store.engine import Turn, reading, take_turn
from voxpop.store.schema import STATEFUL, AuditRow, MoveRow, OutboxRow

_LISTED = frozenset({"application", "volume", "appliance", "run"})
_AT_ONCE = 5000


class SubjectAbsent(Absent):
    """What was named is not in the database."""

    code = "subject-absent"

    def __init__(self, kind: str, name: str) -> None:
        hint = f": `voxpop {kind} list` shows what there is" if kind in _LISTED else ""
        super().__init__(f"there is no {kind} '{name}' here{hint}")


class SqlLedger:
    """Audit events, moves and the outbox, each change in one transaction.

    Parameters
    ----------
    engine : Engine
    head : SignedHead
    clock : Clock
    """

    def __init__(self, engine: Engine, head: SignedHead, clock: Clock) -> None:
        self._engine = engine
        self._head = head
        self._clock = clock
        self._lock = threading.Lock()

    def open(self) -> None:
        """Make the key of a new chain; raises as ``SignedHead.create`` does."""
        self._head.create(self._begun)

    def record(self, event: Event) -> None:
        """Append an event to the audit log."""
        self.change(event, lambda session: None)

    def change(self, event: Event, change: Callable[[Session], object]) -> None:
        """Make a change and append the event that tells of it, in one transaction."""

        def both(session: Session, seq: int, at: datetime) -> None:
            del seq, at
            change(session)

        self._append(event, both)

    def move(self, subject: str, source: StrEnum, target: StrEnum, event: Event) -> None:
        """Change a subject's state, append the event and the outbox row, in one transaction.

        Raises
        ------
        IllegalMove
            If the subject is not (or no longer) in ``source``.
        SubjectAbsent
            If there is no such subject.
        """
        self.move_with(subject, source, target, event, lambda session: None)

    def move_with(
        self, subject: str, source: StrEnum, target: StrEnum, event: Event, change: Callable[[Session], object]
    ) -> None:
        """Move, and change something beside the state in the same transaction."""

        def moved(session: Session, seq: int, at: datetime) -> None:
            change(session)
            _set_state(session, subject, source, target)
            session.add(
                MoveRow(
                    seq=seq,
                    subject=subject,
                    source=source.value,
                    target=target.value,
                    actor=event.actor,
                    reason=event.reason,
                    at=at,
                )
            )
            session.add(OutboxRow(seq=seq, action=event.action, subject=subject, taken=False))

        self._append(event, moved)

    def moves(self, subject: str) -> Sequence[MoveRow]:
        """Return a subject's changes of state, the oldest first."""
        with reading(self._engine) as session:
            return session.scalars(select(MoveRow).where(MoveRow.subject == subject).order_by(MoveRow.seq)).all()

    def links(self, subject: str | None = None) -> Sequence[Link]:
        """Return the audit log, or one subject's part of it, the oldest first."""
        query = select(AuditRow).order_by(AuditRow.seq)
        if subject is not None:
            query = query.where(AuditRow.subject == subject)
        with reading(self._engine) as session:
            return [_link(row) for row in session.scalars(query)]

    def newest(self) -> datetime | None:
        """Return when the newest event was written; None where there is none."""
        with Session(self._engine) as session:
            at = session.scalar(select(AuditRow.at).order_by(AuditRow.seq.desc()).limit(1))
        return None if at is None else datetime.fromisoformat(at)

    def search(self, begins: Mapping[str, str], before: int | None, most: int) -> Sequence[Link]:
        """Return the newest events that fit.

        Parameters
        ----------
        begins : mapping
            ``subject``, ``actor`` and ``action``: what each begins with; empty for any.
        before : int or None
            Only events older than this number.
        """
        query = select(AuditRow).order_by(AuditRow.seq.desc()).limit(most)
        for column, start in begins.items():
            if start:
                query = query.where(getattr(AuditRow, column).startswith(start, autoescape=True))
        if before is not None:
            query = query.where(AuditRow.seq < before)
        with reading(self._engine) as session:
            return [_link(row) for row in session.scalars(query)]

    def last_fact(self, action: str, subject: str, name: str) -> str:
        """Return a fact of the last event of an action and subject; empty where there is none."""
        found = [link.event.facts.get(name) for link in self.links(subject) if link.event.action == action]
        return str(found[-1]) if found and found[-1] is not None else ""

    def verify(self) -> list[str]:
        """Check the whole chain and its signed head; return what is wrong, a sentence each.

        Only the end is held against the head while nothing can be appended; the rows before it do not change, and are
        walked while others go on.
        """
        with self._lock, Session(self._engine) as session, session.begin():
            take_turn(session, Turn.AUDIT)
            end = _last(session)
            at_the_end = self._head.faults(end)
        found, walked = faults(self._up_to(end.seq))
        if walked != end:
            found.append(f"the chain ended at event {end.seq} and was changed while it was read: verify it again")
        return [*found, *at_the_end]

    def waiting(self) -> Iterator[OutboxRow]:
        """Yield the outbox rows that nobody has taken, the oldest first."""
        with reading(self._engine) as session:
            yield from session.scalars(
                select(OutboxRow).where(OutboxRow.taken.is_(False)).order_by(OutboxRow.seq)
            ).all()

    def taken(self, seq: int) -> None:
        """Mark an outbox row as taken."""
        with Session(self._engine) as session, session.begin():
            session.execute(update(OutboxRow).where(OutboxRow.seq == seq).values(taken=True))

    @contextmanager
    def still(self) -> Iterator[None]:
        """Let nobody append while the block runs."""
        with self._lock, Session(self._engine) as session, session.begin():
            take_turn(session, Turn.AUDIT)
            yield

    def _up_to(self, end: int) -> Iterator[Link]:
        seq: int | None = None
        while True:
            query = select(AuditRow).where(AuditRow.seq <= end).order_by(AuditRow.seq).limit(_AT_ONCE)
            with reading(self._engine) as session:
                rows = session.scalars(query if seq is None else query.where(AuditRow.seq > seq)).all()
            if not rows:
                return
            seq = rows[-1].seq
            yield from map(_link, rows)

    def _begun(self) -> bool:
        with reading(self._engine) as session:
            return _last(session) != EMPTY

    def _append(self, event: Event, change: Callable[[Session, int, datetime], None]) -> None:
        now = self._clock.now()
        with self._lock, Session(self._engine) as session:
            with session.begin():
                take_turn(session, Turn.AUDIT)
                last = _last(session)
                link = _following(last, iso_utc(now), event)
                session.add(_row(link))
                session.flush()
                change(session, link.seq, now)
                session.flush()
                following = Head(link.seq, link.digest)
                self._head.intend(last, following)
            self._head.confirm(following)


def _last(session: Session) -> Head:
    row = session.scalars(select(AuditRow).order_by(AuditRow.seq.desc()).limit(1)).first()
    return Head(row.seq, row.digest) if row else EMPTY


def _following(last: Head, at: str, event: Event) -> Link:
    seq = last.seq + 1
    return Link(seq, at, event, last.digest, link_digest(seq, at, event, last.digest))


def _row(link: Link) -> AuditRow:
    return AuditRow(
        seq=link.seq,
        at=link.at,
        action=link.event.action,
        subject=link.event.subject,
        actor=link.event.actor,
        reason=link.event.reason,
        facts=canonical_json(dict(link.event.facts)).decode(),
        previous=link.previous,
        digest=link.digest,
    )


def _link(row: AuditRow) -> Link:
    event = Event(row.action, row.subject, row.actor, row.reason, json.loads(row.facts))
    return Link(row.seq, row.at, event, row.previous, row.digest)


def _set_state(session: Session, subject: str, source: StrEnum, target: StrEnum) -> None:
    kind, _, name = subject.partition(":")
    table = STATEFUL[kind]
    here = update(table).where(table.c.id == name, table.c.state == source.value)
    changed = session.execute(here.values(state=target.value).returning(table.c.id)).first()
    if changed is not None:
        return
    found = session.execute(select(table.c.state).where(table.c.id == name)).scalar()
    if found is None:
        raise SubjectAbsent(kind, name)
    raise IllegalMove(subject, found, target.value)
