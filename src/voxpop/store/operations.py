"""Pieces of work that were asked for, over SQL."""

from collections.abc import Sequence, Set

from sqlalchemy import ColumnElement, Engine, Select, and_, func, literal, or_, select, update
from sqlalchemy.orm import Session

from voxpop.flow.operations import Operation, OperationState, Sight
from voxpop.flow.rules import Work
from voxpop.kernel.clock import Clock
from voxpop.kernel.ids import ApplicationId
from voxpop.store.engine import Turn, reading, take_turn
from voxpop.store.ledger import SubjectAbsent
from voxpop.store.schema import STATEFUL, ArchiveRow, OperationRow

_OPEN = (OperationState.WAITING.value, OperationState.WORKING.value)


class SqlOperations:
    """Pieces of work and how they came out."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def ask(self, work: Work, subject: str, actor: str, key: str = "") -> Operation:
        """Ask for a piece of work; the same that has not ended, or the same key again, is the one that is there."""
        same = select(OperationRow).where(OperationRow.work == work.value, OperationRow.subject == subject)
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            take_turn(session, Turn.OPERATIONS)
            row = session.get(OperationRow, key) if key else None
            row = row or session.scalars(same.where(OperationRow.state.in_(_OPEN))).first()
            if row is None:
                number = session.scalar(select(func.count()).select_from(same.subquery())) or 0
                row = OperationRow(
                    id=key or f"{work.value}-{subject.partition(':')[2]}-{number + 1}",
                    work=work.value,
                    subject=subject,
                    actor=actor,
                    state=OperationState.WAITING.value,
                    sentence="",
                    asked_at=self._clock.now(),
                )
                session.add(row)
        return _operation(row)

    def get(self, operation: str) -> Operation:
        """Return a piece of work, or raise ``Absent``."""
        with reading(self._engine) as session:
            row = session.get(OperationRow, operation)
        if row is None:
            raise SubjectAbsent("operation", operation)
        return _operation(row)

    def claim(self, worker: str = "") -> Operation | None:
        """Take the oldest that waits, for this worker alone; None where none waits."""
        waiting = OperationRow.state == OperationState.WAITING.value
        oldest = select(OperationRow.id).where(waiting).order_by(OperationRow.asked_at, OperationRow.id).limit(1)
        with Session(self._engine) as session, session.begin():
            # PostgreSQL: two workers look at the same time, and the second looks past what the first has locked
            found = session.scalar(oldest.with_for_update(skip_locked=True))
            if found is None:
                return None
            taken = {"state": OperationState.WORKING.value, "begun_at": self._clock.now(), "worker": worker}
            session.execute(update(OperationRow).where(OperationRow.id == found).values(taken))
        return self.get(found)

    def end(self, operation: str, sentence: str = "", worker: str = "") -> None:
        """Note that it is done, or by a sentence why it failed; silent where another worker has taken it up."""
        state = OperationState.FAILED if sentence else OperationState.DONE
        ours = (OperationRow.worker == worker, OperationRow.state == OperationState.WORKING.value)
        change = update(OperationRow).where(OperationRow.id == operation, *ours)
        with Session(self._engine) as session, session.begin():
            session.execute(change.values(state=state.value, sentence=sentence, ended_at=self._clock.now()))

    def reclaim(self, worker: str = "") -> None:
        """Let what a worker that is gone was working on wait again."""
        working = update(OperationRow).where(OperationRow.state == OperationState.WORKING.value)
        with Session(self._engine) as session, session.begin():
            session.execute(
                working.where(OperationRow.worker == worker).values(state=OperationState.WAITING.value, worker="")
            )

    def workers(self) -> set[str]:
        """Return who has something in hand."""
        working = select(OperationRow.worker).where(OperationRow.state == OperationState.WORKING.value)
        with reading(self._engine) as session:
            return set(session.scalars(working.distinct()))

    def open(self) -> Sequence[Operation]:
        """Return what has not ended, the oldest first."""
        query = select(OperationRow).where(OperationRow.state.in_(_OPEN)).order_by(OperationRow.asked_at)
        with reading(self._engine) as session:
            return [_operation(row) for row in session.scalars(query)]

    def seen(self, sight: Sight, subject: str = "") -> Sequence[Operation]:
        """Return the work that somebody may see, on one subject or on all, the newest first."""
        deploys = OperationRow.work == Work.DEPLOY.value
        things = [_on_things(kind, projects) for kind, projects in sight.things.items()]
        seen = [and_(~deploys, or_(*things)), and_(deploys, _on_things("volume", sight.deployment))]
        if sight.archives:
            seen.append(OperationRow.subject.in_(select(literal("archive:").concat(ArchiveRow.name))))
        query = select(OperationRow).where(or_(*seen))
        if subject:
            query = query.where(OperationRow.subject == subject)
        with reading(self._engine) as session:
            return [_operation(row) for row in session.scalars(_newest_first(query))]

    def of_subjects(self, subjects: Sequence[str]) -> Sequence[Operation]:
        """Return the work on some subjects, the newest first."""
        query = select(OperationRow).where(OperationRow.subject.in_(subjects))
        with reading(self._engine) as session:
            return [_operation(row) for row in session.scalars(_newest_first(query))]


def _newest_first(query: Select[OperationRow]) -> Select[OperationRow]:
    return query.order_by(OperationRow.asked_at.desc(), OperationRow.id)


def _on_things(kind: str, projects: Set[ApplicationId] | None) -> ColumnElement[bool]:
    """Match the work on the things of a kind that some projects have; None for all projects."""
    table = STATEFUL[kind]
    named = select(literal(f"{kind}:").concat(table.c.id))
    if projects is not None:
        named = named.where((table.c.id if kind == "application" else table.c.application).in_(projects))
    return OperationRow.subject.in_(named)


def _operation(row: OperationRow) -> Operation:
    return Operation(
        id=row.id,
        work=Work(row.work),
        subject=row.subject,
        actor=row.actor,
        state=OperationState(row.state),
        sentence=row.sentence,
        asked_at=row.asked_at,
        begun_at=row.begun_at,
        ended_at=row.ended_at,
    )
