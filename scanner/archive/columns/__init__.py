"""Columns by path, nested ones too, and the cells of one in a batch."""
