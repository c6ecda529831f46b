"""What of a matched text a result keeps: its shape, a digest that takes the archive to make, or the text."""

import hashlib
import hmac
import re
import unicodedata
from typing import Final, Literal

Evidence = Literal["masked", "hashed", "clear"]

_CONTEXT: Final = 40
_MATCH: Final = 200
_BYTES_PER_CHARACTER: Final = 4
_NEWLINE: Final = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")
# The brackets that mark the match, should the text hold them itself.
_BRACKETS: Final = str.maketrans("⟦⟧", "[]")
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs"})
_KEPT: Final = frozenset("ZPS")


def mask(text: str) -> str:
    """The shape of a text: spaces, punctuation and symbols stay, what can be read becomes ``*``.

    Control and format characters, with which a text could play tricks on a screen, are dropped.
    """
    return "".join(map(_masked, tame(text)))


def snippet(cell: bytes, start: int, end: int, evidence: Evidence) -> str | None:
    """A match with its surroundings, fit to be shown: ``*** ⟦****** ****⟧ **``.

    Args:
        cell: The cell as stored; bytes that are not UTF-8 show as U+FFFD.
        start: First byte of the match.
        end: First byte after the match.
        evidence: What to keep.

    Returns:
        Up to 40 characters, the match between ``⟦`` and ``⟧`` cut to 200, and up to 40 characters; on one
        line, with ``␤`` for line ends; None for ``hashed``.
    """
    if evidence == "hashed":
        return None
    write = mask if evidence == "masked" else tame
    return f"{write(_before(cell, start))}⟦{write(_match(cell, start, end))}⟧{write(_after(cell, end))}"


def match_hash(key: bytes, matched: bytes) -> str:
    """32 hex digits that are the same for the same match, and that nobody without the key can guess back.

    Source: RFC 2104, HMAC with SHA-256, the first half.
    """
    return hmac.new(key, matched, hashlib.sha256).hexdigest()[:32]


def tame(text: str) -> str:
    """A text on one line, without what a terminal or a reader's eye could be misled by."""
    line = _NEWLINE.sub("␤", text.translate(_BRACKETS)).replace("\t", " ")
    return "".join(character for character in line if unicodedata.category(character) not in _DROPPED)


def _before(cell: bytes, start: int) -> str:
    first = max(0, start - _CONTEXT * _BYTES_PER_CHARACTER)
    while 0 < first < start and _continues(cell[first]):
        first += 1
    return cell[first:start].decode(errors="replace")[-_CONTEXT:]


def _match(cell: bytes, start: int, end: int) -> str:
    text = _cut(cell[start:end], _MATCH)
    return text[:_MATCH] + ("…" if len(text) > _MATCH else "")


def _after(cell: bytes, end: int) -> str:
    return _cut(cell[end:], _CONTEXT)[:_CONTEXT]


def _cut(text: bytes, characters: int) -> str:
    """At least one character more than asked for, where there are as many."""
    return text[: (characters + 1) * _BYTES_PER_CHARACTER].decode(errors="replace")


def _continues(byte: int) -> bool:
    return byte in range(0b1000_0000, 0b1100_0000)


def _masked(character: str) -> str:
    return character if unicodedata.category(character)[0] in _KEPT else "*"
