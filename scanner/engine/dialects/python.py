r"""Python's ``re``, for text patterns, as of 3.11 and later.

Where ``re`` has grown, the newest meaning counts: ``\z`` is of 3.14, possessive repeats and atomic groups of 3.11.
Where it has shrunk, the oldest does: flags in the midst of a pattern hold for all of it, as they did until 3.10. Of the
third-party ``regex`` module, which many of Python's rules are for, ``\p{…}`` and ``(?<name>…)`` are understood, which
``re`` refuses; a look-behind whose width varies is refused here too. One difference is left: under ``i`` a
back-reference takes U+0130 and U+0131 for no variants of ``i``.

Source: https://docs.python.org/3/library/re.html, and Lib/re/_parser.py of CPython for what is a repeat and what a
brace, and which escapes are octal.
"""

import re
import unicodedata
import warnings
from typing import ClassVar, Final

from scanner.engine.dialects.reader import CONTROL, DIGITS, SPACE, WORD, Flags, HomeReader
from scanner.engine.dialects.sets import intersect, property_members, spelled, union
from scanner.engine.patterns.classes import Ranges

_FLAGS: Final = re.compile(r"\(\?([aiLmsux]*)(?:-([imsx]+))?([:)])")
_NAMED: Final = re.compile(r"\(\?P?<([^\W\d]\w*)>")
_REFERENCE: Final = re.compile(r"\(\?P=([^\W\d]\w*)\)")
_CONDITION: Final = re.compile(r"\(\?\((\d+|[^\W\d]\w*)\)")
_LOOK: Final = re.compile(r"\(\?(?:<?[=!]|>)")
_COMMENT: Final = re.compile(r"\(\?#[^)]*\)")
_COUNTED: Final = re.compile(r"\{(\d*)(,(\d*))?\}")
_HEX: Final = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))")
_OCTAL: Final = re.compile(r"\\(0[0-7]{0,2}|[0-3][0-7]{2})")
_CLASS_OCTAL: Final = re.compile(r"\\([0-3][0-7]{2}|[0-7]{1,2}(?![0-7]))")
_NUMBER: Final = re.compile(r"\\([1-9][0-9]?)")
_NO_WIDTH: Final = "look-behind requires fixed-width pattern"
_CHARACTER: Final = re.compile(r"\\N\{([^}]+)\}")

# str.isspace: besides White_Space, the four separators of information.
_UNICODE_SPACE: Final[Ranges] = (
    (0x09, 0x0D), (0x1C, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A),
    (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000),
)  # fmt: skip
# Python alone takes the Turkish i's for case variants of i.
_KINDS_OF_I: Final[Ranges] = ((0x49, 0x49), (0x69, 0x69), (0x130, 0x131))


FIXED_WIDTH: Final = (
    "write a repeat in it as a number, such as `{2}`, and alternatives of other lengths as look-behinds of their own:"
    " `(?:(?<=a)|(?<=bc))`"
)
"""What to do about a look-behind that is not of one width; it works in ``re`` as well as here."""


class PythonReader(HomeReader):
    """Reads a text pattern of ``re``."""

    home = "Python's re"
    # A surrogate by itself is a character there, though no text has one.
    _characters: ClassVar[Ranges] = ((0, 0x10FFFF),)
    _possessive: ClassVar[bool] = True
    _end_before_last_break: ClassVar[bool] = True

    def _reset(self) -> None:
        super()._reset()
        self._look_behinds: dict[int, int] = {}
        """Where those that are open begin, by how many groups are open in them."""

    def _is_unicode(self, flags: Flags) -> bool:
        return "a" not in flags

    def _case_variants(self, ranges: Ranges) -> Ranges:
        if self._is_unicode(self._flags) and intersect(ranges, _KINDS_OF_I):
            ranges = union(ranges, _KINDS_OF_I)
        return super()._case_variants(ranges)

    def _category(self, char: str) -> Ranges:
        r"""Members of ``\d``, ``\s`` or ``\w``, or of their complements."""
        small = char.lower()
        if not self._is_unicode(self._flags):
            found = {"d": DIGITS, "s": SPACE, "w": WORD}[small]
        elif small == "s":
            found = _UNICODE_SPACE
        else:
            # str.isalnum is true of letters and numbers, and of nothing else.
            found = property_members(r"\p{Nd}" if small == "d" else r"[\p{L}\p{N}_]")
        return found if char == small else self._not(found)

    def _escape(self) -> None:
        char = self._text[self._at + 1 : self._at + 2]
        if char and char in "AZz":
            self._at += 2
            self._border(r"\A" if char == "A" else r"\z")
        elif char and char in "bB":
            self._at += 2
            self._word_border(negated=char == "B")
        elif found := self._match(_OCTAL):
            self._point(int(found[1], 8))
        elif found := self._match(_NUMBER):
            self._refer(int(found[1]))
        else:
            code = self._escaped(char)
            self._set(union(((code, code),) if isinstance(code, int) else code))

    def _escaped(self, char: str) -> int | Ranges:
        """What an escape stands for inside classes and outside."""
        if char and char in "dDsSwW":
            self._at += 2
            return self._category(char)
        if found := self._match(_HEX):
            return self._hexadecimal(found[1] or found[2] or found[3])
        if (members := self._property()) is not None:
            return members
        if char == "N":
            return self._character_named()
        if not char or (char.isascii() and char.isalnum() and char not in CONTROL):
            self._unknown_escape(char)
        self._at += 2
        return CONTROL.get(char, ord(char))

    def _character_named(self) -> int:
        found = self._match(_CHARACTER)
        try:
            return ord(unicodedata.lookup(found[1] if found else ""))
        except (KeyError, TypeError):
            self._refuse(r"no character has the name in `\N{…}`", r"write its number, such as `\u2014`")

    def _word_border(self, *, negated: bool) -> None:
        if not self._is_unicode(self._flags):
            self._border(r"\B" if negated else r"\b")
            return
        self._border(
            unicode_border(spelled(self._category("w"), negated=False, caseless=False), negated=negated)
        )

    def _refer(self, number: int) -> None:
        if number > self._groups:
            self._refuse(
                f"there is no group {number} before it", "write the number of a group that is before it"
            )
        if "i" in self._flags and not self._is_unicode(self._flags):
            self._refuse("a back-reference under both `a` and `i`", "remove one of the two flags")
        self._emit(f"\\g{{{number}}}")

    # Groups.

    def _group(self) -> None:
        if found := self._match(_FLAGS):
            self._inline(found)
        elif found := self._match(_NAMED):
            self._capture(found[1])
        elif found := self._match(_REFERENCE):
            self._refer(self._number(found[1]))
        elif not self._match(_COMMENT):
            self._unnamed_group()

    def _unnamed_group(self) -> None:
        if found := self._match(_CONDITION):
            self._open(f"(?({self._number(found[1])})")
        elif found := self._match(_LOOK):
            self._open(found[0])
            if found[0].startswith("(?<"):
                self._look_behinds[len(self._opened)] = found.start()
        elif self._text.startswith("(?", self._at):
            self._unknown_group()
        else:
            self._at += 1
            self._capture()

    def _close(self) -> None:
        start = self._look_behinds.pop(len(self._opened), None)
        super()._close()
        if start is not None and _varies(self._text[start : self._at], spaced="x" in self._flags):
            self._at = start
            self._refuse("a look-behind whose width varies", FIXED_WIDTH)

    def _number(self, name: str) -> int:
        number = int(name) if name.isdigit() else self._names.get(name, 0)
        if not 0 < number <= self._groups and not name.isdigit():
            self._refuse(
                f"there is no group `{name}` before it", "write the name of a group that is before it"
            )
        return number

    def _inline(self, found: re.Match[str]) -> None:
        on, off = frozenset(found[1]), frozenset(found[2] or "")
        if "L" in on:
            self._refuse("`(?L)` is for patterns of bytes", "remove the `L`")
        if "u" in on:
            off |= {"a"}
        if found[3] == ":":
            self._open("(?:", (self._flags | on) - off)
        elif off - {"a"} or not on:
            self._unknown_group()
        elif not on <= self._start:
            self._start |= on
            self._reset()

    def _counted(self) -> str | None:
        found = _COUNTED.match(self._text, self._at)
        if found is None or not (found[1] or found[2]):
            return None
        self._at = found.end()
        return f"{{{found[1] or 0}{',' if found[2] else ''}{found[3] or ''}}}"

    # Classes.

    def _class(self) -> None:
        self._flat_class()

    def _class_point(self) -> int | Ranges:
        char = self._text[self._at : self._at + 1]
        if char != "\\":
            self._at += 1
            return ord(char) if char else 0
        if self._text.startswith(r"\b", self._at):
            self._at += 2
            return 0x08
        if found := self._match(_CLASS_OCTAL):
            return int(found[1], 8)
        return self._escaped(self._text[self._at + 1 : self._at + 2])


def _varies(look_behind: str, *, spaced: bool) -> bool:
    """True of a look-behind that ``re`` refuses for its width; False also where ``re`` cannot read it by itself."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(look_behind, re.VERBOSE if spaced else 0)
    except re.error as error:
        return _NO_WIDTH in str(error)
    except (RecursionError, OverflowError, ValueError):
        return False
    return False


def unicode_border(word: str, *, negated: bool) -> str:
    """A border of words that PCRE2 has no name for: between a character of the class ``word`` and another or none."""
    if negated:
        return f"(?:(?<={word})(?={word})|(?<!{word})(?!{word}))"
    return f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"
