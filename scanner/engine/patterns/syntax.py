"""Reads PCRE2's pattern language into tokens, far enough to spell a pattern anew for another engine.

The judge (PCRE2) decides what a pattern means; nothing here does. What this reader does not know for
certain it calls ``unknown``, and the caller must then do without it.

Source: the pcre2pattern manual page of PCRE2 10.47.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from scanner.engine.patterns import heads
from scanner.engine.patterns.brackets import read_class, read_extended_class

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
    "border",  # \b, \B, [[:<:]] and [[:>:]]
    "nothing",  # takes no text, and can only take matches away: \K, \G, verbs, callouts
    "reference",  # a reference back to a group, by `number` or `name`
    "call",  # a group that is called from elsewhere; `number` is 0 for the whole pattern
    "open",  # a group; it captures where it has a `number`
    "look",  # opens an assertion
    "conditional",  # opens a group of which a condition chooses a branch
    "define",  # opens a group that is only called
    "alternative",
    "close",
    "repeat",  # a quantifier: `text` is *, +, ? or {n,m}
    "unknown",
]


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a pattern and the options in force where it stands.

    Attributes:
        kind: What it is.
        text: See `Kind`; for the rest, the piece as written.
        options: Letters of ``imsxu`` and the names of PCRE2's other inline options.
        number: Of the group that it opens or means.
        name: Of the group that it opens or means.
    """

    kind: Kind
    text: str
    options: frozenset[str] = frozenset()
    number: int = 0
    name: str = ""

    @property
    def caseless(self) -> bool:
        """Flag ``i``."""
        return "i" in self.options

    @property
    def dotall(self) -> bool:
        """Flag ``s``."""
        return "s" in self.options

    @property
    def unicode(self) -> bool:
        r"""True where ``\\w \\d \\s \\b`` reach beyond ASCII."""
        return "u" in self.options

    @property
    def restriction(self) -> str:
        """Inline options that make an atom mean less, to be written before it."""
        found = "".join(name for name in (*heads.ASCII_OPTIONS, "r") if name in self.options)
        return f"(?{found})" if found else ""


_REPEAT: Final = re.compile(r"\{[ \t]*(\d*)[ \t]*(?:(,)[ \t]*(\d*)[ \t]*)?\}", re.ASCII)
_WORD_END: Final = re.compile(r"\[\[:[<>]:\]\]")
_HEX: Final = re.compile(
    r"\\(?:x\{[ \t]*([0-9A-Fa-f]+)[ \t]*\}|N\{[ \t]*U\+[ \t]*([0-9A-Fa-f]+)[ \t]*\}"
    r"|x(?!\{)([0-9A-Fa-f]{0,2})|u([0-9A-Fa-f]{4}))"
)
_OCTAL: Final = re.compile(r"\\(?:(0[0-7]{0,2})|o\{[ \t]*([0-7]+)[ \t]*\})")
_OCTAL_DIGITS: Final = re.compile(r"[0-7]{1,3}")
_CONTROL: Final = re.compile(r"\\c([\x20-\x7e])")
_PROPERTY: Final = re.compile(r"\\[pP](?:\{[^{}]*\}|[A-Za-z])", re.ASCII)
_NAMED_CONTROLS: Final = {"a": "\a", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ONE_POINT: Final = frozenset("dDwWsShHvVN")
_ESCAPES: Final[dict[str, Kind]] = {
    "A": "subject_start",
    "z": "subject_end",
    "Z": "subject_end",
    "b": "border",
    "B": "border",
    "K": "nothing",
    "G": "nothing",
    "R": "line_break",
    "X": "cluster",
}
_PLAIN: Final[dict[str, Kind]] = {"^": "bol", "$": "eol", ".": "dot", ")": "unknown"}
_EXTENDED_SPACE: Final = frozenset(" \t\n\x0b\f\r\x85\u200e\u200f\u2028\u2029")
_MAX_POINT: Final = 0x10FFFF
_LAST_SINGLE_DIGIT: Final = 9


@dataclass(slots=True)
class _Open:
    """A group that is being read.

    Attributes:
        options: In force around it.
        first: Captures before each branch of a branch reset; None in other groups.
        most: Captures behind the branch that has most.
    """

    options: frozenset[str]
    first: int | None = None
    most: int = 0


class _Reader:
    """Walks over a pattern once."""

    def __init__(self, regex: str, flags: str) -> None:
        self._text = regex
        self._at = 0
        self._options = frozenset(flags)
        self._groups: list[_Open] = []
        self._captures = 0

    def tokens(self) -> Iterator[Token]:
        while found := self._match(heads.START):
            self._options |= {"u"} if found[1] == "UCP" else frozenset()
        while self._at < len(self._text):
            yield from self._next()

    def _token(self, kind: Kind, text: str, number: int = 0, name: str = "") -> Token:
        return Token(kind, text, self._options, number, name)

    def _match(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        found = expression.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return found

    def _take(self, length: int) -> str:
        piece = self._text[self._at : self._at + length]
        self._at += length
        return piece

    def _next(self) -> Iterator[Token]:
        char = self._text[self._at]
        if "x" in self._options and (char in _EXTENDED_SPACE or char == "#"):
            self._skip_extended(char)
        elif char == "\\":
            yield from self._escape()
        elif char == "[":
            yield self._class()
        elif char == "(":
            yield from self._group()
        elif char in "*+?{":
            yield self._repeat(char)
        else:
            yield self._plain(char)

    def _plain(self, char: str) -> Token:
        self._at += 1
        if char == "|":
            self._next_branch()
            return self._token("alternative", char)
        if char == ")" and self._groups:
            return self._close()
        return self._token(_PLAIN.get(char, "char"), char)

    def _repeat(self, char: str) -> Token:
        if char != "{":
            return self._token("repeat", self._take(1))
        found = _REPEAT.match(self._text, self._at)
        if found is None or not (found[1] or found[3]):
            return self._token("char", self._take(1))
        self._at = found.end()
        return self._token("repeat", f"{{{found[1] or 0}{found[2] or ''}{found[3] or ''}}}")

    def _skip_extended(self, char: str) -> None:
        end = self._text.find("\n", self._at) if char == "#" else self._at
        self._at = len(self._text) if end < 0 else end + 1

    # Escapes.

    def _escape(self) -> Iterator[Token]:
        if self._text.startswith(r"\Q", self._at):
            yield from self._quoted()
        elif self._text.startswith(r"\E", self._at):
            self._at += 2
        elif found := self._match(heads.CALL):
            yield self._call(found)
        elif found := self._match(heads.REFERENCE):
            yield self._reference(found)
        elif found := heads.NUMBER.match(self._text, self._at):
            yield self._numbered(found)
        else:
            yield self._character()

    def _numbered(self, found: re.Match[str]) -> Token:
        """A backslash and a number, which is an octal where there are not so many groups."""
        number = int(found[1])
        octal = _OCTAL_DIGITS.match(found[1])
        if number <= max(_LAST_SINGLE_DIGIT, self._captures) or octal is None:
            self._at = found.end()
            return self._token("reference", found[0], number)
        self._at += 1 + len(octal[0])
        return self._token("char", chr(int(octal[0], 8)))

    def _character(self) -> Token:
        start = self._at
        if found := self._match(_HEX):
            return self._point(int(found[1] or found[2] or found[3] or found[4] or "0", 16), found[0])
        if found := self._match(_OCTAL):
            return self._point(int(found[1] or found[2], 8), found[0])
        if found := self._match(_CONTROL):
            return self._token("char", chr(ord(found[1].upper()) ^ 0x40))
        if found := self._match(_PROPERTY):
            return self._token("atom", found[0])
        self._at = start
        return self._short_escape(self._take(2))

    def _point(self, code: int, piece: str) -> Token:
        return self._token("char", chr(code)) if code <= _MAX_POINT else self._token("unknown", piece)

    def _short_escape(self, piece: str) -> Token:
        char = piece[1:]
        if char in _NAMED_CONTROLS:
            return self._token("char", _NAMED_CONTROLS[char])
        if char == "N" and self._text.startswith("{", self._at) and not _REPEAT.match(self._text, self._at):
            return self._token("unknown", piece)
        if char in _ONE_POINT:
            return self._token("atom", piece)
        if char and not (char.isascii() and char.isalnum()):
            return self._token("char", char)
        return self._token(_ESCAPES.get(char, "unknown"), piece)

    def _quoted(self) -> Iterator[Token]:
        end = self._text.find(r"\E", self._at + 2)
        inside = self._text[self._at + 2 : None if end < 0 else end]
        self._at = len(self._text) if end < 0 else end + 2
        for char in inside:
            yield self._token("char", char)

    def _class(self) -> Token:
        if found := self._match(_WORD_END):
            return self._token("border", found[0])
        return self._bracketed(read_class(self._text, self._at, spaced="xx" in self._options))

    def _bracketed(self, found: tuple[str, int] | None) -> Token:
        if found is None:
            return self._token("unknown", self._take(len(self._text)))
        self._at = found[1]
        return self._token("atom", found[0])

    # Groups.

    def _group(self) -> Iterator[Token]:
        if self._match(heads.COMMENT):
            return
        if self._text.startswith("(?[", self._at):
            yield self._bracketed(read_extended_class(self._text, self._at))
        elif found := self._match(heads.INLINE):
            yield from self._inline(found)
        elif found := self._match(heads.CALL):
            yield self._call(found)
        elif found := self._match(heads.REFERENCE):
            yield self._reference(found)
        elif found := self._match(heads.VERB) or self._match(heads.CALLOUT):
            yield self._token("nothing", found[0])
        else:
            yield self._open()

    def _inline(self, found: re.Match[str]) -> Iterator[Token]:
        options = heads.settings(self._options, found)
        if found[4] == ":":
            yield self._enter(self._token("open", "(?:"))
        self._options = options

    def _open(self) -> Token:
        if self._text.startswith("(?|", self._at):
            return self._enter(self._token("open", self._take(3)), resets=True)
        kinds: tuple[tuple[re.Pattern[str], Kind], ...] = (
            (heads.NO_CAPTURE, "open"),
            (heads.LOOK, "look"),
            (heads.DEFINE, "define"),
            (heads.CONDITION, "conditional"),
            (heads.CONDITION_LOOKS, "conditional"),
        )
        for expression, kind in kinds:
            if found := self._match(expression):
                return self._enter(self._token(kind, found[0]))
        if found := self._match(heads.NAMED):
            return self._capture(found[0], found[1] or found[2])
        if self._text.startswith(("(?", "(*"), self._at):
            return self._enter(self._token("unknown", self._take(2)))
        piece = self._take(1)
        return self._enter(self._token("open", "(?:")) if "n" in self._options else self._capture(piece, "")

    def _capture(self, piece: str, name: str) -> Token:
        self._captures += 1
        return self._enter(self._token("open", piece, self._captures, name))

    def _enter(self, token: Token, *, resets: bool = False) -> Token:
        self._groups.append(_Open(self._options, self._captures if resets else None, self._captures))
        return token

    def _next_branch(self) -> None:
        if self._groups and (first := self._groups[-1].first) is not None:
            self._groups[-1].most = max(self._groups[-1].most, self._captures)
            self._captures = first

    def _close(self) -> Token:
        token = self._token("close", ")")
        group = self._groups.pop()
        self._options = group.options
        self._captures = max(self._captures, group.most)
        return token

    def _reference(self, found: re.Match[str]) -> Token:
        number = found[1] or found[2]
        if number is not None:
            return self._token("reference", found[0], self._absolute(number))
        return self._token("reference", found[0], name=next(filter(None, found.groups())))

    def _call(self, found: re.Match[str]) -> Token:
        number = found[1] or found[4] or found[5]
        name = found[2] or found[3] or found[6] or found[7] or ""
        return self._token("call", found[0], self._absolute(number or "0") if not name else 0, name)

    def _absolute(self, number: str) -> int:
        if number.startswith("-"):
            return self._captures + int(number) + 1
        return int(number) + (self._captures if number.startswith("+") else 0)


def tokens(regex: str, flags: str) -> Iterator[Token]:
    """Reads a pattern from left to right.

    Args:
        regex: A pattern that PCRE2 takes.
        flags: Letters of ``imsxu``.

    Returns:
        Its tokens; comments, settings, inline options and, under flag ``x``, white space are gone from them, and
        quantifiers have both bounds spelled. A quantifier behind a quantifier says how the first one goes about it.
    """
    return _Reader(regex, flags).tokens()


_SPELLING: Final = re.compile(r"\\Q.*?(?:\\E|$)|\\u([0-9A-Fa-f]{4})|\\c.|\\.", re.DOTALL)


def judge_source(regex: str) -> bytes:
    r"""The pattern as the judge is given it.

    It is as it was written, but for ``\u00e9``, which PCRE2 refuses and which can mean but one thing.
    """
    return _SPELLING.sub(lambda found: f"\\x{{{found[1]}}}" if found[1] else found[0], regex).encode()
