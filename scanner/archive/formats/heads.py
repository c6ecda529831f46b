"""What is known in advance of a file that has no footer: its columns, and a digest of how it begins."""

import hashlib

import pyarrow as pa

from scanner.errors import SourceError

_MARK = b"hindcast head\n"
_DIGEST_BYTES = 32
_READ_BYTES = 64 << 10
_PADDING = bytes(8)


def made_head(name: str, start: bytes, schema: pa.Schema) -> bytes:
    """A head.

    Args:
        name: Of the format.
        start: How the file begins. The key of the match hashes is made of heads, so there has to be something in
            them that takes the archive to know.
        schema: Its columns.
    """
    digest = hashlib.sha256(start[:_READ_BYTES]).digest()
    return b"".join((_MARK, name.encode(), b"\n", digest, schema.serialize().to_pybytes(), _PADDING))


def is_made_here(head: bytes) -> bool:
    """True for a head of any format but Parquet."""
    return head.startswith(_MARK)


def is_head_of(name: str, head: bytes) -> bool:
    """True for a head of one format."""
    return head.startswith(_MARK + name.encode() + b"\n")


def schema_in(uri: str, name: str, head: bytes) -> pa.Schema:
    """The columns that a head tells.

    Raises:
        SourceError: It is none of this format.
    """
    if not is_head_of(name, head):
        raise SourceError(uri, f"was planned as another format than {name}")
    start = len(_MARK) + len(name) + 1 + _DIGEST_BYTES
    schema: pa.Schema = pa.ipc.read_schema(pa.py_buffer(head[start : -len(_PADDING)]))
    return schema
