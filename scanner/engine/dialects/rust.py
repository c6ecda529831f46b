r"""Rust's ``regex`` crate.

Everything is Unicode's unless ``(?-u)`` says otherwise; under it, what could match a byte beyond ASCII is refused by
the crate itself for text, and so it is here. Classes may stand in classes, and be intersected (``&&``), subtracted
(``--``) and parted (``~~``), all of equal rank from left to right: they are worked out here, and spelled by their
members.

Source: https://docs.rs/regex/latest/regex/#syntax; regex-syntax/src/ast/parse.rs and src/hir/translate.rs of
rust-lang/regex for where space may stand under ``x``, what may be escaped, and when case is folded.
"""

import re
from collections.abc import Callable, Mapping
from typing import ClassVar, Final, NoReturn

from scanner.engine.dialects.automaton import AutomatonReader
from scanner.engine.dialects.python import unicode_border
from scanner.engine.dialects.reader import CONTROL, DIGITS, POSIX, SPACE, WORD, Flags
from scanner.engine.dialects.sets import intersect, negate, property_members, spelled, subtract, union
from scanner.engine.patterns.classes import Ranges

MAX_CLASS_DEPTH: Final = 50
"""Classes that may stand inside each other."""

_DIGITS: Final = re.compile(r"\d+", re.ASCII)
_HEX: Final = re.compile(
    r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|[xuU]\{([0-9A-Fa-f]+)\})"
)
_POSIX: Final = re.compile(r"\[:(\^?)([a-z]+):\]")
_BORDERS: Final = re.compile(r"\\(?:([<>])|b\{(start|end|start-half|end-half)\})")
_OPERATIONS: Final[Mapping[str, Callable[[Ranges, Ranges], Ranges]]] = {
    "&&": intersect,
    "--": subtract,
    "~~": lambda left, right: union(subtract(left, right), subtract(right, left)),
}
_WORD_SOURCE: Final = r"[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]"
_SPACE_SOURCE: Final = r"\p{White_Space}"


class RustReader(AutomatonReader):
    """Reads a pattern of Rust's ``regex`` crate, as one on text."""

    home = "Rust's regex"
    _inline_flags: ClassVar = re.compile(r"\(\?([imsUux]*)(?:-([imsUux]+))?([:)])")
    _named_group: ClassVar = re.compile(r"\(\?P?<([^\W\d][\w.\[\]]*)>")
    _negates_properties: ClassVar[bool] = False
    _space: ClassVar[str] = " \t\n\x0b\f\r\x85\u200e\u200f\u2028\u2029"

    def _initial(self, flags: Flags) -> Flags:
        return flags | {"u"}

    def _is_unicode(self, flags: Flags) -> bool:
        return "u" in flags

    def _set(self, ranges: Ranges, *, negated: bool = False) -> None:
        if not self._is_unicode(self._flags):
            ranges, negated = (negate(ranges) if negated else ranges), False
            if subtract(ranges, POSIX["ascii"]):
                self._part_of_a_character()
        super()._set(ranges, negated=negated)

    def _plain(self, char: str) -> None:
        if char == "." and not self._is_unicode(self._flags):
            self._part_of_a_character()
        super()._plain(char)

    def _part_of_a_character(self) -> NoReturn:
        self._refuse("under `(?-u)` this could match a part of a character", "write it under `(?u)`")

    def _point(self, code: int) -> None:
        # A character by itself is all of its bytes, with (?-u) or without; only \xNN is one byte.
        if code > POSIX["ascii"][0][1] and not self._is_unicode(self._flags):
            self._emit(spelled(((code, code),), negated=False, caseless=False))
        else:
            super()._point(code)

    def _category(self, char: str) -> Ranges:
        small = char.lower()
        if not self._is_unicode(self._flags):
            found = {"d": DIGITS, "s": SPACE, "w": WORD}[small]
        else:
            found = property_members({"d": r"\p{Nd}", "s": _SPACE_SOURCE, "w": _WORD_SOURCE}[small])
        return found if char == small else negate(found)

    # Escapes.

    def _escape(self) -> None:
        char = self._text[self._at + 1 : self._at + 2]
        if border := self._match(_BORDERS):
            self._half_border(border[1] or border[2])
        elif char and char in "Az":
            self._at += 2
            self._border(f"\\{char}")
        elif char and char in "bB":
            self._at += 2
            self._word_border(char)
        else:
            found = self._escaped(char)
            if isinstance(found, int):
                self._point(found)
            else:
                self._set(found)

    def _half_border(self, which: str) -> None:
        word = spelled(self._category("w"), negated=False, caseless=False)
        before, after = f"(?<!{word})", f"(?!{word})"
        start, end = f"{before}(?={word})", f"(?<={word}){after}"
        self._border(
            {"<": start, "start": start, ">": end, "end": end, "start-half": before, "end-half": after}[which]
        )

    def _word_border(self, char: str) -> None:
        if self._is_unicode(self._flags):
            word = spelled(self._category("w"), negated=False, caseless=False)
            self._border(unicode_border(word, negated=char == "B"))
        else:
            self._border(f"\\{char}")

    def _escaped(self, char: str) -> int | Ranges:
        """What an escape stands for inside classes and outside."""
        if char and char in "dDsSwW":
            self._at += 2
            return self._category(char)
        if (members := self._property()) is not None:
            return members
        if found := self._match(_HEX):
            code = self._hexadecimal(next(filter(None, found.groups())))
            if found[1] and not self._is_unicode(self._flags) and code > POSIX["ascii"][0][1]:
                self._part_of_a_character()
            return code
        if not char or not char.isascii() or char in "<>" or (char.isalnum() and char not in CONTROL):
            self._unknown_escape(char)
        self._at += 2
        return CONTROL.get(char, ord(char))

    # Groups and repeats.

    def _counted(self) -> str | None:
        start = self._at
        self._at += 1
        low = self._number()
        comma = self._skip(",")
        high = self._number() if comma else ""
        if not low or not self._skip("}"):
            self._at = start
            self._refuse("a repeat is not `{n}`, `{n,}` or `{n,m}`", r"write one, or `\{` for the character")
        self._skip_all_space()
        return f"{{{low}{',' if comma else ''}{high}}}"

    def _number(self) -> str:
        self._skip_all_space(always=True)
        found = self._match(_DIGITS)
        self._skip_all_space(always=True)
        return found[0] if found else ""

    def _skip_all_space(self, *, always: bool = False) -> None:
        if always or "x" in self._flags:
            while self._text[self._at : self._at + 1] and self._text[self._at] in self._space:
                self._at += 1

    def _repeat_again(self) -> None:
        """A repeat of a repeat is one: ``a*+`` is ``(?:a*)+``."""

    # Classes.

    def _class(self) -> None:
        self._at += 1
        ranges, negated = self._class_body(1)
        self._set(ranges, negated=negated)

    def _class_body(self, depth: int) -> tuple[Ranges, bool]:
        """Takes a class behind its bracket: its members, and whether the class is their complement."""
        if depth > MAX_CLASS_DEPTH:
            self._refuse("too many classes stand inside each other", "take some of the brackets away")
        self._blank()
        negated = self._skip("^")
        found: list[Ranges] = list(self._literals_first())
        left: Ranges | None = None
        operate = _OPERATIONS["&&"]
        while True:
            self._blank()
            operator = self._text[self._at : self._at + 2]
            if operator in _OPERATIONS or operator[:1] == "]":
                operand = (
                    union(*found) if left is None else operate(self._fold(left), self._fold(union(*found)))
                )
                self._at += 2 if operator in _OPERATIONS else 1
                if operator not in _OPERATIONS:
                    return operand, negated
                left, operate, found = operand, _OPERATIONS[operator], []
            else:
                found.append(self._nested(depth))

    def _literals_first(self) -> list[Ranges]:
        """Characters that stand for themselves where a class begins with them."""
        found: list[Ranges] = []
        self._blank()
        while self._skip("-"):
            found.append(((0x2D, 0x2D),))
            self._blank()
        if not found and self._skip("]"):
            found.append(((0x5D, 0x5D),))
        return found

    def _nested(self, depth: int) -> Ranges:
        if self._at >= len(self._text):
            self._refuse("a class is not closed", r"close it, or write `\[` for the character")
        if (found := _POSIX.match(self._text, self._at)) and found[2] in POSIX:
            self._at = found.end()
            return self._not(POSIX[found[2]]) if found[1] else POSIX[found[2]]
        if self._skip("["):
            ranges, negated = self._class_body(depth + 1)
            return self._not(ranges) if negated else ranges
        return self._class_item()

    def _class_item(self) -> Ranges:
        low = self._class_point()
        self._blank()
        behind = re.compile(r"-\s*(.?)" if "x" in self._flags else "-(.?)", re.DOTALL).match(
            self._text, self._at
        )
        if behind is None or behind[1] in ("]", "-"):
            return low if isinstance(low, tuple) else ((low, low),)
        self._at += 1
        self._blank()
        return self._range_of(low, self._class_point())

    def _class_point(self) -> int | Ranges:
        char = self._text[self._at : self._at + 1]
        if char == "\\":
            return self._escaped(self._text[self._at + 1 : self._at + 2])
        self._at += 1
        return ord(char) if char else 0

    def _blank(self) -> None:
        if "x" in self._flags:
            while self._at < len(self._text) and (
                self._text[self._at] in self._space or self._text[self._at] == "#"
            ):
                self._skip_space()
