"""The tables. Plain SQL types only, so that SQLite and PostgreSQL hold the same."""

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC, also where the database keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Write the moment in UTC."""
        del dialect
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read the moment as UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables of voxpop."""

    type_annotation_map: ClassVar = {datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON}


class AuditRow(Base):
    """One link of the audit chain; ``digest`` covers every other column and the digest before it."""

    __tablename__ = "audit"

    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(40))
    action: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(200), index=True)
    actor: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    facts: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))


class MoveRow(Base):
    """A change of state, beside the audit event that tells of it."""

    __tablename__ = "move"

    seq: Mapped[int] = mapped_column(ForeignKey("audit.seq"), primary_key=True, autoincrement=False)
    subject: Mapped[str] = mapped_column(String(200), index=True)
    source: Mapped[str] = mapped_column(String(40))
    target: Mapped[str] = mapped_column(String(40))
    actor: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class OutboxRow(Base):
    """What ``flow`` has still to look at; its id names the workflow that it asks for."""

    __tablename__ = "outbox"

    seq: Mapped[int] = mapped_column(ForeignKey("audit.seq"), primary_key=True, autoincrement=False)
    action: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(200))
    taken: Mapped[bool] = mapped_column(default=False)


class ArchiveRow(Base):
    """A connected archive; ``settings`` names files that hold secrets, never a secret."""

    __tablename__ = "archive"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    settings: Mapped[dict[str, Any]]
    harvested_at: Mapped[datetime | None]
    studies: Mapped[int] = mapped_column(default=0)


class ApplicationRow(Base):
    """An application's document and state."""

    __tablename__ = "application"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20))
    written_by: Mapped[str] = mapped_column(String(200))
    written_at: Mapped[datetime]


class CohortRow(Base):
    """A frozen cohort's facts; its list lies in the protected folder."""

    __tablename__ = "cohort"

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    application: Mapped[str] = mapped_column(ForeignKey("application.id"), index=True)
    query: Mapped[str] = mapped_column(Text)
    index_digest: Mapped[str] = mapped_column(String(64))
    list_digest: Mapped[str] = mapped_column(String(64))
    counts: Mapped[dict[str, Any]]
    selected: Mapped[int]
    not_selected: Mapped[int]
    frozen_at: Mapped[datetime]


class VolumeRow(Base):
    """A volume; where it lies follows from its id."""

    __tablename__ = "volume"

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    application: Mapped[str] = mapped_column(ForeignKey("application.id"), index=True)
    cohort: Mapped[str] = mapped_column(ForeignKey("cohort.id"))
    state: Mapped[str] = mapped_column(String(20))
    owner: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64), default="")
    files: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    sealed_at: Mapped[datetime | None]
    ends_on: Mapped[date | None] = mapped_column(Date)


class GrantRow(Base):
    """A person's right to a volume."""

    __tablename__ = "volume_grant"

    volume: Mapped[str] = mapped_column(ForeignKey("volume.id"), primary_key=True)
    person: Mapped[str] = mapped_column(String(200), primary_key=True)
    until: Mapped[date | None] = mapped_column(Date)
    granted_by: Mapped[str] = mapped_column(String(200))
    granted_at: Mapped[datetime]


class StagedSeriesRow(Base):
    """What became of one series, by its opaque numbers."""

    __tablename__ = "staged_series"
    __table_args__ = (UniqueConstraint("volume", "ordinal", "series"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    volume: Mapped[str] = mapped_column(ForeignKey("volume.id"), index=True)
    ordinal: Mapped[int]
    series: Mapped[int]
    fate: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    modality: Mapped[str] = mapped_column(String(16))
    instances: Mapped[int]
    placed: Mapped[list[Any]]
    facts: Mapped[dict[str, Any]]
    seconds: Mapped[dict[str, Any]]


class StagedStudyRow(Base):
    """What became of one study, by its opaque number."""

    __tablename__ = "staged_study"

    volume: Mapped[str] = mapped_column(ForeignKey("volume.id"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fate: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    participant: Mapped[str | None] = mapped_column(String(64))
    session: Mapped[str | None] = mapped_column(String(64))
    study_group: Mapped[str] = mapped_column(String(64))


class ApplianceRow(Base):
    """An appliance and the document that it was made from."""

    __tablename__ = "appliance"

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    application: Mapped[str] = mapped_column(ForeignKey("application.id"), index=True)
    volume: Mapped[str] = mapped_column(ForeignKey("volume.id"))
    site: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20))
    document: Mapped[str] = mapped_column(Text)
    document_digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]


class RunRow(Base):
    """A run; its record lies in its folder."""

    __tablename__ = "run"

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    application: Mapped[str] = mapped_column(ForeignKey("application.id"), index=True)
    appliance: Mapped[str] = mapped_column(ForeignKey("appliance.id"))
    volume: Mapped[str] = mapped_column(ForeignKey("volume.id"))
    pipeline: Mapped[str] = mapped_column(String(120))
    pipeline_digest: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20))
    repeats: Mapped[str | None] = mapped_column(ForeignKey("run.id"))
    created_at: Mapped[datetime]


class ResultRow(Base):
    """A file that a run or a report left, findable by its digest."""

    __tablename__ = "result_file"
    __table_args__ = (UniqueConstraint("run", "path"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run: Mapped[str] = mapped_column(ForeignKey("run.id"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    path: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)


STATEFUL: dict[str, Table] = {
    kind: Base.metadata.tables[kind] for kind in ("application", "volume", "appliance", "run")
}
"""Which table holds the state of which kind of subject."""
