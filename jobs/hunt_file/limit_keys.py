"""The key ``limits`` of a hunt file: what bounds a run."""

import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from scanner.results.limits import Limits
from scanner.signatures import source

LONGEST_TIMEOUT_S: Final = 86_400
MOST_HITS: Final = 1_000_000_000

_HITS: Final = f"must be a whole number from 1 to {MOST_HITS}"
_SECONDS: Final = f"must be a number of seconds from 1 to {LONGEST_TIMEOUT_S}"

Wrong = Callable[[source.Path, str], None]


def read_limits(value: source.Value | None, wrong: Wrong) -> Limits:
    """Reads the value of ``limits``.

    Args:
        value: As it stands in the file; None where it does not.
        wrong: Is told what is wrong, and with which key.
    """
    if value is None:
        return Limits()
    if not isinstance(value, dict):
        wrong(("limits",), "must be a map; write `stored_hits_per_signature: 100000` below it, indented")
        return Limits()
    good: dict[str, Any] = {}
    for key, text in value.items():
        if key not in _READERS:
            known = ", ".join(f"`{name}`" for name in _READERS)
            wrong(("limits", key), f"there is no such key; the keys here are {known}")
            continue
        read, remedy = _READERS[key]
        good[key] = read(text if isinstance(text, str) else "")
        if good[key] is None:
            wrong(("limits", key), remedy)
    return Limits(**good)


def as_written(limits: Limits) -> dict[str, object]:
    """The same as keys of a hunt file."""
    return {key: value for key, value in asdict(limits).items() if value is not None}


def _seconds(text: str) -> float | None:
    fits = re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,3})?", text) and 1 <= float(text) <= LONGEST_TIMEOUT_S
    return float(text) if fits else None


def _count(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,10}", text) and 1 <= int(text) <= MOST_HITS else None


_READERS: Final[dict[str, tuple[Callable[[str], float | int | None], str]]] = {
    "split_timeout_s": (_seconds, _SECONDS),
    "stored_hits_per_signature": (_count, _HITS),
    "stored_hits_per_split": (_count, _HITS),
}
