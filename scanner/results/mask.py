"""What of a matched text a result keeps: its shape, a digest that takes the archive to make, or the text."""

import hmac
import unicodedata
from typing import Final, Literal

Evidence = Literal["masked", "hashed", "clear"]

_CONTEXT: Final = 40
_MATCH: Final = 200
_BYTES_PER_CHARACTER: Final = 4
_LEADING: Final = 0b1100_0000
_CONTINUES: Final = 0b1000_0000
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs"})
_KEPT: Final = frozenset("ZPS")


class _Tame(dict[int, str | None]):
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


class _Mask(_Tame):
    """The same, with a star for all that can be read."""

    def _readable(self, character: str) -> str:
        return character if unicodedata.category(character)[0] in _KEPT else "*"


class _Writer:
    """Shows a piece of a cell; pieces of ASCII, the most of them, take a short way."""

    def __init__(self, shown: _Tame) -> None:
        self._shown = shown
        ascii_shown = [shown[code] for code in range(_ASCII)]
        self._dropped = bytes(code for code in range(_ASCII) if ascii_shown[code] is None)
        table = ((each or "").encode().ljust(1, b"\0") for each in ascii_shown)
        # What ASCII has no character for becomes NUL, which nothing else becomes, and takes the long way.
        self._table = b"".join(each if len(each) == 1 else b"\0" for each in table).ljust(256, b"\0")

    def write(self, data: bytes, wanted: slice, ending: str = "") -> str:
        if data.isascii():
            piece = data[wanted].translate(self._table, self._dropped)
            if b"\0" not in piece:
                return piece.decode() + ending
        text = data.decode(errors="replace")[wanted]
        return text.replace("\r\n", "\n").translate(self._shown) + ending


_ASCII: Final = 0x80
_TAME: Final = _Tame()
_MASK: Final = _Mask()
_WRITERS: Final = {"masked": _Writer(_MASK), "clear": _Writer(_TAME)}
_BEFORE: Final = slice(-_CONTEXT, None)
_AFTER: Final = slice(_CONTEXT)
_WITHIN: Final = slice(_MATCH)


def mask(text: str) -> str:
    """The shape of a text: spaces, punctuation and symbols stay, what can be read becomes ``*``.

    Control and format characters, with which a text could play tricks on a screen, are dropped.
    """
    return text.replace("\r\n", "\n").translate(_MASK)


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
    write = _WRITERS[evidence].write
    matched = cell[start : min(end, start + (_MATCH + 1) * _BYTES_PER_CHARACTER)]
    long = len(matched) > _MATCH and len(matched.decode(errors="replace")) > _MATCH
    before = write(_before(cell, start), _BEFORE)
    after = write(cell[end : end + _CONTEXT * _BYTES_PER_CHARACTER], _AFTER)
    return f"{before}⟦{write(matched, _WITHIN, '…' if long else '')}⟧{after}"


def match_hash(key: bytes, matched: bytes) -> str:
    """32 hex digits that are the same for the same match, and that nobody without the key can guess back.

    Source: RFC 2104, HMAC with SHA-256, the first half.
    """
    return hmac.digest(key, matched, "sha256").hex()[:32]


def tame(text: str) -> str:
    """A text on one line, without what a terminal or a reader's eye could be misled by."""
    return text.replace("\r\n", "\n").translate(_TAME)


def _before(cell: bytes, start: int) -> bytes:
    first = max(0, start - _CONTEXT * _BYTES_PER_CHARACTER)
    while 0 < first < start and cell[first] & _LEADING == _CONTINUES:
        first += 1
    return cell[first:start]
