"""What a footer says of the texts themselves, which pyarrow reads and does not tell.

Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift, ``SizeStatistics``
"""

from scanner.archive.parquet.thrift import I64, LIST, STRUCT, Cursor, Malformed

_TAIL = 8
_ROW_GROUPS = 4
_COLUMNS = 1
_METADATA = 3
_SIZES = 16
_TEXT_BYTES = 1


def text_bytes(footer: bytes) -> list[list[int | None]]:
    """By row group and column, the bytes of all its values unfolded; None where the writer did not count them.

    Args:
        footer: The end of the file, from the first byte of the footer on; sound, or nothing is told.
    """
    cursor = Cursor(footer[:-_TAIL])
    try:
        for number, type_ in cursor.fields():
            if (number, type_) == (_ROW_GROUPS, LIST):
                return [_columns(cursor) for _ in range(cursor.items()[0])]
            cursor.skip(type_)
    except (Malformed, IndexError):
        pass
    return []


def _columns(cursor: Cursor) -> list[int | None]:
    found: list[int | None] = []
    for number, type_ in cursor.fields():
        if (number, type_) == (_COLUMNS, LIST):
            found = [_within(cursor, _METADATA) for _ in range(cursor.items()[0])]
        else:
            cursor.skip(type_)
    return found


def _within(cursor: Cursor, field: int) -> int | None:
    """What the struct says that is a field of the one that begins here: a column's metadata, or the sizes in it."""
    found = None
    for number, type_ in cursor.fields():
        if (number, type_) == (field, STRUCT):
            found = _within(cursor, _SIZES) if field == _METADATA else _counted(cursor)
        else:
            cursor.skip(type_)
    return found


def _counted(cursor: Cursor) -> int | None:
    found = None
    for number, type_ in cursor.fields():
        if (number, type_) == (_TEXT_BYTES, I64):
            found = cursor.integer()
        else:
            cursor.skip(type_)
    return found
