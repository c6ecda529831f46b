"""Where a class of PCRE2's language ends, and how it is written without flag ``xx``.

Source: the pcre2pattern manual page of PCRE2 10.47, "Square brackets and character classes".
"""

import re
from typing import Final

_POSIX: Final = re.compile(r"\[([:.=])\^?[a-z]*\1\]")
_NOTHING: Final = re.compile(r"\\E|\\Q\\E")
_ITEM: Final = re.compile(r"\\Q.*?(?:\\E|\Z)|\\c.|\\.|\[([:.=])\^?[a-z]*\1\]|.", re.DOTALL)


def read_class(text: str, at: int, *, spaced: bool) -> tuple[str, int] | None:
    """Reads a class.

    Args:
        text: A pattern that PCRE2 takes.
        at: Where the bracket stands that opens the class.
        spaced: True under flag ``xx``, where spaces and tabs in a class mean nothing.

    Returns:
        The class without what means nothing, and where it ends; None where it does not.
    """
    pieces, at = _opening(text, at + 1, spaced=spaced)
    while at < len(text) and text[at] != "]":
        item, at = _item(text, at, spaced=spaced)
        pieces += item
    return (f"[{pieces}]", at + 1) if at < len(text) else None


def _opening(text: str, at: int, *, spaced: bool) -> tuple[str, int]:
    """The ``^``, and a ``]`` that stands for itself because nothing that means something is before it."""
    pieces = ""
    while at < len(text):
        if found := _NOTHING.match(text, at):
            at = found.end()
        elif spaced and text[at] in " \t":
            at += 1
        elif text[at] == "^" and not pieces:
            pieces, at = "^", at + 1
        else:
            break
    if text[at : at + 1] == "]":
        return f"{pieces}]", at + 1
    # With what meant nothing gone, the class might look like the name of one, such as `[:alpha:]`.
    return (pieces or "\\", at) if text[at : at + 1] in (":", ".", "=") else (pieces, at)


def _item(text: str, at: int, *, spaced: bool) -> tuple[str, int]:
    found = _ITEM.match(text, at)
    item = found[0] if found else ""
    at += len(item)
    if spaced and item in (" ", "\t"):
        return "", at
    # With what meant nothing gone, it might open the name of a class.
    return r"\[" if item == "[" else item, at


def read_extended_class(text: str, at: int) -> tuple[str, int] | None:
    """Reads ``(?[ … ])``, classes with operators between them; else as `read_class`."""
    start = at
    at += len("(?[")
    while at < len(text) and text[at] != "]":
        if text[at] == "[" and not _POSIX.match(text, at):
            found = read_class(text, at, spaced=True)
            at = found[1] if found else len(text)
        else:
            at = _item(text, at, spaced=False)[1]
    return (text[start : at + 2], at + 2) if text.startswith("])", at) else None
