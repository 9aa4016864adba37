"""An identity, which the data folder carries too, and the images that retention let go: no others are ever removed.

The identity is given when a station first holds log and folder together: the folder may have one already.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the two tables, empty."""
    op.create_table(
        "log_identity",
        sa.Column("only", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("log", sa.String(32), nullable=False),
    )
    op.create_table(
        "expired_images",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_expired_sha256", "expired_images", ["sha256", "at"])
    op.create_index("ix_expired_at", "expired_images", ["at"])
