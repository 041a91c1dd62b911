"""The first tables."""

import sqlalchemy as sa
from alembic import op

from voxpop.store.schema import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "application",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("written_by", sa.String(length=200), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "archive",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("harvested_at", UtcDateTime(), nullable=True),
        sa.Column("studies", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(op.f("ix_audit_subject"), "audit", ["subject"], unique=False)
    op.create_table(
        "cohort",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("application", sa.String(length=64), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("index_digest", sa.String(length=64), nullable=False),
        sa.Column("list_digest", sa.String(length=64), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("selected", sa.Integer(), nullable=False),
        sa.Column("not_selected", sa.Integer(), nullable=False),
        sa.Column("frozen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application"],
            ["application.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_cohort_application"), "cohort", ["application"], unique=False)
    op.create_table(
        "move",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("target", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["seq"],
            ["audit.seq"],
        ),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(op.f("ix_move_subject"), "move", ["subject"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["seq"],
            ["audit.seq"],
        ),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "volume",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("application", sa.String(length=64), nullable=False),
        sa.Column("cohort", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", UtcDateTime(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application"],
            ["application.id"],
        ),
        sa.ForeignKeyConstraint(
            ["cohort"],
            ["cohort.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_volume_application"), "volume", ["application"], unique=False)
    op.create_table(
        "appliance",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("application", sa.String(length=64), nullable=False),
        sa.Column("volume", sa.String(length=80), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("document_digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application"],
            ["application.id"],
        ),
        sa.ForeignKeyConstraint(
            ["volume"],
            ["volume.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_appliance_application"), "appliance", ["application"], unique=False)
    op.create_table(
        "staged_series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("volume", sa.String(length=80), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("series", sa.Integer(), nullable=False),
        sa.Column("fate", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("modality", sa.String(length=16), nullable=False),
        sa.Column("instances", sa.Integer(), nullable=False),
        sa.Column("placed", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("seconds", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["volume"],
            ["volume.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("volume", "ordinal", "series"),
    )
    op.create_index(op.f("ix_staged_series_volume"), "staged_series", ["volume"], unique=False)
    op.create_table(
        "staged_study",
        sa.Column("volume", sa.String(length=80), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fate", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("participant", sa.String(length=64), nullable=True),
        sa.Column("session", sa.String(length=64), nullable=True),
        sa.Column("study_group", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["volume"],
            ["volume.id"],
        ),
        sa.PrimaryKeyConstraint("volume", "ordinal"),
    )
    op.create_table(
        "volume_grant",
        sa.Column("volume", sa.String(length=80), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("granted_by", sa.String(length=200), nullable=False),
        sa.Column("granted_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["volume"],
            ["volume.id"],
        ),
        sa.PrimaryKeyConstraint("volume", "person"),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("application", sa.String(length=64), nullable=False),
        sa.Column("appliance", sa.String(length=80), nullable=False),
        sa.Column("volume", sa.String(length=80), nullable=False),
        sa.Column("pipeline", sa.String(length=120), nullable=False),
        sa.Column("pipeline_digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("repeats", sa.String(length=80), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appliance"],
            ["appliance.id"],
        ),
        sa.ForeignKeyConstraint(
            ["application"],
            ["application.id"],
        ),
        sa.ForeignKeyConstraint(
            ["repeats"],
            ["run.id"],
        ),
        sa.ForeignKeyConstraint(
            ["volume"],
            ["volume.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_run_application"), "run", ["application"], unique=False)
    op.create_table(
        "result_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run"],
            ["run.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run", "path"),
    )
    op.create_index(op.f("ix_result_file_run"), "result_file", ["run"], unique=False)
    op.create_index(op.f("ix_result_file_sha256"), "result_file", ["sha256"], unique=False)


def downgrade() -> None:
    """Drop every table."""
    for table in (
        "result_file",
        "run",
        "volume_grant",
        "staged_study",
        "staged_series",
        "appliance",
        "volume",
        "outbox",
        "move",
        "cohort",
        "audit",
        "archive",
        "application",
    ):
        op.drop_table(table)
