"""A run, from its first split to its results, and who is told of it meanwhile."""
