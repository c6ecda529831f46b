"""Values of any type as texts."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from scanner.archive.columns.leaves import is_bytes, is_text, unwrap


def plain_values(values: "pa.Array[Any]") -> "pa.Array[Any]":
    """Values without dictionary; text and bytes as ``string``.

    ``binary`` is the UTF-8 it holds or else hexadecimal digits, ``fixed_size_binary`` always hexadecimal digits.
    Bytes that are not UTF-8 in a string become U+FFFD.
    """
    if isinstance(values, pa.DictionaryArray):
        return plain_values(unwrap(values.dictionary_decode()))
    if pa.types.is_fixed_size_binary(values.type):
        return _each(values, bytes.hex)
    if is_bytes(values.type):
        return _each(values, _text_or_hex)
    return _repaired(values) if is_text(values.type) else values


def _repaired(values: "pa.Array[Any]") -> "pa.Array[Any]":
    try:
        values.validate(full=True)
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        return _each(values.cast(pa.large_binary()), lambda cell: cell.decode(errors="replace"))


def _each(values: "pa.Array[Any]", write: Callable[[bytes], str]) -> "pa.Array[Any]":
    cells: list[bytes | None] = values.to_pylist()
    return pa.array([None if cell is None else write(cell) for cell in cells], pa.string())


def _text_or_hex(cell: bytes) -> str:
    try:
        return cell.decode()
    except UnicodeDecodeError:
        return cell.hex()
