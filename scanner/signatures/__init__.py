"""Signatures: the YAML that analysts write, and the frozen values it becomes."""
