"""Signatures tried on files, lines or their own examples, without a hunt."""
