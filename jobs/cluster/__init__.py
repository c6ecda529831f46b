"""Hunts on a cluster, started and watched from a machine that has no Ray: its head is spoken to over HTTP."""
