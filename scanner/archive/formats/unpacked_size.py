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
        return list(batch.pairs(_BUFFERS))
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

    def pairs(self, field: int) -> Iterator[tuple[int, int]]:
        place = self._place(field)
        if place is not None:
            start = place + self._int("<I", place)
            for number in range(self._int("<I", start)):
                yield struct.unpack_from("<qq", self._data, start + 4 + 16 * number)

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
