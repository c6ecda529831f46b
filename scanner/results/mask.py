"""What of a matched text a result keeps: its shape, a digest that takes the archive to make, or the text."""

import hmac
import unicodedata
from typing import Final, Literal

Evidence = Literal["masked", "hashed", "clear"]

CONTEXT: Final = 40
"""Characters that are shown before and after a match."""

MATCH: Final = 200
"""Characters that are shown of a match."""

BYTES_PER_CHARACTER: Final = 4
_LEADING: Final = 0b1100_0000
_CONTINUES: Final = 0b1000_0000
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs"})
_KEPT: Final = frozenset("ZPS")


class Tame(dict[int, str | None]):
    """What becomes of each character that is shown; filled as characters come up."""

    def __missing__(self, code: int) -> str | None:
        self[code] = self._shown(chr(code))
        return self[code]

    def _shown(self, character: str) -> str | None:
        if character in "\n\r\v\f\x85\u2028\u2029":
            return "␤"
        if character == "\t":
            return " "
        # Brackets mark the match, should the text hold them itself.
        if character in "⟦⟧":
            return "[" if character == "⟦" else "]"
        return None if unicodedata.category(character) in _DROPPED else self._readable(character)

    def _readable(self, character: str) -> str:
        return character


class _Mask(Tame):
    """The same, with a star for all that can be read."""

    def _readable(self, character: str) -> str:
        return character if unicodedata.category(character)[0] in _KEPT else "*"


_TAME: Final = Tame()
_MASK: Final = _Mask()
SHOWN: Final[dict[Evidence, Tame]] = {"masked": _MASK, "clear": _TAME}


def mask(text: str) -> str:
    """The shape of a text: spaces, punctuation and symbols stay, what can be read becomes ``*``.

    Control and format characters, with which a text could play tricks on a screen, are dropped.
    """
    return _one_line(text, _MASK)


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
    matched = cell[start : min(end, start + (MATCH + 1) * BYTES_PER_CHARACTER)].decode(errors="replace")
    before = _before(cell, start).decode(errors="replace")[-CONTEXT:]
    after = cell[end : end + CONTEXT * BYTES_PER_CHARACTER].decode(errors="replace")[:CONTEXT]
    ending = "…" if len(matched) > MATCH else ""
    shown = SHOWN[evidence]
    matched = f"⟦{_one_line(matched[:MATCH], shown)}{ending}⟧"
    return _one_line(before, shown) + matched + _one_line(after, shown)


def match_hash(key: bytes, matched: bytes) -> str:
    """32 hex digits that are the same for the same match, and that nobody without the key can guess back.

    Source: RFC 2104, HMAC with SHA-256, the first half.
    """
    return hmac.digest(key, matched, "sha256").hex()[:32]


def tame(text: str) -> str:
    """A text on one line, without what a terminal or a reader's eye could be misled by."""
    return _one_line(text, _TAME)


def _one_line(text: str, shown: Tame) -> str:
    return text.replace("\r\n", "\n").translate(shown)


def _before(cell: bytes, start: int) -> bytes:
    first = max(0, start - CONTEXT * BYTES_PER_CHARACTER)
    while 0 < first < start and cell[first] & _LEADING == _CONTINUES:
        first += 1
    return cell[first:start]
