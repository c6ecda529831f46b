"""Writes an archive and, beside it, the truth about what is planted in it."""

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.datagen import VERSION
from benchmarks.datagen.languages import read_languages
from benchmarks.datagen.plan import Item, make_plan
from benchmarks.datagen.planted import read_plantings
from benchmarks.datagen.records import SCHEMA, RecordMaker, comment_ids, invent_authors
from benchmarks.datagen.texts import Composer

_TRUTH: list["pa.Field[Any]"] = [
    pa.field("source_file", pa.string()),
    pa.field("row_index", pa.int64()),
    pa.field("column", pa.string()),
    pa.field("signature_id", pa.string()),
    pa.field("comment_id", pa.string()),
]
TRUTH_SCHEMA = pa.schema(_TRUTH)
_GROUP_ROWS = 32_768
_GROUPS = 4


def write_archive(out: Path, records: int, files: int, seed: int) -> Path:
    """Writes ``archive/*.parquet`` and, last, ``truth.parquet``.

    Memory is bounded by one row group, the authors and the planted items.

    Args:
        out: Folder; made where missing. What an earlier call left in it is replaced.
        records: Rows of all files together.
        files: Number of files.
        seed: Chooses everything.

    Returns:
        The path of the truth: `TRUTH_SCHEMA`, one row for each planted cell and signature that hits it,
        sorted by file, row and column.
    """
    archive, truth = out / "archive", out / "truth.parquet"
    archive.mkdir(parents=True, exist_ok=True)
    for stale in (truth, *archive.glob("comments-*.parquet")):
        stale.unlink(missing_ok=True)
    languages = read_languages()
    composer = Composer(languages, seed)
    items = make_plan(read_plantings(), languages, composer, records, seed)
    maker = RecordMaker(composer, invent_authors(languages, composer, records, seed), items, records, seed)
    borders = [records * file // files for file in range(files + 1)]
    for file in range(files):
        _write_file(archive / _name(file), maker, borders[file], borders[file + 1])
    metadata = provenance(records, files, seed)
    pq.write_table(_truth(items, borders).replace_schema_metadata(metadata), truth, compression="zstd")
    return truth


def provenance(records: int, files: int, seed: int) -> dict[bytes, bytes]:
    """The metadata of the truth, by which one archive is told from another."""
    return {b"datagen": f"version {VERSION}, {records} records, {files} files, seed {seed}".encode()}


def _name(file: int) -> str:
    return f"comments-{file:04}.parquet"


def _write_file(path: Path, maker: RecordMaker, start: int, end: int) -> None:
    size = min(_GROUP_ROWS, -(-(end - start) // _GROUPS))
    options: dict[str, Any] = {"compression": "zstd", "use_dictionary": ["author_id", "lang", "region"]}
    with pq.ParquetWriter(path, SCHEMA, **options) as writer:
        for first in range(start, end, size):
            writer.write_table(maker.table(first, min(size, end - first)))


def _truth(items: Sequence[Item], borders: Sequence[int]) -> pa.Table:
    rows = []
    for item in items:
        file = bisect_right(borders, item.row) - 1
        for signature_id in sorted(item.signature_ids):
            comment_id = comment_ids(item.row, 1)[0].as_py()
            place = (_name(file), item.row - borders[file], item.column)
            rows.append(dict(zip(TRUTH_SCHEMA.names, (*place, signature_id, comment_id), strict=True)))
    return pa.Table.from_pylist(rows, schema=TRUTH_SCHEMA)
