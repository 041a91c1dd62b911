"""Which files runs left, over SQL; each findable by its digest."""

from collections.abc import Sequence

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from voxpop.kernel.ids import RunId
from voxpop.result.model import ResultFile
from voxpop.store.engine import reading
from voxpop.store.schema import ResultRow


class SqlResults:
    """The files of runs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, files: Sequence[ResultFile]) -> None:
        """Keep files; a path of a run that is kept already gets the new digest."""
        with Session(self._engine) as session, session.begin():
            for run in {file.run for file in files}:
                known = {row.path: row for row in session.scalars(select(ResultRow).where(ResultRow.run == run))}
                for file in files:
                    if file.run == run:
                        _keep(session, known.get(file.path), file)

    def of_run(self, run: RunId) -> Sequence[ResultFile]:
        """Return a run's files, by kind and path."""
        return [file for file in self.every() if file.run == run]

    def every(self) -> Sequence[ResultFile]:
        """Return all files, by run, kind and path."""
        query = select(ResultRow).order_by(ResultRow.run, ResultRow.kind, ResultRow.path)
        with reading(self._engine) as session:
            return [_file(row) for row in session.scalars(query)]

    def of_content(self, sha256: str) -> ResultFile | None:
        """Return the file of this content that was kept first; None if there is none."""
        query = select(ResultRow).where(ResultRow.sha256 == sha256).order_by(ResultRow.id).limit(1)
        with reading(self._engine) as session:
            row = session.scalars(query).first()
        return _file(row) if row else None


def _keep(session: Session, row: ResultRow | None, file: ResultFile) -> None:
    if row is None:
        row = ResultRow(run=file.run, path=file.path)
        session.add(row)
    row.kind, row.sha256, row.bytes = file.kind, file.sha256, file.bytes


def _file(row: ResultRow) -> ResultFile:
    return ResultFile(RunId(row.run), row.kind, row.path, row.sha256, row.bytes)
