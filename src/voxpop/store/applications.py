"""Applications over SQL."""

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from voxpop.application.document import read_document
from voxpop.application.model import Application, Decision, Remark
from voxpop.application.states import ApplicationState
from voxpop.kernel.clock import Clock
from voxpop.kernel.errors import Refused
from voxpop.kernel.ids import ApplicationId
from voxpop.kernel.ledger import Event
from voxpop.store.engine import reading
from voxpop.store.ledger import SqlLedger, SubjectAbsent
from voxpop.store.schema import ApplicationRow, RemarkRow


class ApplicationExists(Refused):
    """The id is taken by another document."""

    code = "application-exists"

    def __init__(self, application: str) -> None:
        super().__init__(
            f"there is already another application named '{application}' here: give this one another `name`, "
            "or change the other while it is a draft or returned"
        )


class SqlApplications:
    """Documents and states of applications."""

    def __init__(self, engine: Engine, ledger: SqlLedger, clock: Clock) -> None:
        self._engine = engine
        self._ledger = ledger
        self._clock = clock

    def add(self, application: Application, actor: str) -> None:
        """Keep a new draft; the same document under the same id again is silent.

        Raises
        ------
        ApplicationExists
            If the id is taken by another document.
        """
        with reading(self._engine) as session:
            row = session.get(ApplicationRow, application.id)
        if row is None:
            self._ledger.change(
                _written(application, actor, "application.drafted"),
                lambda session: session.add(self._row(application, actor)),
            )
        elif row.digest != application.digest:
            raise ApplicationExists(application.id)

    def replace(self, application: Application, actor: str) -> None:
        """Replace a document; its state stays."""

        def change(session: Session) -> None:
            row = session.get_one(ApplicationRow, application.id)
            row.document, row.digest = application.document, application.digest
            row.written_by, row.written_at = actor, self._clock.now()

        self._ledger.change(_written(application, actor, "application.rewritten"), change)

    def get(self, application: ApplicationId) -> Application:
        """Return an application, or raise ``Absent``."""
        return _application(self._get(application))

    def state(self, application: ApplicationId) -> ApplicationState:
        """Return where an application stands, or raise ``Absent``."""
        return ApplicationState(self._get(application).state)

    def decisions(self, application: ApplicationId) -> Sequence[Decision]:
        """Return its moves, the oldest first."""
        return [
            Decision(row.actor, row.at, ApplicationState(row.source), ApplicationState(row.target), row.reason)
            for row in self._ledger.moves(f"application:{application}")
        ]

    def remark(self, application: ApplicationId, remark: Remark) -> None:
        """Keep a remark."""
        row = RemarkRow(
            application=application, actor=remark.actor, at=remark.at, text=remark.text, endorses=remark.endorses
        )
        action = "application.endorsed" if remark.endorses else "application.remarked"
        event = Event(action, f"application:{application}", remark.actor, remark.text)
        self._ledger.change(event, lambda session: session.add(row))

    def remarks(self, application: ApplicationId) -> Sequence[Remark]:
        """Return the remarks, the oldest first."""
        query = select(RemarkRow).where(RemarkRow.application == application).order_by(RemarkRow.id)
        with reading(self._engine) as session:
            return [Remark(row.actor, row.at, row.text, row.endorses) for row in session.scalars(query)]

    def every(self) -> Sequence[tuple[Application, ApplicationState]]:
        """Return all applications, by id."""
        with reading(self._engine) as session:
            rows = session.scalars(select(ApplicationRow).order_by(ApplicationRow.id)).all()
        return [(_application(row), ApplicationState(row.state)) for row in rows]

    def _get(self, application: ApplicationId) -> ApplicationRow:
        with reading(self._engine) as session:
            row = session.get(ApplicationRow, application)
        if row is None:
            raise SubjectAbsent("application", application)
        return row

    def _row(self, application: Application, actor: str) -> ApplicationRow:
        return ApplicationRow(
            id=application.id,
            document=application.document,
            digest=application.digest,
            state=ApplicationState.DRAFT.value,
            written_by=actor,
            written_at=self._clock.now(),
        )


def _application(row: ApplicationRow) -> Application:
    return _read(row.document, row.id)


@lru_cache(maxsize=4096)
def _read(document: str, name: str) -> Application:
    """Read a document; the same text is the same application, which nobody can change."""
    return read_document(document, f"application {name}")


def _written(application: Application, actor: str, action: str) -> Event:
    return Event(action, f"application:{application.id}", actor, facts={"document_sha256": application.digest})
