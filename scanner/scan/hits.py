"""From matches in one column of one batch to rows that say what was found, and where."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from scanner.archive.columns.cells import Cells
from scanner.archive.columns.pieces import taken
from scanner.engine.matches import Matches
from scanner.results.sample import Ranks, ranks_of_halves
from scanner.results.schemas import PREFIX_DIGITS, ROW_DIGITS, SPAN, SPANS, STRINGS, hit_prefix
from scanner.results.snippets import Places
from scanner.signatures.model import Signature
from scanner.views.raw import Int64s, in_one_buffer, large_binary

VIEW = "raw"


def places_of(cells: Cells, matches: Matches) -> Places:
    """The first match of each hit in the bytes of its cell, as stored."""
    chosen, which = np.unique(matches.cells, return_inverse=True)
    data: Any
    data, offsets = in_one_buffer(large_binary(taken(cells.values, chosen)))
    starts, first = offsets[which], matches.span_offsets[:-1]
    return Places(
        data=np.frombuffer(data, np.uint8),
        cell_starts=starts,
        starts=starts + matches.span_starts[first],
        ends=starts + matches.span_ends[first],
        cell_ends=offsets[which + 1],
    )


def place_columns(paths: Any, matches: Matches) -> dict[str, "pa.Array[Any]"]:
    """``column, view, start, end, match_count, spans`` of each hit, given the path of its cell."""
    first = matches.span_offsets[:-1]
    spans = pa.StructArray.from_arrays(
        [pa.array(matches.span_starts), pa.array(matches.span_ends)], fields=list(SPAN)
    )
    return {
        "column": paths,
        "view": pa.repeat(pa.scalar(VIEW), len(matches)),
        "start": pa.array(matches.span_starts[first]),
        "end": pa.array(matches.span_ends[first]),
        "match_count": pa.array(matches.match_counts),
        "spans": pa.ListArray.from_arrays(pa.array(matches.span_offsets, pa.int32()), spans, type=SPANS),
    }


def paths_of(cells: Cells, chosen: Int64s) -> "pa.Array[Any]":
    """string[n], the paths of some cells."""
    if not cells.positions:
        return pa.repeat(pa.scalar(str(cells.column)), len(chosen))
    return pa.array(cells.paths(chosen.tolist()), pa.string())


def coded_paths_of(cells: Cells, chosen: Int64s) -> "pa.DictionaryArray[Any, Any]":
    """dictionary<string>[n], the same."""
    if cells.positions:
        coded: pa.DictionaryArray[Any, Any] = paths_of(cells, chosen).dictionary_encode()
        return coded
    return pa.DictionaryArray.from_arrays(np.zeros(len(chosen), np.int32), pa.array([str(cells.column)]))


def signature_columns(signatures: Sequence[Signature], matches: Matches) -> dict[str, "pa.Array[Any]"]:
    """``signature_id, signature_digest, severity, category, tags`` of each hit."""
    numbers, which = np.unique(matches.signatures, return_inverse=True)
    places = pa.array(which, pa.int64())
    found = [signatures[number] for number in numbers.tolist()]
    columns: dict[str, pa.Array[Any]] = {
        "signature_id": pa.array([signature.id for signature in found], pa.string()),
        "signature_digest": pa.array([signature.digest for signature in found], pa.string()),
        "severity": pa.array([signature.severity for signature in found], pa.string()),
        "category": pa.array([signature.category for signature in found], pa.string()),
        "tags": pa.array([list(signature.tags) for signature in found], STRINGS),
    }
    return {name: column.take(places) for name, column in columns.items()}


def hit_id_column(
    signatures: Sequence[Signature], matches: Matches, source: tuple[str, str], paths: Any, rows: Int64s
) -> "pa.Array[Any]":
    """What `scanner.results.schemas.hit_id` says of each hit.

    Args:
        signatures: Of the ruleset.
        matches: The hits.
        source: URI and ETag of the file.
        paths: string[n], the path of each cell.
        rows: int64[n], the row of the file that each hit is in.
    """
    prefixes, which = _prefixes(signatures, matches.signatures, source, paths)
    ids = np.empty((len(rows), PREFIX_DIGITS + ROW_DIGITS), np.uint8)
    ids[:, :PREFIX_DIGITS] = _digits("".join(prefixes)).reshape(-1, PREFIX_DIGITS)[which]
    ids[:, PREFIX_DIGITS:] = _HEX[rows[:, None] >> _SHIFTS & 0xF]
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(ids.shape[1]), len(rows), [None, pa.py_buffer(ids.data)]
    ).cast(pa.string())


def hit_ranks(
    signatures: Sequence[Signature], numbers: Int64s, source: tuple[str, str], paths: Any, rows: Int64s
) -> Ranks:
    """What `scanner.results.sample.ranks_of` says of the ids that `hit_id_column` gives, without writing them.

    Args:
        signatures: Of the ruleset.
        numbers: int64[n], the signature of each hit.
        source: URI and ETag of the file.
        paths: string[n] or dictionary<string>[n], the path of each cell.
        rows: int64[n], the row of the file that each hit is in.
    """
    prefixes, which = _prefixes(signatures, numbers, source, paths)
    begun = [divmod(int(prefix, 16) << 4 * ROW_DIGITS, 1 << 64) for prefix in prefixes]
    halves = np.array(begun, np.uint64).reshape(-1, 2)[which]
    return ranks_of_halves(halves[:, 0], halves[:, 1] | rows.astype(np.uint64) & np.uint64(_MOST_ROWS))


def _prefixes(
    signatures: Sequence[Signature], numbers: Int64s, source: tuple[str, str], paths: Any
) -> tuple[list[str], Int64s]:
    """What ids begin with, and which of these each hit's begins with."""
    columns = paths.dictionary_encode()
    keys = numbers * len(columns.dictionary) + columns.indices.to_numpy()
    seen = pa.array(keys).dictionary_encode()
    chosen, which = seen.dictionary.to_numpy(), seen.indices.to_numpy()
    prefixes = []
    for number, column in zip(
        *(each.tolist() for each in np.divmod(chosen, len(columns.dictionary))), strict=True
    ):
        signature = signatures[number]
        prefixes.append(
            hit_prefix(signature.id, signature.digest, *source, columns.dictionary[column].as_py())
        )
    return prefixes, which


def _digits(text: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.frombuffer(text.encode(), np.uint8)


_HEX: Final = _digits("0123456789abcdef")
_SHIFTS: Final = np.arange(ROW_DIGITS - 1, -1, -1) * 4
_MOST_ROWS: Final = (1 << 4 * ROW_DIGITS) - 1


def rows_of(cells: Cells, chosen: Int64s) -> Int64s:
    """int64[n], the rows of the batch that some cells are in."""
    rows: Int64s = cells.rows[chosen]
    return rows
