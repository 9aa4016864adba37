"""What is suspected beside what was found: regions and run lengths. Entries of before have none."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the two columns, empty; a column that may be NULL is added without making the table anew."""
    op.add_column("inspections", sa.Column("suspected", sa.JSON))
    op.add_column("inspections", sa.Column("suspected_runs", sa.JSON))
