"""Before a run starts: what it is to read, and which run it is."""
