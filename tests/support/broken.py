"""Breaks Parquet files: their bytes, their footers and the headers of their pages.

Footers and headers are Thrift structs in the compact protocol. They are read into dicts of numbered fields, changed
there, and written back.

Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Struct = dict[int, tuple[int, Any]]
"""Fields by their number: their type, and their value."""

TRUE, FALSE, I32, I64, STRUCT = 1, 2, 5, 6, 12
_TAIL = 8


class Reader:
    """Reads structs from bytes.

    Attributes:
        at: Where it has come to.
    """

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self.at = at

    def struct(self) -> Struct:
        """The struct that begins here."""
        fields: Struct = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            type_ = head & 15
            fields[number] = (type_, self._value(type_))
        return fields

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _varint(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number

    def _zigzag(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)

    def _bytes(self, length: int) -> bytes:
        self.at += length
        return self._data[self.at - length : self.at]

    def _value(self, type_: int) -> Any:
        match type_:
            case 1 | 2:
                return type_ == TRUE
            case 4 | 5 | 6:
                return self._zigzag()
            case 8:
                return self._bytes(self._varint())
            case 9:
                head = self._byte()
                length = head >> 4 if head >> 4 < 15 else self._varint()
                return head & 15, [self._value(head & 15) for _ in range(length)]
            case _:
                assert type_ == STRUCT, "pyarrow writes no other type"
                return self.struct()


def written(fields: Struct) -> bytes:
    """A struct as bytes."""
    parts = []
    before = 0
    for number, (type_, value) in sorted(fields.items()):
        kind = (TRUE if value else FALSE) if type_ in {TRUE, FALSE} else type_
        delta = number - before
        parts.append(bytes([delta << 4 | kind]) if delta < 16 else bytes([kind]) + _zigzag(number))
        if type_ not in {TRUE, FALSE}:
            parts.append(_written(type_, value))
        before = number
    return b"".join(parts) + b"\0"


def _written(type_: int, value: Any) -> bytes:
    match type_:
        case 4 | 5 | 6:
            return _zigzag(value)
        case 8:
            return _varint(len(value)) + bytes(value)
        case 9:
            inner, values = value
            head = len(values) << 4 | inner if len(values) < 15 else 0xF0 | inner
            length = b"" if len(values) < 15 else _varint(len(values))
            return bytes([head]) + length + b"".join(_written(inner, each) for each in values)
        case _:
            return written(value)


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _zigzag(number: int) -> bytes:
    return _varint((number << 1) ^ (number >> 63))


@dataclass
class Parquet:
    """A Parquet file, taken apart.

    Attributes:
        body: Everything before the footer.
        footer: The footer, ``FileMetaData``.
    """

    body: bytes
    footer: Struct

    @classmethod
    def read(cls, path: Path) -> "Parquet":
        data = path.read_bytes()
        length = int.from_bytes(data[-_TAIL:-4], "little")
        return cls(data[: -_TAIL - length], Reader(data[-_TAIL - length :]).struct())

    def write(self, path: Path) -> None:
        footer = written(self.footer)
        path.write_bytes(self.body + footer + len(footer).to_bytes(4, "little") + b"PAR1")

    @property
    def row_groups(self) -> list[Struct]:
        """Their ``RowGroup`` structs."""
        return list(self.footer[4][1][1])

    def columns(self, row_group: int) -> list[Struct]:
        """The ``ColumnMetaData`` of a row group."""
        return [chunk[3][1] for chunk in self.row_groups[row_group][1][1][1]]

    def pages(self, row_group: int, column: int) -> Iterator[tuple[int, Struct, int]]:
        """Of each page of a column: where it begins, its ``PageHeader``, and where its data begins."""
        found = self.columns(row_group)[column]
        at = min(found[number][1] for number in (9, 11) if number in found)
        end = at + found[7][1]
        while at < end:
            reader = Reader(self.body, at)
            header = reader.struct()
            yield at, header, reader.at
            at = reader.at + header[3][1]

    def splice(self, start: int, end: int, data: bytes, row_group: int, column: int) -> None:
        """Puts bytes in the place of others within a column, and moves what the footer knows of places."""
        self.body = self.body[:start] + data + self.body[end:]
        moved = len(data) - (end - start)
        chunk = self.columns(row_group)[column]
        chunk[7] = (I64, chunk[7][1] + moved)
        for number, group in enumerate(self.row_groups):
            for each in self.columns(number):
                for field in (9, 10, 11):
                    if field in each and each[field][1] > start:
                        each[field] = (I64, each[field][1] + moved)
            if 5 in group and group[5][1] > start:
                group[5] = (I64, group[5][1] + moved)


def change_page(
    path: Path, change: Callable[[Struct, bytes], bytes], row_group: int = 1, column: int = -1, page: int = 0
) -> None:
    """Changes one page: ``change`` may change the header, and answers the page's data.

    The header's compressed size is that of the data unless it was changed, and no checksum is left in it.
    """
    file = Parquet.read(path)
    start, header, data_at = list(file.pages(row_group, column))[page]
    size = header[3]
    end = data_at + size[1]
    data = change(header, file.body[data_at:end])
    if header[3] is size:
        header[3] = (I32, len(data))
    header.pop(4, None)
    file.splice(start, end, written(header) + data, row_group, column)
    file.write(path)


def change_footer(path: Path, change: Callable[[Parquet], object]) -> None:
    """Changes the footer."""
    file = Parquet.read(path)
    change(file)
    file.write(path)
