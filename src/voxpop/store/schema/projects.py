"""Applications, and what runs for them left."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from voxpop.store.schema.base import Base


class ApplicationRow(Base):
    """An application's document and state."""

    __tablename__ = "application"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20))
    written_by: Mapped[str] = mapped_column(String(200))
    written_at: Mapped[datetime]


class RemarkRow(Base):
    """What someone wrote beside an application, or a reviewer's vote for it where more than one is needed."""

    __tablename__ = "remark"

    id: Mapped[int] = mapped_column(primary_key=True)
    application: Mapped[str] = mapped_column(ForeignKey("application.id"), index=True)
    actor: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    text: Mapped[str] = mapped_column(Text)
    endorses: Mapped[str] = mapped_column(String(64))


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
    parameters: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
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


class EgressRow(Base):
    """A request to let files of a run out, with what was checked and who decided."""

    __tablename__ = "egress"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    run: Mapped[str] = mapped_column(ForeignKey("run.id"), index=True)
    state: Mapped[str] = mapped_column(String(20))
    files: Mapped[list[Any]]
    findings: Mapped[list[Any]]
    asked_by: Mapped[str] = mapped_column(String(200))
    purpose: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(String(200), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    decided_at: Mapped[datetime | None]
