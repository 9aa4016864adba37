"""Steps from each schema of the log to the next, applied by Alembic when a log is opened."""
