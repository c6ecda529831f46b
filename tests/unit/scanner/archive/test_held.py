import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.archive import footers, held, storage
from scanner.archive.footers import opened
from scanner.archive.held import HeldFile
from scanner.archive.page_check import check_pages, chunk_ranges


class Counting(io.BytesIO):
    """Counts the reads."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        return super().read(size)


def source(data: bytes) -> tuple[Counting, Any]:
    counting = Counting(data)
    return counting, pa.PythonFile(counting, mode="r")


def test_what_is_held_costs_no_read_and_is_the_same() -> None:
    data = bytes(range(256)) * 100
    counting, stored = source(data)
    file = HeldFile(stored)
    file.hold([(1000, 500), (20_000, 100), (-5, 3), (25_000, 10**9)])
    assert counting.reads == 1, "what lies close together is one request, and what is not there is none"
    assert file.read_at(500, 1000) == data[1000:1500]
    assert file.seek(20_010) == 20_010
    assert file.read(50) == data[20_010:20_060]
    assert file.tell() == 20_060
    assert counting.reads == 1
    assert file.read_at(100, 0) == data[:100]
    assert file.read_at(100, len(data) - 10) == data[-10:]
    assert file.read_at(10, len(data) + 5) == b""
    assert counting.reads == 3


def test_no_more_is_held_than_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "MOST_BYTES", 1000)
    monkeypatch.setattr(held, "_WORTH_A_REQUEST_BYTES", 1)
    counting, stored = source(bytes(10_000))
    file = HeldFile(stored)
    file.hold([(0, 800), (2000, 300), (5000, 150)])
    assert counting.reads == 2
    file.read_at(150, 5000)
    assert counting.reads == 2
    file.read_at(300, 2000)
    assert counting.reads == 3


def test_a_row_group_of_a_store_is_one_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"text {number * 7919 % 10_007}" * 20 for number in range(20_000)]
    pq.write_table(pa.table({"id": range(20_000), "text": texts}), tmp_path / "a.parquet", 10_000)
    counting, stored = source((tmp_path / "a.parquet").read_bytes())
    footer = footers.read_footer(storage.stat(str(tmp_path / "a.parquet")))
    monkeypatch.setattr(storage, "open_input", lambda _: stored)
    with opened("a store's", footer) as (file, data):
        assert isinstance(data, HeldFile)
        before = counting.reads
        data.hold(chunk_ranges(file, 1, [0, 1]))
        check_pages(data, file, 1, [0, 1])
        found = pa.Table.from_batches(file.iter_batches(1000, [1]))
        assert counting.reads == before + 1
    assert found["text"].to_pylist() == texts[10_000:]
