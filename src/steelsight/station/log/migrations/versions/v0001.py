"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make all tables."""
    _inspections()
    op.create_table(
        "reviews",
        sa.Column("inspection_id", _NUMBER, _owner(), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("reviewer", sa.Text, nullable=False),
        sa.Column("agrees", sa.Boolean, nullable=False),
        sa.Column("word", sa.String(8), nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("runs", sa.JSON, nullable=False),
    )
    op.create_table(
        "folders",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("path", sa.LargeBinary, nullable=False, unique=True),
    )
    op.create_table(
        "arrivals",
        sa.Column("key", sa.LargeBinary(32), primary_key=True),
        sa.Column("file_key", sa.LargeBinary(32), nullable=False),
        sa.Column("folder_id", _NUMBER, sa.ForeignKey("folders.id"), nullable=False),
        sa.Column("name", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("modified_ns", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("inspection_id", sa.BigInteger, nullable=False, unique=True),
    )
    op.create_index("ix_arrivals_file", "arrivals", ["file_key"])
    op.create_index("ix_arrivals_folder", "arrivals", ["folder_id", "inspection_id"])
    op.create_index("ix_arrivals_name", "arrivals", ["folder_id", "name"])


def _inspections() -> None:
    op.create_table(
        "inspectors",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False, unique=True),
        sa.Column("classes", sa.JSON, nullable=False),
        sa.Column("card", sa.Text, nullable=False),
    )
    op.create_table(
        "inspections",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("door", sa.String(8), nullable=False),
        sa.Column("station", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("inspector_id", _NUMBER, sa.ForeignKey("inspectors.id"), nullable=False),
        sa.Column("height", sa.Integer),
        sa.Column("width", sa.Integer),
        sa.Column("p_defect", sa.Double),
        sa.Column("fold_score", sa.Double),
        sa.Column("probability", sa.Double),
        sa.Column("verdict", sa.String(8)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("flagged", sa.Boolean, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("doubt", sa.Double, nullable=False),
        sa.Column("has_image", sa.Boolean, nullable=False),
        sa.Column("has_maps", sa.Boolean, nullable=False),
        sa.Column("unreadable", sa.Boolean, nullable=False),
        sa.Column("reviewed", sa.Boolean, nullable=False),
        sa.Column("review_version", sa.Integer, nullable=False),
        sa.Column("flags", sa.JSON, nullable=False),
        sa.Column("runs", sa.JSON, nullable=False),
        sa.Column("regions", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    for name, columns in {
        "at": ["at", "id", "verdict", "unreadable", "flagged", "reviewed"],
        "doubt": ["doubt", "id"],
        "reviewed_at": ["reviewed", "at", "id"],
        "reviewed_doubt": ["reviewed", "doubt", "id"],
        "verdict": ["verdict", "at", "id"],
        "flagged": ["flagged", "at", "id"],
        "inspector": ["inspector_id", "id", "p_defect", "fold_score"],
        "sha256": ["sha256"],
    }.items():
        op.create_index(f"ix_inspections_{name}", "inspections", columns)
    op.create_table(
        "found",
        sa.Column("inspection_id", _NUMBER, _owner(), primary_key=True),
        sa.Column("class", sa.Text, primary_key=True),
        sa.Column("area", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_found_class", "found", ["class", "inspection_id"])


def _owner() -> sa.ForeignKey:
    return sa.ForeignKey("inspections.id", ondelete="CASCADE")
