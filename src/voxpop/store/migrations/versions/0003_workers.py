"""Which worker does a piece of work, so that the others can take up what a dead one left."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the worker to what was asked for."""
    op.add_column("operation", sa.Column("worker", sa.String(length=32), server_default="", nullable=False))


def downgrade() -> None:
    """Take it out."""
    op.drop_column("operation", "worker")
