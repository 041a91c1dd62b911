"""People, what they come in with, and what they ask for."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    ForeignKey,
    Integer,
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from voxpop.store.schema.base import Base


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
