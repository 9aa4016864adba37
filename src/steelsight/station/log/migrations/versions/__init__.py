"""One file per schema, each naming the one before it; a published one is never changed.

SQLite makes a table anew for most changes (`op.batch_alter_table`), and Alembic then forgets that the numbers of
`inspections` are never given twice: say `table_kwargs={"sqlite_autoincrement": True}`, and carry its row of
`sqlite_sequence` over.
"""
