"""What is read ahead, on files of the local disk; stores have their own tests."""

import itertools
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.archive import storage
from scanner.archive.parquet import page_check, read_ahead, windows
from scanner.archive.parquet.footers import opened, read_footer
from scanner.archive.parquet.page_check import chunks_of
from scanner.archive.parquet.read_ahead import AHEAD_BYTES, ReadAhead
from scanner.archive.plan import Split, make_plan
from scanner.archive.read import Batch, Gap, read_split
from scanner.errors import SourceError

MIB = 1 << 20
COLUMNS = ["id", "text", "word", "parts[].t"]
ROWS = 6_000


class Fetches:
    """What is fetched of files; some of it fails.

    Attributes:
        ranges: Start and end of each request, without those for footers.
        broken: Whatever begins between these fails.
    """

    def __init__(self) -> None:
        self.ranges: list[tuple[int, int]] = []
        self.broken = range(0)
        self._lock = threading.Lock()
        self._read = storage.read_range

    def read_range(self, uri: str, start: int, length: int, etag: str | None = None) -> bytes:
        if start in self.broken:
            raise SourceError(uri, "the store answered 503; tried 5 times")
        with self._lock:
            self.ranges.append((start, start + length))
        return self._read(uri, start, length, etag)

    @property
    def fetched_bytes(self) -> int:
        return sum(end - start for start, end in self.ranges)

    def assert_each_byte_was_fetched_once(self) -> None:
        ordered = sorted(self.ranges)
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(ordered)), ordered


@pytest.fixture
def fetches(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fetches]:
    """Every file is read as those of a store are; nothing is left running."""
    fetches = Fetches()
    monkeypatch.setattr(storage, "is_local", lambda _: False)
    monkeypatch.setattr(storage, "read_range", fetches.read_range)
    yield fetches
    assert not [thread for thread in threading.enumerate() if "read-ahead" in thread.name]


def write(path: Path, row_group_size: int, **options: Any) -> Path:
    random = np.random.default_rng(3)
    words = ["short", "wörd", "a longer word " * 30]
    table = pa.table({
        "id": range(ROWS),
        "unused": pa.array([random.bytes(40) for _ in range(ROWS)]),
        "text": pa.array([random.bytes(int(size)).hex() for size in random.integers(0, 200, ROWS)]),
        "word": pa.array([words[each] for each in random.integers(0, 3, ROWS)]),
        "parts": pa.array([[{"t": f"{row} {n}"} for n in range(row % 3)] for row in range(ROWS)]),
    })  # fmt: skip
    pq.write_table(table, path, row_group_size, data_page_size=4096, **options)
    return path


def planned(path: Path) -> tuple[Split, bytes]:
    [split] = make_plan([str(path)], ["text"]).splits
    return split, read_footer(split.info)


def rows(pieces: Iterator[Batch | Gap]) -> list[dict[str, Any]]:
    found = list(pieces)
    assert not [piece for piece in found if isinstance(piece, Gap)]
    return [row for piece in found if isinstance(piece, Batch) for row in piece.data.to_pylist()]


@pytest.mark.parametrize("whole_bytes", [None, 100_000, 0])
@pytest.mark.parametrize("row_group_size", [ROWS, 1_000])
def test_the_same_is_read_as_from_the_disk_and_no_byte_twice(
    tmp_path: Path,
    fetches: Fetches,
    monkeypatch: pytest.MonkeyPatch,
    whole_bytes: int | None,
    row_group_size: int,
) -> None:
    # Texts in dictionaries are looked at before they are read, further than such small windows reach.
    path = write(tmp_path / "a.parquet", row_group_size, use_dictionary=whole_bytes != 0)
    split, footer = planned(path)
    with monkeypatch.context() as local:
        local.setattr(storage, "is_local", lambda _: True)
        expected = rows(read_split(split, COLUMNS, 700, footer))
    if whole_bytes is not None:
        monkeypatch.setattr(windows, "WHOLE_BYTES", whole_bytes)
    if whole_bytes == 0:
        monkeypatch.setattr(windows, "WINDOW_BYTES", 50_000)
        monkeypatch.setattr(read_ahead, "AHEAD_BYTES", 120_000)
    fetches.ranges.clear()
    assert rows(read_split(split, COLUMNS, 700, footer)) == expected
    assert len(expected) == ROWS
    fetches.assert_each_byte_was_fetched_once()
    if whole_bytes is None:
        assert len(fetches.ranges) == 1


def test_memory_stays_bounded_however_large_a_row_group_is(tmp_path: Path, fetches: Fetches) -> None:
    random = np.random.default_rng(5)
    cells = pa.array([random.bytes(MIB // 4) for _ in range(64)], pa.binary())
    table = pa.table({name: pa.concat_arrays([cells, cells]) for name in ("a", "b", "c", "d")})
    pq.write_table(table, tmp_path / "a.parquet", compression="none", use_dictionary=False,
                   write_batch_size=4)  # fmt: skip
    del table, cells
    split = make_plan([str(tmp_path)], ["a"]).splits[0]
    assert split.source_size_bytes > 3 * AHEAD_BYTES
    footer = read_footer(split.info)
    fetches.ranges.clear()
    tracemalloc.start()
    count = 0
    for piece in read_split(split, ["a", "b", "c", "d"], 8, footer):
        assert isinstance(piece, Batch)
        count += piece.data.num_rows
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 128
    assert peak < 2 * AHEAD_BYTES + 8 * MIB
    fetches.assert_each_byte_was_fetched_once()


def test_no_more_is_fetched_than_fits_before_anybody_asks_and_an_early_end_is_clean(
    tmp_path: Path, fetches: Fetches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "WINDOW_BYTES", 10_000)
    monkeypatch.setattr(read_ahead, "AHEAD_BYTES", 45_000)
    split, footer = planned(write(tmp_path / "a.parquet", 1_000))
    fetches.ranges.clear()
    with ReadAhead(split.info) as ahead, opened(split.source_uri, footer, ahead.file) as (file, _):
        ahead.expect(6, lambda number: chunks_of(file, number, [0, 2, 3]))
    assert fetches.fetched_bytes <= 45_000
    fetches.ranges.clear()
    reading = read_split(split, COLUMNS, 100, footer)
    next(reading)
    reading.close()  # type: ignore[attr-defined]
    assert fetches.fetched_bytes < split.source_size_bytes / 2


def test_what_cannot_be_fetched_is_the_loss_of_its_row_group(
    tmp_path: Path, fetches: Fetches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "GAP_BYTES", 0)
    split, footer = planned(write(tmp_path / "a.parquet", 1_000))
    with pq.ParquetFile(split.source_uri) as file:
        [chunk] = chunks_of(file, 2, [2])
    fetches.broken = range(chunk.start, chunk.end)
    pieces = list(read_split(split, ["text"], footer=footer))
    assert [piece.row_group for piece in pieces if isinstance(piece, Batch)] == [0, 1, 3, 4, 5]
    assert [piece for piece in pieces if isinstance(piece, Gap)] == [
        Gap(2, 1_000, "the store answered 503; tried 5 times")
    ]


@pytest.mark.usefixtures("fetches")
def test_a_page_that_would_fill_the_memory_never_reaches_arrow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split, footer = planned(write(tmp_path / "a.parquet", 3_000))
    monkeypatch.setattr(page_check, "MAX_PAGE_BYTES", 1_000)
    gaps = [piece for piece in read_split(split, COLUMNS, footer=footer) if isinstance(piece, Gap)]
    assert [gap.row_group for gap in gaps] == [0, 1]
    assert all("of which 1000 are allowed" in gap.reason for gap in gaps)


@pytest.mark.usefixtures("fetches")
def test_what_was_not_expected_is_read_as_it_is_asked_for(tmp_path: Path) -> None:
    split, _ = planned(write(tmp_path / "a.parquet", 3_000))
    data = (tmp_path / "a.parquet").read_bytes()
    with ReadAhead(split.info) as ahead:
        assert ahead.file.size() == len(data)
        assert ahead.read_at(50, 1000) == data[1000:1050]
        assert ahead.read_at(50, len(data) - 10) == data[-10:]
        assert ahead.read_at(50, len(data) + 10) == b""
        ahead.file.seek(100)
        assert ahead.file.read(20) == data[100:120]
