"""Invented archives, macro benchmarks and the demo. Not part of the installed package."""
