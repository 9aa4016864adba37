"""The inspector behind three doors: a page, an HTTP interface, and a folder that a line camera fills."""
