"""Hunts that come again: when they are due, what runs them on one machine, and what to deploy elsewhere."""
