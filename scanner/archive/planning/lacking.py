"""Why a file cannot be hunted whose columns are not those of the others, in one line and without its own columns."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from scanner.archive.columns.paths import ColumnError, NoColumnError

_NAMED: Final = 5


def why_not(problems: Iterable[ColumnError], text: Collection[str]) -> str:
    """What is wrong with the columns of a file.

    Args:
        problems: Columns that it lacks or that hold something else.
        text: The columns to hunt, those that are looked for by name.

    >>> why_not([NoColumnError("body", "is not there")], ["body"])
    'lacks the column body; where that is meant, a hunt names it in `archive.optional`'
    """
    lacking: dict[str, None] = {}
    other: list[str] = []
    for each in problems:
        if isinstance(each, NoColumnError):
            lacking[each.path] = None
        else:
            other.append(f"column {each}")
    needed, hunted = ([path for path in lacking if (path in text) == is_text] for is_text in (False, True))
    told = [f"lacks {_listed(needed)}"] if needed else []
    if hunted:
        them = "it" if len(hunted) == 1 else "them"
        meant = f"where that is meant, a hunt names {them} in `archive.optional`"
        told.append(f"lacks {_listed(hunted)}; {meant}")
    return "; ".join([*told, *other])


def _listed(paths: Sequence[str]) -> str:
    more = len(paths) - _NAMED
    named = ", ".join(paths[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
    return f"the column{'s' if len(paths) > 1 else ''} {named}"
