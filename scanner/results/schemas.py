"""The columns of every table in a run folder."""

import hashlib
from functools import lru_cache
from typing import Final

import pyarrow as pa

from scanner.archive.provenance import TIME
from scanner.errors import HuntError, Problem

STRINGS: Final[pa.DataType] = pa.list_(pa.string())
INTEGERS: Final[pa.DataType] = pa.list_(pa.int32())
SPAN: Final = pa.struct([("start", pa.int64()), ("end", pa.int64())])
SPANS: Final[pa.DataType] = pa.list_(SPAN)

_BEFORE_CARRY: Final = (
    pa.field("hunt", pa.string()),
    pa.field("run_id", pa.string()),
    pa.field("hit_id", pa.string()),
    pa.field("signature_id", pa.string()),
    pa.field("signature_digest", pa.string()),
    pa.field("severity", pa.string()),
    pa.field("category", pa.string()),
    pa.field("tags", STRINGS),
    pa.field("source_uri", pa.string()),
    pa.field("source_etag", pa.string()),
    pa.field("row_group", pa.int32()),
    pa.field("row_index", pa.int64()),
    pa.field("record_id", pa.string()),
    pa.field("actor_id", pa.string()),
    pa.field("event_time", TIME),
)
_AFTER_CARRY: Final = (
    pa.field("column", pa.string()),
    pa.field("view", pa.string()),
    pa.field("start", pa.int64()),
    pa.field("end", pa.int64()),
    pa.field("match_count", pa.int64()),
    pa.field("spans", SPANS),
    pa.field("evidence", pa.string()),
    pa.field("match_hash", pa.string()),
    pa.field("scanned_at", TIME),
)

_COVERAGE_TYPES: Final[dict[str, pa.DataType]] = {
    "split_id": pa.string(),
    "source_uri": pa.string(),
    "source_etag": pa.string(),
    "source_size_bytes": pa.int64(),
    "row_groups": INTEGERS,
    "columns": STRINGS,
    "missing_columns": STRINGS,
    "ruleset_digest": pa.string(),
    "signature_set": pa.string(),
    "status": pa.string(),
    "rows": pa.int64(),
    "rows_filtered": pa.int64(),
    "cells": pa.int64(),
    "text_bytes": pa.int64(),
    "hits": pa.int64(),
    "invalid_cells": pa.int64(),
    "unparsed_cells": pa.int64(),
    "match_errors": pa.int64(),
    "error": pa.string(),
    "attempts": pa.int32(),
    "elapsed_s": pa.float64(),
    "worker": pa.string(),
}
COVERAGE: Final = pa.schema(_COVERAGE_TYPES)
"""One row a split: what was read, with what, and how it ended. Row groups that were not read have rows of their own."""

_SIGNATURES_TYPES: Final[dict[str, pa.DataType]] = {
    "signature_id": pa.string(),
    "signature_digest": pa.string(),
    "name": pa.string(),
    "severity": pa.string(),
    "status": pa.string(),
    "category": pa.string(),
    "tags": STRINGS,
    "expires": pa.date32(),
    "ran": pa.bool_(),
    "hits": pa.int64(),
    "records": pa.int64(),
    "actors": pa.int64(),
    "first_seen": TIME,
    "last_seen": TIME,
    "truncated": pa.bool_(),
    "candidates": pa.int64(),
    "judged": pa.int64(),
    "confirm_s": pa.float64(),
}
SIGNATURES: Final = pa.schema(_SIGNATURES_TYPES)
"""One row a signature: whether it ``ran`` on anything that was read, exact counts, when it was first and last seen, and
what it cost to confirm."""


SAMPLE_BOUND: Final = "hindcast.sample_bound"
"""Key in a split's file of hits: the highest rank that is in the split's sample, where that is not all it found."""

PREFIX_DIGITS: Final = 20
ROW_DIGITS: Final = 12
"""Of a hit's id."""


def hits_schema(carry: pa.Schema) -> pa.Schema:
    """The columns of a hits file, with the carried ones after ``event_time``.

    Args:
        carry: Fields copied from the archive, named as the hunt names them.

    Raises:
        HuntError: A carried column has the name of a column that hits have anyway.
    """
    reserved = {field.name for field in (*_BEFORE_CARRY, *_AFTER_CARRY)}
    taken = [name for name in carry.names if name in reserved]
    if taken:
        message = (
            "hits have a column of this name already; leave it out or give it another name in the archive"
        )
        raise HuntError(tuple(Problem("carry", 0, name, message) for name in taken))
    return pa.schema([*_BEFORE_CARRY, *carry, *_AFTER_CARRY])


def hit_id(signature_id: str, signature_digest: str, uri: str, etag: str, row_index: int, column: str) -> str:
    """32 hex digits that are the same whenever the same logic hits the same cell of the same file version."""
    return f"{hit_prefix(signature_id, signature_digest, uri, etag, column)}{row_index:0{ROW_DIGITS}x}"


@lru_cache(maxsize=1 << 16)
def hit_prefix(signature_id: str, signature_digest: str, uri: str, etag: str, column: str) -> str:
    """What the ids of a signature's hits in a column of a file begin with; the row's index follows on it."""
    parts = (signature_id, signature_digest, uri, etag, column)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:PREFIX_DIGITS]
