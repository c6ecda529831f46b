"""What the readers of all dialects share: a walk over a pattern that writes PCRE2's language as it goes.

What is written needs no flag but ``i``: spaced-out patterns lose their space, ``^``, ``$`` and ``.`` are spelled by
what they mean where they stand, classes by their members, and names of groups by numbers.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final, NoReturn

from scanner.engine.dialects.properties import property_named
from scanner.engine.dialects.sets import EVERYTHING, folded, folded_ascii, intersect, negate, spelled, union
from scanner.engine.patterns.classes import Ranges
from scanner.engine.pcre import PatternRefused

Flags = frozenset[str]

_PROPERTY: Final = re.compile(r"\\([pP])(?:\{(\^?)([^{}]*)\}|([A-Za-z]))")

CONTROL: Final = {"a": 0x07, "f": 0x0C, "n": 0x0A, "r": 0x0D, "t": 0x09, "v": 0x0B}

_GROUP_HEAD: Final = re.compile(r"\(\?(?:<?[=!]|P[>=]|[#|>&^(]|\w)?")

POSIX: Final[Mapping[str, Ranges]] = {
    "alnum": ((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)),
    "alpha": ((0x41, 0x5A), (0x61, 0x7A)),
    "ascii": ((0x00, 0x7F),),
    "blank": ((0x09, 0x09), (0x20, 0x20)),
    "cntrl": ((0x00, 0x1F), (0x7F, 0x7F)),
    "digit": ((0x30, 0x39),),
    "graph": ((0x21, 0x7E),),
    "lower": ((0x61, 0x7A),),
    "print": ((0x20, 0x7E),),
    "punct": ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)),
    "space": ((0x09, 0x0D), (0x20, 0x20)),
    "upper": ((0x41, 0x5A),),
    "word": ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
    "xdigit": ((0x30, 0x39), (0x41, 0x46), (0x61, 0x66)),
}
"""The same in RE2 and Rust, and ASCII in both."""

DIGITS: Final = POSIX["digit"]
WORD: Final = POSIX["word"]
SPACE: Final = POSIX["space"]

LINE_START: Final = r"(?<![^\n])"
"""Behind every line break, be it the last character; PCRE2's own ``^`` does not hold there."""

_PCRE: Final = "if it was written for PCRE, remove `dialect`"
_REMEDIES: Final[Mapping[str, str]] = {
    r"\h": r"write `[ \t]`",
    r"\H": r"write `[^ \t]`",
    r"\Z": r"write `\z`, or `\n?\z` where a last line break may follow",
    r"\z": r"write `\Z`",
    r"\R": r"write `(?:\r\n|[\n-\r])`",
    r"\e": r"write `\x1b`",
    r"\C": "write `(?s:.)` for one character",
    r"\<": r"write `\b`",
    r"\>": r"write `\b`",
    "(?R": r"write `\r?$` for `$` and `[^\r\n]` for `.` where lines may end in CR LF",
}


class HomeReader(ABC):
    """Reads a pattern of one dialect.

    Args:
        regex: The pattern as written.
        flags: Letters of ``imsxu``.
    """

    home: ClassVar[str]
    """Whose language it is, for messages."""

    def __init__(self, regex: str, flags: str) -> None:
        self._text = regex
        self._start = self._initial(frozenset(flags))
        self._reset()

    def translated(self) -> tuple[str, str]:
        """The pattern in PCRE2's language, and the flags that it needs there.

        Raises:
            PatternRefused: There is no such pattern in the dialect, or PCRE2 has no equal.
        """
        while self._at < len(self._text):
            self._next()
        if self._opened:
            self._refuse("a bracket is not closed", "close it")
        return "".join(self._out), "i" if self._folds(self._start) else ""

    # What the dialects differ in.

    def _initial(self, flags: Flags) -> Flags:
        return flags

    @abstractmethod
    def _is_unicode(self, flags: Flags) -> bool:
        """Tells whether case folds beyond ASCII, and classes and borders reach there."""

    @abstractmethod
    def _escape(self) -> None:
        """Takes what a backslash begins, outside of classes."""

    @abstractmethod
    def _group(self) -> None:
        """Takes what opens a group."""

    @abstractmethod
    def _class(self) -> None:
        """Takes a class."""

    @abstractmethod
    def _counted(self) -> str | None:
        """Takes ``{n,m}``; None where the brace stands for itself."""

    def _repeat_again(self) -> None:
        """A repeat follows a repeat."""
        self._refuse("a repeat follows a repeat", "put brackets around the first")

    _characters: ClassVar[Ranges] = EVERYTHING
    _negates_properties: ClassVar[bool] = True
    _possessive: ClassVar[bool] = False
    _space: ClassVar[str] = " \t\n\r\f\v"
    _end_before_last_break: ClassVar[bool] = False

    # The walk.

    def _reset(self) -> None:
        self._at = 0
        self._out: list[str] = []
        self._flags = self._start
        self._opened: list[tuple[int, Flags]] = []
        self._groups = 0
        self._names: dict[str, int] = {}
        self._nothing_to_repeat()

    def _nothing_to_repeat(self) -> None:
        self._atom = -1
        self._zero_width = False
        self._repeated = False

    def _next(self) -> None:
        char = self._text[self._at]
        if "x" in self._flags and (char in self._space or char == "#"):
            self._skip_space()
        elif char == "\\":
            self._escape()
        elif char == "[":
            self._class()
        elif char == "(":
            self._group()
        elif char == ")":
            self._close()
        elif char in "*+?{":
            self._repeat(char)
        else:
            self._at += 1
            self._plain(char)

    def _plain(self, char: str) -> None:
        if char == "|":
            self._out.append("|")
            self._nothing_to_repeat()
        elif char == "^":
            self._border(LINE_START if "m" in self._flags else r"\A")
        elif char == "$":
            last = "$" if self._end_before_last_break else r"\z"
            self._border("(?m:$)" if "m" in self._flags else last)
        elif char == ".":
            self._emit("(?s:.)" if "s" in self._flags else ".")
        else:
            self._point(ord(char))

    def _skip_space(self) -> None:
        end = self._text.find("\n", self._at) if self._text[self._at] == "#" else self._at
        self._at = len(self._text) if end < 0 else end + 1

    def _skip(self, piece: str) -> bool:
        found = self._text.startswith(piece, self._at)
        self._at += len(piece) * found
        return found

    def _match(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        found = expression.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return found

    # Writing.

    def _emit(self, piece: str) -> None:
        self._atom, self._zero_width, self._repeated = len(self._out), False, False
        self._out.append(piece)

    def _border(self, piece: str) -> None:
        self._emit(piece)
        self._zero_width = True

    def _point(self, code: int) -> None:
        self._set(union(((code, code),)))

    def _set(self, ranges: Ranges, *, negated: bool = False) -> None:
        self._emit(self._spelled(ranges, negated=negated))

    def _spelled(self, ranges: Ranges, *, negated: bool = False) -> str:
        if "i" in self._flags:
            ranges = self._case_variants(ranges)
        return spelled(ranges, negated=negated, caseless=self._folds(self._flags))

    def _case_variants(self, ranges: Ranges) -> Ranges:
        """Those that PCRE2 does not know by itself."""
        return ranges if self._is_unicode(self._flags) else folded_ascii(ranges)

    def _fold(self, ranges: Ranges) -> Ranges:
        """A set with the case variants that it has under the flags in force."""
        if "i" not in self._flags:
            return ranges
        ranges = self._case_variants(ranges)
        return folded(ranges) if self._folds(self._flags) else ranges

    def _not(self, ranges: Ranges) -> Ranges:
        """The complement of a set; case is folded before, so that no variant of a member is in it."""
        return negate(self._fold(ranges))

    def _folds(self, flags: Flags) -> bool:
        """Tells whether PCRE2 is to fold case under these flags; it knows no other way than Unicode's."""
        return "i" in flags and self._is_unicode(flags)

    # Groups.

    def _open(self, piece: str, flags: Flags | None = None) -> None:
        """Opens a group; ``piece`` ends where its content begins, but for flags."""
        flags = self._flags if flags is None else flags
        folds = self._folds(flags)
        change = "" if folds == self._folds(self._flags) else "(?i)" if folds else "(?-i)"
        self._opened.append((len(self._out), self._flags))
        self._out.append(piece + change)
        self._flags = flags
        self._nothing_to_repeat()

    def _capture(self, name: str = "") -> None:
        self._groups += 1
        if name in self._names:
            self._refuse(f"two groups are named `{name}`", "give one of them another name")
        if name:
            self._names[name] = self._groups
        self._open("(")

    def _set_flags(self, flags: Flags) -> None:
        folds = self._folds(flags)
        if folds != self._folds(self._flags):
            self._out.append("(?i)" if folds else "(?-i)")
        self._flags = flags
        self._nothing_to_repeat()

    def _close(self) -> None:
        if not self._opened:
            self._refuse("a bracket is closed that is not open", r"write `\)` for the character")
        self._at += 1
        self._out.append(")")
        start, self._flags = self._opened.pop()
        self._nothing_to_repeat()
        self._atom = start

    # Repeats.

    def _repeat(self, char: str) -> None:
        if char == "{":
            counted = self._counted()
            if counted is None:
                self._at += 1
                self._point(ord(char))
                return
        else:
            counted = char
            self._at += 1
        if self._atom < 0:
            self._refuse(
                f"there is nothing that `{char}` could repeat", f"write `\\{char}` for the character"
            )
        if self._repeated:
            self._repeat_again()
        lazy = self._skip("?")
        possessive = not lazy and self._possessive and self._skip("+")
        self._write_repeat(counted, lazy=lazy != ("U" in self._flags), possessive=possessive)

    def _write_repeat(self, counted: str, *, lazy: bool, possessive: bool) -> None:
        # Python, which alone has possessive repeats, does not go back into any round of one.
        rounds = possessive and self._out[-1] == ")"
        if rounds or self._zero_width or self._repeated:
            self._out.insert(self._atom, "(?>" if rounds else "(?:")
            self._out.append(")")
            self._zero_width = False
        self._out.append(counted + ("+" if possessive else "?" if lazy else ""))
        self._repeated = True

    # Classes.

    def _flat_class(self) -> None:
        """A class as most engines know it: items and ranges of characters, ``]`` for itself where it stands first."""
        self._at += 1
        negated = self._skip("^")
        found: list[Ranges] = []
        while not found or not self._skip("]"):
            if self._at >= len(self._text):
                self._refuse("a class is not closed", r"close it, or write `\[` for the character")
            found.append(self._class_item())
        self._set(union(*found), negated=negated)

    def _class_item(self) -> Ranges:
        low = self._class_point()
        if not self._text.startswith("-", self._at) or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return low if isinstance(low, tuple) else ((low, low),)
        self._at += 1
        return self._range_of(low, self._class_point())

    def _range_of(self, low: int | Ranges, high: int | Ranges) -> Ranges:
        if isinstance(low, tuple) or isinstance(high, tuple):
            self._refuse("a range has a class at one of its ends", r"write `\-` for the character")
        if high < low:
            self._refuse("a range ends before it begins", "turn it around")
        return ((low, high),)

    def _class_point(self) -> int | Ranges:
        """Takes one character of a class, or a class in it."""
        raise NotImplementedError

    def _property(self) -> Ranges | None:
        r"""Takes ``\p{…}`` or its complement; None where none stands there."""
        found = self._match(_PROPERTY)
        if found is None:
            return None
        members = property_named(found[3] if found[3] is not None else found[4])
        if members is None or (found[2] and not self._negates_properties):
            self._refuse(
                f"`{found[0]}` is no property that is known", r"write one such as `\p{Lu}` or `\p{Greek}`"
            )
        return self._not(members) if (found[1] == "P") != bool(found[2]) else members

    # Refusing.

    def _hexadecimal(self, digits: str) -> int:
        code = int(digits, 16)
        if not intersect(self._characters, ((code, code),)):
            self._refuse(f"there is no character U+{code:X}", "write that of a character")
        return code

    def _unknown_escape(self, char: str) -> NoReturn:
        if not char:
            self._refuse("the pattern ends in a backslash", r"write `\\` for the character")
        remedy = _REMEDIES.get(f"\\{char}", _PCRE if char.isascii() and char.isalnum() else f"write `{char}`")
        self._refuse(f"`\\{char}` is not known to {self.home}", remedy)

    def _unknown_group(self) -> NoReturn:
        found = _GROUP_HEAD.match(self._text, self._at)
        piece = found[0] if found else "(?"
        self._refuse(f"`{piece}` is not known to {self.home}", _REMEDIES.get(piece, _PCRE))

    def _refuse(self, reason: str, remedy: str) -> NoReturn:
        at = min(self._at, len(self._text)) + 1
        words = f"{reason} (character {at})"
        raise PatternRefused(words, remedy)
