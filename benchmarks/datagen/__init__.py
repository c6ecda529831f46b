"""Archives of invented posts with planted content whose truth is known.

One seed and one `VERSION` give the same bytes every time, with the same NumPy and Arrow.
"""

VERSION = 1
"""Raised whenever the same seed would give another archive."""
