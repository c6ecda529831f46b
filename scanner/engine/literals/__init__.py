"""Literals by the million: how they are judged, and what pass one looks for in their place."""
