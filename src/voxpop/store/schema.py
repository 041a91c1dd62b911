"""The tables. Plain SQL types only, so that SQLite and PostgreSQL hold the same."""

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    DateTime,
    Dialect,
    Double,
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


class SiteRow(Base):
    """A connected site and its terms; ``settings`` names files that hold secrets, never a secret."""

    __tablename__ = "site"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    settings: Mapped[dict[str, Any]]
    terms: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class QuotaRow(Base):
    """How much of a site a project may use; the site may be this machine, which has no row of its own."""

    __tablename__ = "site_quota"

    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    application: Mapped[str] = mapped_column(ForeignKey("application.id"), primary_key=True)
    core_hours: Mapped[int | None] = mapped_column(BigInteger)
    workers: Mapped[int | None]


class RecipeRow(Base):
    """A recipe that somebody added; ``digest`` covers all its files."""

    __tablename__ = "recipe"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    version: Mapped[str] = mapped_column(String(30))
    digest: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20))
    added_by: Mapped[str] = mapped_column(String(200))
    added_at: Mapped[datetime]


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


class ScalingRow(Base):
    """How many workers an appliance may have where that was changed, and what its workers came to."""

    __tablename__ = "scaling"

    appliance: Mapped[str] = mapped_column(ForeignKey("appliance.id"), primary_key=True)
    least: Mapped[int | None]
    most: Mapped[int | None]
    paid_s: Mapped[float] = mapped_column(Double, default=0.0)
    at: Mapped[datetime | None]
    workers: Mapped[int] = mapped_column(default=0)
    waiting: Mapped[int] = mapped_column(default=0)
    running: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    removed: Mapped[int] = mapped_column(default=0)


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


class AccountRow(Base):
    """Someone who may sign in, and what is kept of their credentials."""

    __tablename__ = "account"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    person: Mapped[str] = mapped_column(String(200), unique=True)
    email: Mapped[str] = mapped_column(String(200))
    issuer: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(200))
    roles: Mapped[list[Any]]
    enabled: Mapped[bool]
    language: Mapped[str] = mapped_column(String(8))
    password: Mapped[str] = mapped_column(Text)
    otp: Mapped[str] = mapped_column(Text)
    otp_step: Mapped[int] = mapped_column(BigInteger)


class GroupRow(Base):
    """Accounts that are given rights together."""

    __tablename__ = "person_group"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    members: Mapped[list[Any]]


class MembershipRow(Base):
    """A role in a project; ``who`` is an account's name, or ``group:`` and a group's."""

    __tablename__ = "membership"

    application: Mapped[str] = mapped_column(ForeignKey("application.id"), primary_key=True)
    who: Mapped[str] = mapped_column(String(80), primary_key=True)
    role: Mapped[str] = mapped_column(String(20), primary_key=True)


class SessionRow(Base):
    """A browser that has signed in, under the digest of its secret."""

    __tablename__ = "web_session"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    begun_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    id_token: Mapped[str] = mapped_column(Text)


class FailureRow(Base):
    """A sign-in that failed, under the digest of what it is counted by."""

    __tablename__ = "sign_in_failure"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime]


class TokenRow(Base):
    """A program's token, under the digest of its secret."""

    __tablename__ = "api_token"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    account: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)
    label: Mapped[str] = mapped_column(String(80))
    scopes: Mapped[list[Any]]
    made_at: Mapped[datetime]
    ends_on: Mapped[date] = mapped_column(Date)
    revoked: Mapped[bool]
    used_at: Mapped[datetime | None]


class OperationRow(Base):
    """A piece of durable work that was asked for, by which worker it is done, and how it came out."""

    __tablename__ = "operation"

    id: Mapped[str] = mapped_column(String(120), primary_key=True)
    work: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(200), index=True)
    actor: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(20), index=True)
    sentence: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    begun_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    worker: Mapped[str] = mapped_column(String(32), server_default="")


class AnswerRow(Base):
    """The answer that a call with an idempotency key was given, to be given again."""

    __tablename__ = "api_answer"

    account: Mapped[str] = mapped_column(ForeignKey("account.name"), primary_key=True)
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    request_digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class WebhookRow(Base):
    """Where an account wants to be told of events; its secret is closed by the protected folder's key."""

    __tablename__ = "webhook"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)
    url: Mapped[str] = mapped_column(String(500))
    secret: Mapped[str] = mapped_column(Text)
    actions: Mapped[list[Any]]
    made_at: Mapped[datetime]
    seq: Mapped[int] = mapped_column(Integer)
    failures: Mapped[int]
    next_at: Mapped[datetime]
    enabled: Mapped[bool]
    token: Mapped[str | None] = mapped_column(ForeignKey("api_token.id"))


STATEFUL: dict[str, Table] = {
    kind: Base.metadata.tables[kind] for kind in ("application", "volume", "appliance", "run", "egress", "recipe")
}
"""Which table holds the state of which kind of subject."""
