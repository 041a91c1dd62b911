"""Archives, and the data that was taken from them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    ForeignKey,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from voxpop.store.schema.base import Base


class ArchiveRow(Base):
    """A connected archive; ``settings`` names files that hold secrets, never a secret."""

    __tablename__ = "archive"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    settings: Mapped[dict[str, Any]]
    harvested_at: Mapped[datetime | None]
    studies: Mapped[int] = mapped_column(default=0)


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
