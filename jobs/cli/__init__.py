"""The command line: one module a verb, rendering apart from logic."""
