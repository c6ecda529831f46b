"""The one door to polars where text is matched: it tells valid UTF-8 some ten times faster than Arrow."""

from typing import Final

PIECE_BYTES: Final = 1 << 31
"""Bytes that are looked at in one call; polars counts those of a value in 32 bits."""


def is_utf8(text: bytes, piece_bytes: int = PIECE_BYTES) -> bool:
    """True where every line of a text is surely valid UTF-8.

    Args:
        text: Lines, each with a line feed behind it.
        piece_bytes: Bytes to look at in one call; of a line that is longer it is not known.
    """
    # It takes a sixth of a second, which commands that match nothing need not wait for.
    import polars as pl  # noqa: PLC0415

    start = 0
    while start < len(text):
        # No character holds the byte of a line feed but the line feed, so no character is cut.
        end = text.rfind(b"\n", start, start + piece_bytes) + 1
        if not end:
            return False
        try:
            pl.Series([text[start:end]], dtype=pl.Binary).cast(pl.String)
        except pl.exceptions.PolarsError:
            return False
        start = end
    return True
