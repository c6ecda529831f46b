"""Whether the engine in this process finds all it should: a battery, its verdict, and who must ask for it."""
