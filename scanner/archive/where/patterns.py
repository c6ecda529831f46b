"""Patterns of LIKE: what they begin with, and which texts fit them."""

from collections.abc import Sequence
from enum import Enum
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from scanner.archive.where.tree import Like

_REPAIRED: Final = "\ufffd"


class Wild(Enum):
    """A part of a pattern that is no character."""

    ONE = "_"
    MANY = "%"


Part = str | Wild


def parts(like: Like) -> list[Part]:
    """The characters and wild parts of a pattern."""
    found: list[Part] = []
    escaped = False
    for character in like.pattern:
        if escaped or character not in {like.escape, *"%_"}:
            found.append(character)
            escaped = False
        elif character == like.escape:
            escaped = True
        else:
            found.append(Wild(character))
    return found


def prefix(like: Like) -> tuple[bytes, bool]:
    """What every text that fits begins with, as UTF-8, and whether every text that begins so fits.

    It ends before a U+FFFD, which stands for bytes that are no text.
    """
    every = parts(like)
    if like.caseless:
        return b"", every == [Wild.MANY]
    length = next(
        (i for i, part in enumerate(every) if isinstance(part, Wild) or part == _REPAIRED), len(every)
    )
    return "".join(map(str, every[:length])).encode(), every[length:] == [Wild.MANY]


def fits(like: Like, values: "pa.Array[Any]") -> pa.BooleanArray:
    """Which texts fit.

    Args:
        like: With the pattern.
        values: Array of a text type without dictionary, nullable; bytes that are no UTF-8 count as U+FFFD.

    Returns:
        boolean[n], null for null.
    """
    texts, pattern = _texts(values), _arrow(parts(like))
    if like.caseless:
        lower: Any = pc.utf8_lower(pa.array([pattern]))
        texts, pattern = pc.utf8_lower(texts), lower[0].as_py()
    found: pa.BooleanArray = pc.match_like(texts, pattern)
    return found


def _arrow(every: Sequence[Part]) -> str:
    """The pattern with Arrow's escapes."""
    return "".join(
        part.value if isinstance(part, Wild) else f"\\{part}" if part in {"%", "_", "\\"} else part
        for part in every
    )


def _texts(values: "pa.Array[Any]") -> Any:
    stored = values.cast(pa.large_binary())
    try:
        return stored.cast(pa.large_string())
    except pa.ArrowInvalid:
        cells: list[bytes | None] = stored.to_pylist()
        repaired = [None if cell is None else cell.decode(errors="replace") for cell in cells]
        return pa.array(repaired, pa.large_string())
