import io
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive.parquet.size_statistics import text_bytes

ROWS = 300
TEXTS = pa.table(
    {
        "n": pa.array(range(ROWS)),
        "repeated": pa.array(["é" * 50] * ROWS),
        "nulls": pa.array([None if row % 3 else f"{row}" for row in range(ROWS)]),
        "lists": pa.array([["x" * row, None] if row % 2 else [] for row in range(ROWS)]),
    }
)


def footer(written: io.BytesIO) -> bytes:
    data = written.getvalue()
    return data[-8 - int.from_bytes(data[-8:-4], "little") :]


def written(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=200, **options)
    return footer(sink)


def test_what_the_writer_counted() -> None:
    numbers = [range(200), range(200, ROWS)]
    assert text_bytes(written(TEXTS)) == [
        [
            None,
            100 * len(rows),
            sum(len(f"{row}") for row in rows if not row % 3),
            sum(row for row in rows if row % 2),
        ]
        for rows in numbers
    ]


def test_what_the_writer_did_not_count() -> None:
    sink = io.BytesIO()
    pl.DataFrame({"t": ["a" * 9] * 4}).write_parquet(sink)
    assert text_bytes(footer(sink)) == [[None]]


def test_of_a_footer_that_ends_early_all_is_told_or_nothing() -> None:
    sound = written(TEXTS)
    told = [text_bytes(sound[:length] + sound[-8:]) for length in range(0, len(sound) - 8, 7)]
    assert [] in told
    assert all(each in ([], text_bytes(sound)) for each in told)
