"""Reads PCRE2's pattern language into tokens, far enough to spell a pattern anew for another engine.

The judge (PCRE2) decides what a pattern means; nothing here does. What this reader does not know for
certain it calls ``unknown``, and the caller must then do without it.

Source: the pcre2pattern manual page of PCRE2 10.47.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal[
    "char",  # one literal character; `text` is the character itself
    "atom",  # matches one code point: a class, a property, an escape such as \d; `text` in the judge's spelling
    "dot",
    "line_break",  # \R
    "cluster",  # \X
    "bol",  # ^
    "eol",  # $
    "subject_start",  # \A
    "subject_end",  # \z and \Z
    "border",  # \b or \B
    "reset",  # \K
    "reference",  # a reference back to a numbered or named group
    "open",  # a group that captures or not
    "look",  # opens an assertion
    "conditional",  # opens (?(1)… with a condition on a group
    "alternative",
    "close",
    "repeat",  # a quantifier: `text` is *, +, ? or {n,m}
    "unknown",
]


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a pattern and the flags in force where it stands.

    Attributes:
        kind: What it is.
        text: See `Kind`; for the rest, the piece as written.
        caseless: True under flag ``i``.
        dotall: True under flag ``s``.
    """

    kind: Kind
    text: str
    caseless: bool = False
    dotall: bool = False


_REPEAT: Final = re.compile(r"\{[ \t]*(\d*)[ \t]*(?:(,)[ \t]*(\d*)[ \t]*)?\}")
_INLINE: Final = re.compile(r"\(\?([imsxJUn]*)(?:-([imsxJUn]*))?([:)])")
_NAMED: Final = re.compile(r"\(\?(?:P?<(?![=!])[A-Za-z_]\w*>|'[A-Za-z_]\w*')", re.ASCII)
_CONDITION: Final = re.compile(r"\(\?\((?:\d+|<[A-Za-z_]\w*>|'[A-Za-z_]\w*')\)", re.ASCII)
_NAMED_REFERENCE: Final = re.compile(r"\(\?P=[A-Za-z_]\w*\)", re.ASCII)
_REFERENCE: Final = re.compile(r"\\(?:[1-9]|g[1-9]|g\{[1-9]\}|k(?:\{\w+\}|<\w+>|'\w+'))(?!\d)", re.ASCII)
_POSIX: Final = re.compile(r"\[([:.=])\^?[a-z]*\1\]")
_HEX: Final = re.compile(r"\\x(?:\{[ \t]*([0-9A-Fa-f]{1,8})[ \t]*\}|([0-9A-Fa-f]{0,2}))|\\u([0-9A-Fa-f]{4})")
_OCTAL: Final = re.compile(r"\\(?:0([0-7]{0,2})|o\{([0-7]{1,7})\})")
_PROPERTY: Final = re.compile(r"\\[pP](?:\{[ \t]*\^?[\w&:=\- \t]+\}|[A-Za-z])", re.ASCII)
_CONTROL: Final = {"a": "\a", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ONE_POINT: Final = frozenset("dDwWsShHvVN")
_SPECIAL: Final[dict[str, Kind]] = {"A": "subject_start", "z": "subject_end", "Z": "subject_end"}
_EXTENDED_SPACE: Final = frozenset(" \t\n\x0b\f\r\x85\u200e\u200f\u2028\u2029")


class _Reader:
    """Walks over a pattern once. Flags are kept in a stack, one entry an open group."""

    def __init__(self, regex: str, flags: str) -> None:
        self._text = regex
        self._at = 0
        self._flags: list[frozenset[str]] = [frozenset(flags)]

    def tokens(self) -> Iterator[Token]:
        while self._at < len(self._text):
            yield from self._next()

    def _token(self, kind: Kind, text: str) -> Token:
        flags = self._flags[-1]
        return Token(kind, text, "i" in flags, "s" in flags)

    def _take(self, length: int) -> str:
        piece = self._text[self._at : self._at + length]
        self._at += length
        return piece

    def _next(self) -> Iterator[Token]:
        char = self._text[self._at]
        if char == "\\":
            yield from self._escape()
        elif char == "[":
            yield self._class()
        elif char == "(":
            yield from self._group()
        elif "x" in self._flags[-1] and (char in _EXTENDED_SPACE or char == "#"):
            self._skip_extended(char)
        else:
            yield self._plain(char)

    def _plain(self, char: str) -> Token:
        if char in "*+?{":
            return self._repeat(char)
        self._at += 1
        if char == ")" and len(self._flags) > 1:
            token = self._token("close", char)
            self._flags.pop()
            return token
        kinds: dict[str, Kind] = {"^": "bol", "$": "eol", ".": "dot", "|": "alternative", ")": "unknown"}
        return self._token(kinds.get(char, "char"), char)

    def _repeat(self, char: str) -> Token:
        if char != "{":
            text = self._take(1)
        else:
            found = _REPEAT.match(self._text, self._at)
            if found is None or not (found[1] or found[3]):
                return self._token("char", self._take(1))
            self._take(len(found[0]))
            text = f"{{{found[1] or 0}{found[2] or ''}{found[3] or ''}}}"
        # Lazy and possessive repeats differ in which match is taken, not in what the looser greedy one can
        # reach.
        self._at += self._text.startswith(("?", "+"), self._at)
        return self._token("repeat", text)

    def _skip_extended(self, char: str) -> None:
        end = self._text.find("\n", self._at) if char == "#" else self._at
        self._at = len(self._text) if end < 0 else end + 1

    def _escape(self) -> Iterator[Token]:
        char = self._text[self._at + 1 : self._at + 2]
        if char == "Q":
            yield from self._quoted()
        elif found := _REFERENCE.match(self._text, self._at):
            yield self._token("reference", self._take(len(found[0])))
        elif found := _HEX.match(self._text, self._at):
            self._take(len(found[0]))
            point = int(found[1] or found[2] or found[3] or "0", 16)
            yield self._token("char", chr(point)) if point < 0x110000 else self._token("unknown", found[0])
        elif found := _OCTAL.match(self._text, self._at):
            self._take(len(found[0]))
            yield self._token("char", chr(int(found[1] or found[2] or "0", 8)))
        elif found := _PROPERTY.match(self._text, self._at):
            yield self._token("atom", self._take(len(found[0])))
        else:
            yield from self._short_escape(char)

    def _short_escape(self, char: str) -> Iterator[Token]:
        piece = self._take(2)
        if char == "E":
            return
        if char in _CONTROL:
            yield self._token("char", _CONTROL[char])
        elif char == "N" and self._text.startswith("{", self._at):
            yield self._token("unknown", piece)
        elif char in _ONE_POINT:
            yield self._token("atom", piece)
        elif not char.isascii() or not char.isalnum():
            yield self._token("char", char) if char else self._token("unknown", piece)
        else:
            named: dict[str, Kind] = {
                "b": "border",
                "B": "border",
                "K": "reset",
                "R": "line_break",
                "X": "cluster",
            }
            yield self._token(named.get(char) or _SPECIAL.get(char, "unknown"), piece)

    def _quoted(self) -> Iterator[Token]:
        end = self._text.find("\\E", self._at + 2)
        inside = self._text[self._at + 2 : None if end < 0 else end]
        self._at = len(self._text) if end < 0 else end + 2
        for char in inside:
            yield self._token("char", char)

    def _class(self) -> Token:
        start = self._at
        self._at += 1
        self._at += self._text.startswith("^", self._at)
        self._at += self._text.startswith("]", self._at)
        while self._at < len(self._text) and self._text[self._at] != "]":
            self._class_item()
        closed = self._at < len(self._text)
        self._at += 1
        return self._token("atom" if closed else "unknown", self._text[start : self._at])

    def _class_item(self) -> None:
        if self._text.startswith("\\Q", self._at):
            end = self._text.find("\\E", self._at)
            self._at = len(self._text) if end < 0 else end + 2
        elif self._text[self._at] == "\\":
            self._at += 2
        elif found := _POSIX.match(self._text, self._at):
            self._at += len(found[0])
        else:
            self._at += 1

    def _group(self) -> Iterator[Token]:
        text, at = self._text, self._at
        if text.startswith("(?#", at):
            end = text.find(")", at)
            self._at = len(text) if end < 0 else end + 1
        elif found := _INLINE.match(text, at):
            yield from self._inline(found)
        elif found := _NAMED_REFERENCE.match(text, at):
            yield self._token("reference", self._take(len(found[0])))
        else:
            yield self._open()

    def _inline(self, found: re.Match[str]) -> Iterator[Token]:
        on, off = found[1], found[2] or ""
        self._take(len(found[0]))
        flags = (self._flags[-1] | set(on)) - set(off)
        if set(on + off) & set("Jn") or "m" in off or "xx" in on:
            yield self._token("unknown", found[0])
        if found[3] == ":":
            yield self._token("open", "(?:")
            self._flags.append(flags)
        else:
            self._flags[-1] = flags

    def _open(self) -> Token:
        text, at = self._text, self._at
        kind: Kind = "open"
        if found := _NAMED.match(text, at):
            piece = found[0]
        elif found := _CONDITION.match(text, at):
            kind, piece = "conditional", found[0]
        elif text.startswith("(?>", at):
            piece = "(?>"
        elif found := re.compile(r"\(\?(<?[=!])").match(text, at):
            kind, piece = "look", found[0]
        elif text.startswith(("(?", "(*"), at):
            kind, piece = "unknown", "("
        else:
            piece = "("
        self._take(len(piece))
        token = self._token(kind, piece)
        self._flags.append(self._flags[-1])
        return token


def tokens(regex: str, flags: str) -> Iterator[Token]:
    """Reads a pattern from left to right.

    Args:
        regex: A pattern that PCRE2 takes.
        flags: Letters of ``imsxu``.

    Returns:
        Its tokens; comments, inline flags and, under flag ``x``, white space are gone from them, and
        quantifiers are greedy with both bounds spelled.
    """
    return _Reader(regex, flags).tokens()


_SPELLING: Final = re.compile(
    r"\\Q.*?(?:\\E|$)|\\x(?:\{[ \t]*([0-9A-Fa-f]{1,8})[ \t]*\}|([0-9A-Fa-f]{0,2}))|\\U|\\.", re.DOTALL
)


def judge_source(regex: str) -> bytes:
    r"""Spells a pattern so that the ``pcre2`` package reads it as PCRE2 does.

    The package turns on PCRE2's ALT_BSUX, under which ``\x{e9}`` is a repeated ``x``, ``\x4`` an ``x4`` and
    ``\U`` a ``U``. Here the first becomes the character, the second ``\x04``, and the third an escape that PCRE2
    refuses.

    Source: the pcre2api manual page of PCRE2 10.47, PCRE2_ALT_BSUX.
    """
    return _SPELLING.sub(_spell, regex).encode()


def _spell(found: re.Match[str]) -> str:
    if found[0] == "\\U":
        return "\\L"
    if not found[0].startswith("\\x"):
        return found[0]
    point = int(found[1] or found[2] or "0", 16)
    if point < 0x100:
        return f"\\x{point:02x}"
    if point < 0x10000:
        return f"\\u{point:04x}"
    return chr(point) if point < 0x110000 else "\\o{4200000}"
