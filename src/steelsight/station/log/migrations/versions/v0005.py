"""How many pixels of an image count, where a region of interest leaves some out. Entries of before do not say."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column, empty."""
    op.add_column("inspections", sa.Column("counted", sa.BigInteger))
