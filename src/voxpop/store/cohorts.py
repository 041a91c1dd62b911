"""Cohorts: the facts over SQL, the list in the protected folder."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine, select

from voxpop.cohort.frozen import read_list, write_list
from voxpop.cohort.model import Cohort, Selection
from voxpop.kernel.digests import sha256_file
from voxpop.kernel.errors import Refused
from voxpop.kernel.ids import ApplicationId, CohortId
from voxpop.kernel.ledger import Event
from voxpop.store.engine import reading
from voxpop.store.ledger import SqlLedger, SubjectAbsent
from voxpop.store.schema import CohortRow


class CohortListChanged(Refused):
    """The frozen list is not the one that was frozen."""

    code = "cohort-list-changed"

    def __init__(self, cohort: str) -> None:
        super().__init__(f"the frozen list of cohort '{cohort}' is missing or was changed: restore it from the backup")


class SqlCohorts:
    """Frozen cohorts.

    Parameters
    ----------
    lists : Path
        Folder inside the protected folder.
    """

    def __init__(self, engine: Engine, ledger: SqlLedger, lists: Path) -> None:
        self._engine = engine
        self._ledger = ledger
        self._lists = lists

    def freeze(self, cohort: Cohort, selection: Selection, actor: str) -> Cohort:
        """Keep a cohort and its list, once; a second freeze of the same id returns the first."""
        with reading(self._engine) as session:
            row = session.get(CohortRow, cohort.id)
        if row is not None:
            return _cohort(row)
        self._lists.mkdir(parents=True, exist_ok=True)
        digest = write_list(selection, self._list(cohort.id))
        event = Event(
            "cohort.frozen",
            f"cohort:{cohort.id}",
            actor,
            facts={
                "application": cohort.application,
                "list_sha256": digest,
                "index_sha256": cohort.index_digest,
                "selected": cohort.selected,
                "not_selected": cohort.not_selected,
            },
        )
        self._ledger.change(event, lambda session: session.add(_row(cohort, digest)))
        return self.get(cohort.id)

    def get(self, cohort: CohortId) -> Cohort:
        """Return a cohort, or raise ``Absent``."""
        with reading(self._engine) as session:
            row = session.get(CohortRow, cohort)
        if row is None:
            raise SubjectAbsent("cohort", cohort)
        return _cohort(row)

    def of_application(self, application: ApplicationId) -> Sequence[Cohort]:
        """Return the application's cohorts, the oldest first."""
        query = select(CohortRow).where(CohortRow.application == application)
        with reading(self._engine) as session:
            return [_cohort(row) for row in session.scalars(query.order_by(CohortRow.frozen_at, CohortRow.id))]

    def selection(self, cohort: CohortId, actor: str, reason: str = "") -> Selection:
        """Open the frozen list; an access to identity, and audited as such.

        Raises
        ------
        CohortListChanged
            If the list's content does not give the digest that was frozen.
        """
        frozen = self.get(cohort)
        path = self._list(cohort)
        if not path.is_file() or sha256_file(path) != frozen.list_digest:
            raise CohortListChanged(cohort)
        facts = {"what": "the frozen list", "list_sha256": frozen.list_digest}
        self._ledger.record(Event("identity.opened", f"cohort:{cohort}", actor, reason, facts))
        return read_list(path)

    def list_digest(self, cohort: CohortId) -> str:
        """Return the digest of a frozen list as it lies there now; empty if it is gone."""
        path = self._list(cohort)
        return sha256_file(path) if path.is_file() else ""

    def _list(self, cohort: CohortId) -> Path:
        return self._lists / f"{cohort}.jsonl"


def _row(cohort: Cohort, list_digest: str) -> CohortRow:
    return CohortRow(
        id=cohort.id,
        application=cohort.application,
        query=cohort.query,
        index_digest=cohort.index_digest,
        list_digest=list_digest,
        counts=dict(cohort.counts),
        selected=cohort.selected,
        not_selected=cohort.not_selected,
        frozen_at=cohort.frozen_at,
    )


def _cohort(row: CohortRow) -> Cohort:
    return Cohort(
        id=CohortId(row.id),
        application=ApplicationId(row.application),
        query=row.query,
        index_digest=row.index_digest,
        list_digest=row.list_digest,
        counts=row.counts,
        selected=row.selected,
        not_selected=row.not_selected,
        frozen_at=row.frozen_at,
    )
