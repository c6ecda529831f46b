r"""What RE2 and Rust's ``regex`` write alike, as both are automata: groups, and flags for a part of a pattern."""

import re
from typing import ClassVar

from scanner.engine.dialects.reader import HomeReader


class AutomatonReader(HomeReader):
    """Reads groups.

    Attributes:
        _inline_flags: Finds flags to set, flags to unset, and ``:`` or ``)``.
        _named_group: Finds the name.
    """

    _inline_flags: ClassVar[re.Pattern[str]]
    _named_group: ClassVar[re.Pattern[str]]

    def _group(self) -> None:
        if found := self._match(self._inline_flags):
            self._inline(found)
        elif found := self._match(self._named_group):
            self._capture(found[1])
        elif self._text.startswith("(?", self._at):
            self._unknown_group()
        else:
            self._at += 1
            self._capture()

    def _inline(self, found: re.Match[str]) -> None:
        flags = (self._flags | set(found[1])) - set(found[2] or "")
        if found[3] == ":":
            self._open("(?:", flags)
        elif found[1] or found[2]:
            self._set_flags(flags)
        else:
            self._unknown_group()
