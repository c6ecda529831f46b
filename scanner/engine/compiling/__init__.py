"""From patterns to databases: compiled apart from this process, under limits, once."""
