r"""RE2, and Go's ``regexp``, which reads the same language.

Source: https://github.com/google/re2/wiki/Syntax; https://pkg.go.dev/regexp/syntax; src/regexp/syntax/parse.go of Go
for what is a repeat and what a brace, and for how ``(?i)`` folds classes.
"""

import re
from collections.abc import Mapping
from typing import ClassVar, Final

from scanner.engine.dialects.automaton import AutomatonReader
from scanner.engine.dialects.reader import CONTROL, DIGITS, POSIX, WORD, Flags
from scanner.engine.dialects.sets import union
from scanner.engine.patterns.classes import Ranges

_COUNTED: Final = re.compile(r"\{(\d+)(,(\d*))?\}")
_HEX: Final = re.compile(r"\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})")
_OCTAL: Final = re.compile(r"\\(0[0-7]{0,2}|[1-7][0-7]{1,2})")
_POSIX: Final = re.compile(r"\[:(\^?)(.*?):\]", re.DOTALL)

# Unlike everybody else's, RE2's \s is without U+000B.
_CATEGORIES: Final[Mapping[str, Ranges]] = {
    "d": DIGITS,
    "s": ((0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20)),
    "w": WORD,
}


class Re2Reader(AutomatonReader):
    """Reads a pattern of RE2 or Go."""

    home = "RE2"
    _inline_flags: ClassVar = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
    _named_group: ClassVar = re.compile(r"\(\?P?<(\w+)>")

    def _is_unicode(self, flags: Flags) -> bool:  # noqa: ARG002 - case always folds as Unicode's
        return True

    def _escape(self) -> None:
        char = self._text[self._at + 1 : self._at + 2]
        if char and char in "AzbB":
            self._at += 2
            self._border(f"\\{char}")
        elif self._skip("\\Q"):
            self._quoted()
        else:
            self._set(self._escaped(char))

    def _quoted(self) -> None:
        end = self._text.find("\\E", self._at)
        for char in self._text[self._at : None if end < 0 else end]:
            self._point(ord(char))
        self._at = len(self._text) if end < 0 else end + 2

    def _escaped(self, char: str) -> Ranges:
        """What an escape stands for inside classes and outside."""
        if char and char in "dDsSwW":
            self._at += 2
            found = _CATEGORIES[char.lower()]
            return found if char.islower() else self._not(found)
        if (members := self._property()) is not None:
            return members
        code = self._escaped_point(char)
        return ((code, code),)

    def _escaped_point(self, char: str) -> int:
        if hexadecimal := self._match(_HEX):
            return self._hexadecimal(hexadecimal[1] or hexadecimal[2])
        if octal := self._match(_OCTAL):
            return int(octal[1], 8)
        if not char.isascii() or not char or (char.isalnum() and char not in CONTROL):
            self._unknown_escape(char)
        self._at += 2
        return CONTROL.get(char, ord(char))

    def _counted(self) -> str | None:
        found = self._match(_COUNTED)
        return found[0] if found else None

    # Classes.

    def _class(self) -> None:
        self._flat_class()

    def _class_item(self) -> Ranges:
        return self._class_of_class() or super()._class_item()

    def _class_of_class(self) -> Ranges | None:
        r"""Takes what stands for several characters, and can begin no range: ``[:alpha:]``, ``\d``, ``\pN``."""
        if self._text.startswith("[:", self._at) and (found := _POSIX.match(self._text, self._at)):
            members = POSIX.get(found[2])
            if members is None:
                self._refuse(f"`{found[0]}` is no class of {self.home}", f"write one of {', '.join(POSIX)}")
            self._at = found.end()
            return self._not(members) if found[1] else members
        escape = self._text[self._at : self._at + 2]
        if escape[:1] == "\\" and escape[1:] and escape[1:] in "dDsSwWpP":
            return union(self._escaped(escape[1:]))
        return None

    def _class_point(self) -> int:
        char = self._text[self._at : self._at + 1]
        if char == "\\":
            return self._escaped_point(self._text[self._at + 1 : self._at + 2])
        self._at += 1
        return ord(char) if char else 0
