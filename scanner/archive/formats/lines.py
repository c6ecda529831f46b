"""A file's lines, in blocks of complete ones."""

from collections.abc import Iterator
from typing import Any, Final

BLOCK_BYTES: Final = 4 << 20
"""About what a block has; more where one line alone is longer."""

MAX_LINE_BYTES: Final = 64 << 20
"""Longer lines are left out."""

_READ_BYTES: Final = 1 << 20
_BOM: Final = b"\xef\xbb\xbf"


def blocks(source: Any) -> Iterator[tuple[int, bytes | None]]:
    """Complete lines, and the number of the first, from 1; None for a line that is too long."""
    held = _Held()
    skipping = False
    more = source.read(_READ_BYTES).removeprefix(_BOM)
    while more:
        if skipping:
            end = more.find(b"\n") + 1
            skipping = not end
            more = more[end:] if end else b""
        held.add(more)
        if held.size + held.begun >= BLOCK_BYTES:
            yield from held.lines()
        if held.begun > MAX_LINE_BYTES:
            yield held.line_left_out()
            skipping = True
        more = source.read(_READ_BYTES)
    held.end()
    yield from held.lines()


class _Held:
    """What was read and not given yet.

    Attributes:
        size: Bytes of complete lines.
        begun: Bytes of the line after them, which is not complete.
    """

    def __init__(self) -> None:
        self._number = 1
        self._complete: list[bytes] = []
        self._begun: list[bytes] = []
        self.size = 0
        self.begun = 0

    def add(self, data: bytes) -> None:
        end = data.rfind(b"\n") + 1
        if end:
            self._complete += [*self._begun, data[:end]]
            self.size += self.begun + end
            self._begun, self.begun = [], 0
        self._begun.append(data[end:])
        self.begun += len(data) - end

    def end(self) -> None:
        """The last line is complete without a line break."""
        self._complete += self._begun
        self.size += self.begun

    def lines(self) -> Iterator[tuple[int, bytes]]:
        if self.size:
            block = b"".join(self._complete)
            number = self._number
            self._complete, self.size = [], 0
            self._number += block.count(b"\n")
            yield number, block

    def line_left_out(self) -> tuple[int, None]:
        self._begun, self.begun = [], 0
        self._number += 1
        return self._number - 1, None
