"""Walks over structs in Thrift's compact protocol, without making objects of what nobody asks for.

Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from collections.abc import Iterator
from typing import Final

I32: Final = 5
I64: Final = 6
BINARY: Final = 8
LIST: Final = 9
MAP: Final = 11
STRUCT: Final = 12

_MOST_NESTING: Final = 40
_LONG: Final = 15
_MORE: Final = 128
_SHORT: Final = 16
"""The least head of a field that has its number in it, as a difference to the one before."""

_INTEGERS: Final = frozenset({4, I32, I64})
_LISTS: Final = frozenset({LIST, 10})
_FLAGS: Final = frozenset({1, 2})
_BYTE: Final = 3
_WIDTHS: Final = {1: 0, 2: 0, _BYTE: 1, 7: 8}
"""Bytes of the values of fixed width: flags, bytes, doubles."""

_MOST_SHIFT: Final = 63
"""An integer has 64 bits; without a bound, one of a megabyte would take minutes."""


class Malformed(ValueError):  # noqa: N818 - a value's state
    """The bytes are no struct."""


class Cursor:
    """A place in bytes. Whoever is told of a field reads its value or skips it, and then asks for the next one.

    Reading past the end raises `IndexError`.

    Attributes:
        at: The place.
    """

    __slots__ = ("_data", "at")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self.at = at

    def fields(self) -> Iterator[tuple[int, int]]:
        """Number and type of each field of the struct that begins here."""
        data = self._data
        number = 0
        while head := data[self.at]:
            self.at += 1
            number = number + (head >> 4) if head >> 4 else self.integer()
            yield number, head & 15
        self.at += 1

    def integer(self) -> int:
        """An integer of any width."""
        number = self._varint()
        return (number >> 1) ^ -(number & 1)

    def items(self) -> tuple[int, int]:
        """Number and type of the items of the list that begins here; the first of them comes next."""
        head = self._data[self.at]
        self.at += 1
        return (head >> 4 if head >> 4 < _LONG else self._varint()), head & 15

    def skip(self, type_: int, depth: int = 0) -> None:
        """Goes past a value.

        Raises:
            Malformed: There is no such type, or it is nested too deeply.
        """
        if type_ in _INTEGERS:
            self._varint()
        elif type_ == BINARY:
            length = self._varint()
            self.at += length
        elif type_ == STRUCT and depth < _MOST_NESTING:
            self._skip_fields(depth)
        elif type_ in _LISTS and depth < _MOST_NESTING:
            self._skip_items(depth)
        elif type_ == MAP and depth < _MOST_NESTING:
            self._skip_entries(depth)
        elif type_ in _WIDTHS:
            self.at += _WIDTHS[type_]
        else:
            raise Malformed

    def _skip_fields(self, depth: int) -> None:
        """Most of a footer is skipped, so this does what it can without calling anything."""
        data, at = self._data, self.at
        while head := data[at]:
            at += 1
            type_ = head & 15
            if head < _SHORT:
                while data[at] >= _MORE:
                    at += 1
                at += 1
            if type_ in _INTEGERS:
                while data[at] >= _MORE:
                    at += 1
                at += 1
            elif type_ not in _FLAGS:
                self.at = at
                self.skip(type_, depth + 1)
                at = self.at
        self.at = at + 1

    def _skip_items(self, depth: int) -> None:
        count, inner = self.items()
        self._skip_all(count, (inner,), depth)

    def _skip_entries(self, depth: int) -> None:
        count = self._varint()
        if count:
            types = self._data[self.at]
            self.at += 1
            self._skip_all(count, (types >> 4, types & 15), depth)

    def _skip_all(self, count: int, types: tuple[int, ...], depth: int) -> None:
        for _ in range(count):
            for type_ in types:
                # A flag in here has a byte of its own, and none as a field.
                self.skip(_BYTE if type_ in _FLAGS else type_, depth + 1)
            if self.at > len(self._data):
                raise Malformed

    def _varint(self) -> int:
        data, at = self._data, self.at
        byte = data[at]
        at += 1
        if byte < _MORE:
            self.at = at
            return byte
        number, shift = byte & 127, 7
        while byte >= _MORE:
            if shift > _MOST_SHIFT:
                raise Malformed
            byte = data[at]
            at += 1
            number |= (byte & 127) << shift
            shift += 7
        self.at = at
        return number
