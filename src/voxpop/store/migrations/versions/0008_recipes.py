"""Recipes that people add."""

import sqlalchemy as sa
from alembic import op

from voxpop.store.schema import UtcDateTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table of recipes."""
    op.create_table(
        "recipe",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("version", sa.String(length=30), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("added_by", sa.String(length=200), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("recipe")
