"""Sites, recipes, and the appliances that are made of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Double,
    ForeignKey,
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from voxpop.store.schema.base import Base


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
