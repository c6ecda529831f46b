"""Texts derived from a cell to match on, and the way back to raw spans."""
