"""The tables of the log."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

VERSION_TABLE = "steelsight_log_schema"
"""Where Alembic writes the schema of a log."""

metadata = MetaData()

Number = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up an INTEGER alone, which is as wide there."""

log_identity = Table(  # of the log itself, at most one row; the data folders that belong to it carry the same
    "log_identity",
    metadata,
    Column("only", Integer, primary_key=True, autoincrement=False),
    Column("log", String(32), nullable=False),
)

inspectors = Table(
    "inspectors",
    metadata,
    Column("id", Number, primary_key=True),
    Column("fingerprint", String(64), nullable=False, unique=True),
    Column("classes", JSON, nullable=False),
    Column("card", Text, nullable=False),
)

inspections = Table(
    "inspections",
    metadata,
    Column("id", Number, primary_key=True),
    Column("at", BigInteger, nullable=False),  # microseconds since 1970, UTC: the same, and sorted, in every database
    Column("door", String(8), nullable=False),
    Column("station", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("inspector_id", ForeignKey("inspectors.id"), nullable=False),
    Column("height", Integer),
    Column("width", Integer),
    Column("p_defect", Double),
    Column("fold_score", Double),
    Column("probability", Double),
    Column("verdict", String(8)),
    Column("reason", Text, nullable=False),
    Column("flagged", Boolean, nullable=False),
    Column("error", Text),
    Column("seconds", Double, nullable=False),
    Column("doubt", Double, nullable=False),
    Column("has_image", Boolean, nullable=False),
    Column("has_maps", Boolean, nullable=False),
    Column("unreadable", Boolean, nullable=False),
    Column("reviewed", Boolean, nullable=False),
    Column("review_version", Integer, nullable=False),  # of the latest review; 0: nobody has looked
    # what may be long stands last: a query that counts or filters need not read past it
    Column("flags", JSON, nullable=False),
    Column("runs", JSON, nullable=False),
    Column("regions", JSON, nullable=False),
    Column("suspected", JSON),  # NULL in what was logged before there was such a thing
    Column("suspected_runs", JSON),
    Column("counted", BigInteger),  # NULL where all pixels count, and in what was logged before
    # most end in an order of the pages: a page is read and not sorted; the first also holds what is counted over time
    Index("ix_inspections_at", "at", "id", "verdict", "unreadable", "flagged", "reviewed"),
    Index("ix_inspections_doubt", "doubt", "id"),
    Index("ix_inspections_reviewed_at", "reviewed", "at", "id"),
    Index("ix_inspections_reviewed_doubt", "reviewed", "doubt", "id"),
    Index("ix_inspections_verdict", "verdict", "at", "id"),
    Index("ix_inspections_flagged", "flagged", "at", "id"),
    Index("ix_inspections_inspector", "inspector_id", "id", "p_defect", "fold_score"),
    Index("ix_inspections_sha256", "sha256"),
    sqlite_autoincrement=True,  # the number of an entry that retention removed is never given again
)

found = Table(  # the classes whose mask is not empty
    "found",
    metadata,
    Column("inspection_id", ForeignKey("inspections.id", ondelete="CASCADE"), primary_key=True),
    Column("class", Text, primary_key=True),
    Column("area", BigInteger, nullable=False),
    Index("ix_found_class", "class", "inspection_id"),
)

reviews = Table(
    "reviews",
    metadata,
    Column("inspection_id", ForeignKey("inspections.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("agrees", Boolean, nullable=False),
    Column("word", String(8), nullable=False),
    Column("comment", Text, nullable=False),
    Column("runs", JSON, nullable=False),
)

folders = Table(
    "folders",
    metadata,
    Column("id", Number, primary_key=True),
    Column("path", LargeBinary, nullable=False, unique=True),
)

arrivals = Table(  # outlives its inspection, so that a file that still lies in its folder is not taken for a new one
    "arrivals",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),  # sha256 of all that an arrival is: short, whatever the name
    Column("file_key", LargeBinary(32), nullable=False),  # sha256 of folder and name: an index takes no long names
    Column("folder_id", ForeignKey("folders.id"), nullable=False),
    Column("name", LargeBinary, nullable=False),  # bytes: a file's name need not be text in any encoding
    Column("size", BigInteger, nullable=False),
    Column("modified_ns", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("inspection_id", BigInteger, nullable=False, unique=True),
    Index("ix_arrivals_file", "file_key"),
    Index("ix_arrivals_folder", "folder_id", "inspection_id"),
    Index("ix_arrivals_name", "folder_id", "name"),
)

expired_images = Table(  # images that retention let go, until their files are gone from every data folder of the log
    "expired_images",
    metadata,
    Column("id", Number, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_expired_sha256", "sha256", "at"),
    Index("ix_expired_at", "at"),
)

log_audit = Table(  # who did what, each entry with the hash of the one before: two can never follow the same one
    "log_audit",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("station", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("role", String(8), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("content", Text, nullable=False),
    Column("previous", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False),
)
