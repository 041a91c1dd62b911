"""Outcomes of staging over SQL, under opaque numbers."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import PurePosixPath

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from voxpop.kernel.ids import ParticipantLabel, VolumeId
from voxpop.staging.model import Fate, Placed, SeriesOutcome, StudyOutcome
from voxpop.store.engine import reading
from voxpop.store.schema import StagedSeriesRow, StagedStudyRow


class SqlStagingRecords:
    """What became of each series and study of each volume."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def series_done(self, volume: VolumeId, ordinal: int, series: int) -> SeriesOutcome | None:
        """Return what became of a series, or None if it was not finished."""
        with reading(self._engine) as session:
            row = _find(session, volume, ordinal, series)
        return _series(row) if row else None

    def series_finished(self, volume: VolumeId, ordinal: int, outcome: SeriesOutcome) -> None:
        """Keep a series' outcome; the same again is silent."""
        with Session(self._engine) as session, session.begin():
            if _find(session, volume, ordinal, outcome.series) is None:
                session.add(_series_row(volume, ordinal, outcome))

    def study_finished(self, volume: VolumeId, outcome: StudyOutcome) -> None:
        """Keep a study's outcome; the same again is silent."""
        row = StagedStudyRow(
            volume=volume,
            ordinal=outcome.ordinal,
            fate=outcome.fate.value,
            reason=outcome.reason,
            participant=outcome.participant,
            session=outcome.session,
            study_group=outcome.group,
        )
        with Session(self._engine) as session, session.begin():
            session.merge(row)

    def fates(self, volume: VolumeId) -> dict[str, int]:
        """Count the studies finished so far by what became of them."""
        query = select(StagedStudyRow.fate, func.count()).where(StagedStudyRow.volume == volume)
        with reading(self._engine) as session:
            rows = session.execute(query.group_by(StagedStudyRow.fate)).all()
            return {fate: number for fate, number in rows}  # noqa: C416 -- mypy knows what a Row unpacks to

    def outcomes(self, volume: VolumeId) -> Sequence[StudyOutcome]:
        """Return the studies finished so far, by ordinal."""
        studies = select(StagedStudyRow).where(StagedStudyRow.volume == volume).order_by(StagedStudyRow.ordinal)
        series = (
            select(StagedSeriesRow)
            .where(StagedSeriesRow.volume == volume)
            .order_by(StagedSeriesRow.ordinal, StagedSeriesRow.series)
        )
        by_study: dict[int, list[SeriesOutcome]] = {}
        with reading(self._engine) as session:
            for row in session.scalars(series):
                by_study.setdefault(row.ordinal, []).append(_series(row))
            return [_study(row, tuple(by_study.get(row.ordinal, ()))) for row in session.scalars(studies)]


def _find(session: Session, volume: str, ordinal: int, series: int) -> StagedSeriesRow | None:
    query = select(StagedSeriesRow).where(
        StagedSeriesRow.volume == volume, StagedSeriesRow.ordinal == ordinal, StagedSeriesRow.series == series
    )
    return session.scalars(query).first()


def _series_row(volume: str, ordinal: int, outcome: SeriesOutcome) -> StagedSeriesRow:
    return StagedSeriesRow(
        volume=volume,
        ordinal=ordinal,
        series=outcome.series,
        fate=outcome.fate.value,
        reason=outcome.reason,
        modality=outcome.modality,
        instances=outcome.instances,
        placed=[{**asdict(file), "path": file.path.as_posix()} for file in outcome.placed],
        facts=dict(outcome.facts),
        seconds=dict(outcome.seconds),
    )


def _series(row: StagedSeriesRow) -> SeriesOutcome:
    placed = tuple(Placed(PurePosixPath(file["path"]), file["sha256"], file["bytes"]) for file in row.placed)
    return SeriesOutcome(
        series=row.series,
        fate=Fate(row.fate),
        reason=row.reason,
        modality=row.modality,
        instances=row.instances,
        placed=placed,
        facts=row.facts,
        seconds=row.seconds,
    )


def _study(row: StagedStudyRow, series: tuple[SeriesOutcome, ...]) -> StudyOutcome:
    return StudyOutcome(
        ordinal=row.ordinal,
        fate=Fate(row.fate),
        reason=row.reason,
        participant=ParticipantLabel(row.participant) if row.participant else None,
        session=row.session,
        group=row.study_group,
        series=series,
    )
