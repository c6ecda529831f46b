"""From matches in one column of one batch to rows that say what was found, and where."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from scanner.archive.columns import Cells
from scanner.engine.matches import Matches
from scanner.results.mask import Evidence, match_hash, snippet
from scanner.results.schemas import SPAN, SPANS
from scanner.signatures.model import Signature

VIEW = "raw"


def raw_cells(cells: Cells, matches: Matches) -> list[bytes]:
    """The cell of each hit, as stored."""
    wanted: Any = cells.values.take(matches.cells)
    if pa.types.is_dictionary(wanted.type):
        wanted = wanted.cast(wanted.type.value_type)
    if pa.types.is_string_view(wanted.type):
        wanted = wanted.cast(pa.large_string())
    found: list[bytes] = wanted.cast(pa.large_binary()).to_pylist()
    return found


def first_spans(matches: Matches) -> list[tuple[int, int]]:
    """The first span of each hit."""
    first = matches.span_offsets[:-1]
    return list(zip(matches.span_starts[first].tolist(), matches.span_ends[first].tolist(), strict=True))


def place_columns(cells: Cells, matches: Matches) -> dict[str, "pa.Array[Any]"]:
    """``column, view, start, end, match_count, spans`` of each hit."""
    first = matches.span_offsets[:-1]
    spans = pa.StructArray.from_arrays(
        [pa.array(matches.span_starts), pa.array(matches.span_ends)], fields=list(SPAN)
    )
    return {
        "column": _paths(cells, matches),
        "view": pa.repeat(pa.scalar(VIEW), len(matches)),
        "start": pa.array(matches.span_starts[first]),
        "end": pa.array(matches.span_ends[first]),
        "match_count": pa.array(matches.match_counts),
        "spans": pa.ListArray.from_arrays(pa.array(matches.span_offsets, pa.int32()), spans, type=SPANS),
    }


def _paths(cells: Cells, matches: Matches) -> "pa.Array[Any]":
    if not cells.positions:
        return pa.repeat(pa.scalar(str(cells.column)), len(matches))
    return pa.array([cells.path(cell) for cell in matches.cells.tolist()], pa.string())


def evidence_column(texts: Sequence[bytes], matches: Matches, evidence: Evidence) -> "pa.Array[Any]":
    """What the result keeps of the text around the first match of each hit."""
    found: Iterator[str | None] = (
        snippet(text, start, end, evidence)
        for text, (start, end) in zip(texts, first_spans(matches), strict=True)
    )
    return pa.array(list(found), pa.string())


def hash_column(texts: Sequence[bytes], matches: Matches, key: bytes) -> "pa.Array[Any]":
    """A keyed digest of the first match of each hit."""
    spans = first_spans(matches)
    return pa.array(
        [match_hash(key, text[a:b]) for text, (a, b) in zip(texts, spans, strict=True)], pa.string()
    )


def signature_columns(signatures: Sequence[Signature], matches: Matches) -> dict[str, "pa.Array[Any]"]:
    """``signature_id, signature_digest, severity, category, tags`` of each hit."""
    index = matches.signatures
    tags = pa.array([list(signature.tags) for signature in signatures], pa.list_(pa.string()))
    columns = {
        "signature_id": pa.array([signature.id for signature in signatures], pa.string()).take(index),
        "signature_digest": pa.array([signature.digest for signature in signatures], pa.string()).take(index),
        "severity": pa.array([signature.severity for signature in signatures], pa.string()).take(index),
        "category": pa.array([signature.category for signature in signatures], pa.string()).take(index),
    }
    return {**columns, "tags": tags.take(index)}


def rows_of(cells: Cells, matches: Matches) -> np.ndarray[Any, np.dtype[np.int64]]:
    """int64[n], the row of the batch that each hit is in."""
    return cells.rows[matches.cells]
