"""One file per schema, each naming the one before it; a published one is never changed."""
