"""The station's log: every inspection and every reviewer's word, in SQLite or PostgreSQL."""
