"""What sites are offered under, and how much of them projects may use."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the terms to sites, and make the table of quotas."""
    op.add_column("site", sa.Column("terms", sa.JSON(), server_default="{}", nullable=False))
    op.create_table(
        "site_quota",
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("application", sa.String(length=64), nullable=False),
        sa.Column("core_hours", sa.BigInteger(), nullable=True),
        sa.Column("workers", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["application"], ["application.id"]),
        sa.PrimaryKeyConstraint("site", "application"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("site_quota")
    op.drop_column("site", "terms")
