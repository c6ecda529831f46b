"""How large the batches of Arrow's files and streams are unpacked, told before any is: Arrow makes room unasked."""

import io
import struct
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

MAX_UNPACKED_BYTES: Final = 512 << 20
"""Larger batches are refused where they are `MAX_RATIO` times what they are packed."""

MAX_RATIO: Final = 100

_UNREADABLE: Final = "what it says of a batch cannot be read"
_CONTINUATION: Final = b"\xff\xff\xff\xff"
_DICTIONARIES, _BATCH = 2, 3
_HEADER_TYPE, _HEADER = 1, 2
_DATA = 1
_BUFFERS, _COMPRESSION = 2, 3
_FILE_DICTIONARIES, _FILE_BATCHES = 2, 3
_FOOTER_END: Final = struct.Struct("<i6s")
_BUFFER: Final = struct.Struct("<qq")
_BLOCK: Final = struct.Struct("<qi4xq")
_LENGTH: Final = struct.Struct("<q")


class Bounded(io.RawIOBase):
    """A stream of Arrow's, as it is, up to a batch that is too large.

    Arrow asks for the parts of a message one by one: its length, what it says of its body, and the body.

    Args:
        source: The stream.
    """

    def __init__(self, source: Any) -> None:
        super().__init__()
        self._source = source
        self._length = -1
        self._packed: list[tuple[int, int]] = []

    def readable(self) -> bool:
        """True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes.

        Raises:
            pyarrow.ArrowInvalid: They are of a batch that is too large.
        """
        data: bytes = self._source.read(size)
        _check(data, self._packed)
        self._packed = []
        if size == self._length:
            self._packed = _packed_buffers(data)
            self._length = -1
        elif size == len(_CONTINUATION) and data != _CONTINUATION:
            self._length = int.from_bytes(data, "little")
        return data


def checked_blocks(file: Any) -> Iterator[int]:
    """The numbers of an Arrow file's batches, each when it is known not to be too large.

    Args:
        file: The file, at any place in it, which is moved.

    Raises:
        pyarrow.ArrowInvalid: The next batch is, or a dictionary of the file.
    """
    footer = _footer(file)
    for block in _blocks(footer, _FILE_DICTIONARIES):
        _check_block(file, *block)
    for number, block in enumerate(_blocks(footer, _FILE_BATCHES)):
        _check_block(file, *block)
        yield number


def _footer(file: Any) -> bytes:
    size = file.size()
    file.seek(size - _FOOTER_END.size)
    length = _FOOTER_END.unpack(file.read(_FOOTER_END.size))[0]
    file.seek(size - _FOOTER_END.size - length)
    footer: bytes = file.read(length)
    return footer


def _blocks(footer: bytes, field: int) -> list[tuple[int, int, int]]:
    """Where the messages of a kind lie, the sizes of what they say of their bodies, and those of the bodies."""
    try:
        return list(_Table.root(footer).structs(field, _BLOCK))
    except struct.error:
        raise pa.ArrowInvalid(_UNREADABLE) from None


def _check_block(file: Any, start: int, told_bytes: int, body_bytes: int) -> None:
    if not 0 <= start <= start + told_bytes <= start + told_bytes + body_bytes <= file.size():
        raise pa.ArrowInvalid(_UNREADABLE)
    file.seek(start)
    told = file.read(told_bytes)
    mark = len(_CONTINUATION) if told.startswith(_CONTINUATION) else 0
    packed = _packed_buffers(told[mark + len(_CONTINUATION) :])
    file.seek(start + told_bytes)
    _check(file.read(body_bytes) if packed else b"", packed)


def _check(body: bytes, packed: list[tuple[int, int]]) -> None:
    lengths = [
        _LENGTH.unpack_from(body, start)[0]
        for start, size in packed
        if size >= _LENGTH.size and 0 <= start <= len(body) - _LENGTH.size
    ]
    unpacked = sum(length for length in lengths if length > 0)
    if unpacked > max(MAX_UNPACKED_BYTES, MAX_RATIO * len(body)):
        message = f"a batch of {len(body)} bytes would have {unpacked} unpacked"
        raise pa.ArrowInvalid(message)


def _packed_buffers(metadata: bytes) -> list[tuple[int, int]]:
    """Where the compressed buffers of a message lie in its body, and their sizes; none of what is no batch."""
    try:
        message = _Table.root(metadata)
        kind = message.byte(_HEADER_TYPE)
        batch = message.table(_HEADER) if kind in {_DICTIONARIES, _BATCH} else None
        if batch is not None and kind == _DICTIONARIES:
            batch = batch.table(_DATA)
        if batch is None or batch.table(_COMPRESSION) is None:
            return []
        return list(batch.structs(_BUFFERS, _BUFFER))
    except struct.error:
        raise pa.ArrowInvalid(_UNREADABLE) from None


class _Table:
    """A table of a flatbuffer."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data = data
        self._start = start
        self._fields = start - self._int("<i", start)

    @classmethod
    def root(cls, data: bytes) -> "_Table":
        return cls(data, struct.unpack_from("<I", data)[0])

    def byte(self, field: int) -> int:
        place = self._place(field)
        return 0 if place is None else self._int("<B", place)

    def table(self, field: int) -> "_Table | None":
        place = self._place(field)
        return None if place is None else _Table(self._data, place + self._int("<I", place))

    def structs(self, field: int, form: struct.Struct) -> Iterator[tuple[Any, ...]]:
        place = self._place(field)
        if place is not None:
            start = place + self._int("<I", place)
            for number in range(self._int("<I", start)):
                yield form.unpack_from(self._data, start + 4 + form.size * number)

    def _place(self, field: int) -> int | None:
        entry = 4 + 2 * field
        if entry >= self._int("<H", self._fields):
            return None
        offset = self._int("<H", self._fields + entry)
        return self._start + offset if offset else None

    def _int(self, form: str, place: int) -> int:
        if place < 0:
            raise struct.error
        value: int = struct.unpack_from(form, self._data, place)[0]
        return value
