"""One split, or one table, start to end."""
