"""The keys of a hunt's archive that say how it is written: `format`, and for tables `version` or `snapshot`."""

from collections.abc import Callable, Mapping
from typing import Final

from scanner.archive.formats import ENDINGS
from scanner.archive.formats.tables import TABLES
from scanner.signatures import source

KEYS: Final = ("format", "version", "snapshot")

_MOST_DIGITS: Final = 19

Wrong = Callable[[source.Path, str], None]


def read_format(archive: Mapping[str, source.Value], wrong: Wrong) -> tuple[str | None, int | None]:
    """The format, None where names tell; and of a table the version or snapshot, None for the latest.

    Args:
        archive: The keys below ``archive``.
        wrong: Takes a path and what is wrong there.
    """
    name = archive.get("format")
    known = (*ENDINGS, *TABLES)
    if name is not None and name not in known:
        wrong(("archive", "format"), f"must be one of {', '.join(f'`{each}`' for each in known)}")
        return None, None
    for table, key in TABLES.items():
        if key in archive and name != table:
            wrong(("archive", key), f"goes with `format: {table}` only; remove it")
    key = TABLES.get(str(name), "")
    at = _number(archive.get(key))
    if key in archive and at is None:
        wrong(("archive", key), f"must be a number, such as `{key}: 12`")
    if name in TABLES and (archive.get("manifest") or not isinstance(archive.get("uri"), str)):
        wrong(("archive", "uri"), "must be one table, written as one text, without a manifest")
    return (str(name) if name is not None else None), at


def _number(value: source.Value | None) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None


def as_written(name: str | None, at: int | None) -> dict[str, object]:
    """The same as keys of a hunt file."""
    return {} if name is None else {"format": name, **({TABLES[name]: at} if at is not None else {})}
