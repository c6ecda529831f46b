"""Keeps Arrow from footers that would end the process.

pyarrow asks its library for the metadata of a column without catching what that throws, and the process is aborted:
at a codec it does not know, a type that the schema does not have, a histogram of the wrong length, a column too many.
These are the library's own checks, made before it is asked. Like the library this takes a field of another type than
the format's for an unknown one; unlike it, it refuses lists of other items, which the library would misread.

Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scanner.archive.parquet.thrift import BINARY, I32, I64, LIST, STRUCT, Cursor, Malformed
from scanner.errors import SourceError

_TAIL: Final = 8
_CODECS: Final = range(8)
_BYTE_ARRAY: Final = 6
_REQUIRED: Final = 0
_REPEATED: Final = 2
_REPETITIONS: Final = range(3)
_MOST_NESTING: Final = 100

_FILE_LISTS: Final = {5: STRUCT, 7: STRUCT}
_ROW_GROUP_LISTS: Final = {4: STRUCT}
_METADATA_LISTS: Final = {2: I32, 3: BINARY, 8: STRUCT, 13: STRUCT}
"""What the other lists of each struct hold, by the numbers of their fields."""
_ENCRYPTED: Final = "a column is encrypted, which cannot be read"


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A column of the schema: its type, and the greatest level of definition and of repetition."""

    type: int
    definition: int
    repetition: int


def check_footer(uri: str, footer: bytes) -> None:
    """Makes sure that Arrow can be asked about every column of every row group.

    Args:
        uri: The file.
        footer: Its end, from the first byte of the footer on.

    Raises:
        SourceError: It cannot be asked.
    """
    try:
        _check(footer[:-_TAIL])
    except (Malformed, IndexError, RecursionError) as error:
        reason = (
            str(error) if isinstance(error, Malformed) and error.args else "its parts do not fit together"
        )
        raise SourceError(uri, f"the footer is damaged: {reason}") from error


def _check(footer: bytes) -> None:
    cursor = Cursor(footer)
    leaves: list[_Leaf] = []
    for number, type_ in cursor.fields():
        match number, type_:
            case 2, 9:
                _expect(not leaves)
                leaves = _leaves(cursor)
            case 4, 9:
                for _ in range(_items(cursor, STRUCT)):
                    _check_row_group(cursor, leaves)
            case _:
                _skip(cursor, number, type_, _FILE_LISTS)


def _items(cursor: Cursor, inner: int) -> int:
    """Goes to the first item of a list, and tells their number."""
    count, found = cursor.items()
    _expect(found == inner or not count)
    return count


def _skip(cursor: Cursor, number: int, type_: int, lists: Mapping[int, int]) -> None:
    if type_ == LIST and number in lists:
        place = cursor.at
        _items(cursor, lists[number])
        cursor.at = place
    cursor.skip(type_)


def _expect(holds: bool, reason: str = "its parts do not fit together") -> None:  # noqa: FBT001 - an assertion
    if not holds:
        raise Malformed(reason)


def _leaves(cursor: Cursor) -> list[_Leaf]:
    """The columns of the schema, which is a tree written depth first."""
    count = _items(cursor, STRUCT)
    above: list[tuple[int, int, int]] = [(1, 0, 0)]  # elements to come, levels
    found = []
    for index in range(count):
        while above and not above[-1][0]:
            above.pop()
        _expect(bool(above) and len(above) < _MOST_NESTING)
        left, definition, repetition = above[-1]
        above[-1] = (left - 1, definition, repetition)
        type_, kind, children = _element(cursor)
        if index:
            _expect(kind in _REPETITIONS)
            definition += kind != _REQUIRED
            repetition += kind == _REPEATED
        if children:
            above.append((children, definition, repetition))
        elif index:
            found.append(_Leaf(type_, definition, repetition))
    return found


def _element(cursor: Cursor) -> tuple[int, int, int]:
    """Type, repetition and number of children of an element of the schema."""
    values = {1: -1, 3: _REQUIRED, 5: 0}
    for number, type_ in cursor.fields():
        if number in values and type_ == I32:
            values[number] = cursor.integer()
        else:
            cursor.skip(type_)
    return values[1], values[3], values[5]


def _check_row_group(cursor: Cursor, leaves: list[_Leaf]) -> None:
    columns = 0
    for number, type_ in cursor.fields():
        if number == 1 and type_ == LIST:
            columns = _items(cursor, STRUCT)
            _expect(columns == len(leaves), "a row group has other columns than the schema")
            for leaf in leaves:
                _check_column(cursor, leaf)
        else:
            _skip(cursor, number, type_, _ROW_GROUP_LISTS)
    _expect(columns == len(leaves), "a row group has other columns than the schema")


def _check_column(cursor: Cursor, leaf: _Leaf) -> None:
    known = False
    for number, type_ in cursor.fields():
        match number:
            case 3 if type_ == STRUCT:
                _check_metadata(cursor, leaf)
                known = True
            case 8:
                raise Malformed(_ENCRYPTED)
            case _:
                cursor.skip(type_)
    _expect(known, "a column has no metadata")


def _check_metadata(cursor: Cursor, leaf: _Leaf) -> None:
    for number, type_ in cursor.fields():
        match number, type_:
            case 1, 5:
                _expect(cursor.integer() == leaf.type, "a column has another type than the schema says")
            case 4, 5:
                _expect(cursor.integer() in _CODECS, "a column is compressed by a codec that is not known")
            case 16, 12:
                _check_sizes(cursor, leaf)
            case _:
                _skip(cursor, number, type_, _METADATA_LISTS)


def _check_sizes(cursor: Cursor, leaf: _Leaf) -> None:
    levels = {2: leaf.repetition, 3: leaf.definition}
    for number, type_ in cursor.fields():
        if number in levels and type_ == LIST:
            count = _items(cursor, I64)
            _expect(count in {0, levels[number] + 1}, "a histogram of levels has the wrong length")
            for _ in range(count):
                cursor.integer()
        else:
            _expect(
                number != 1 or leaf.type == _BYTE_ARRAY, "bytes of text are counted in a column without text"
            )
            cursor.skip(type_)
