import gzip
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.feather
import pytest

from scanner.archive.columns.pieces import as_table
from scanner.archive.formats.doors import read_split
from scanner.archive.plan import make_plan
from scanner.archive.read import Batch, Gap
from scanner.errors import HuntError, SourceError


def read(path: Path) -> tuple[int, list[Gap]]:
    """Rows, and what could not be read."""
    [split] = make_plan([str(path)], ["text"], format="arrow").splits
    pieces = list(read_split(split, ["text"]))
    rows = sum(each.data.num_rows for each in pieces if isinstance(each, Batch))
    return rows, [each for each in pieces if isinstance(each, Gap)]


def write(path: Path, batches: int) -> list[int]:
    """An Arrow file with ten rows a batch, and where each ends."""
    table = pa.table({"text": ["some text"] * 10})
    ends = []
    with pa.OSFile(str(path), "wb") as out, pa.ipc.new_file(out, table.schema) as writer:
        for _ in range(batches):
            writer.write_table(table)
            ends.append(out.tell())
    return ends


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("batches", [1, 3])
def test_a_file_cut_between_batches_is_a_gap(batches: int, packed: str, tmp_path: Path) -> None:
    whole = tmp_path / "a.arrow"
    end = write(whole, 5)[batches - 1]
    cut = tmp_path / f"b.arrow{packed}"
    data = whole.read_bytes()[:end]
    cut.write_bytes(gzip.compress(data) if packed else data)
    rows, [gap] = read(cut)
    assert rows == 10 * batches
    assert gap.reason.startswith(f"after {rows} records: ")
    assert "cut short" in gap.reason
    assert gap.partial


def test_batches_behind_the_end_of_a_stream_are_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    end = write(path, 5)[1]
    data = path.read_bytes()
    path.write_bytes(data[:end] + b"\xff\xff\xff\xff\0\0\0\0" + data[end:])
    rows, [gap] = read(path)
    assert (rows, "more than its batches" in gap.reason) == (20, True)


def write_feather(path: Path, **options: Any) -> None:
    pyarrow.feather.write_feather(pa.table({"text": ["a", "b"]}), str(path), **options)


def write_dictionaries(path: Path) -> None:
    table = pa.table({"text": pa.array(["a", "b"]).dictionary_encode()})
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)


@pytest.mark.parametrize(
    "writer",
    [
        lambda path: write_feather(path, compression="zstd"),
        lambda path: write_feather(path, compression="uncompressed"),
        write_dictionaries,
    ],
)
def test_whole_files_of_all_writers_are_read_to_their_end(writer: Any, tmp_path: Path) -> None:
    writer(tmp_path / "a.arrow")
    assert read(tmp_path / "a.arrow") == (2, [])


POLARS: pl.DataFrame = pl.DataFrame(
    {"text": ["a", "a text of more than twelve bytes"] * 5, "n": range(10)}
).with_columns(kind=pl.col("text").cast(pl.Categorical))


CELLS = pa.schema([("text", pa.string()), ("kind", pa.string())])


@pytest.mark.parametrize("compression", ["uncompressed", "zstd", "lz4"])
@pytest.mark.parametrize("level", [pl.CompatLevel.oldest(), pl.CompatLevel.newest()])
def test_files_of_polars_are_read_though_they_hold_no_stream(
    level: pl.CompatLevel, compression: Any, tmp_path: Path
) -> None:
    """They were set aside: polars leaves out the length of the first message, which only readers of streams need."""
    path = tmp_path / "a.arrow"
    POLARS.write_ipc(path, compression=compression, compat_level=level, record_batch_size=4)
    [split] = make_plan([str(path)], ["text", "kind"]).splits
    batches = [each for each in read_split(split, ["text", "kind"]) if isinstance(each, Batch)]
    assert [batch.data.num_rows for batch in batches] == [4, 4, 2]
    cells = pa.concat_tables([as_table(batch.data) for batch in batches]).cast(CELLS)
    assert cells["text"].to_pylist() == cells["kind"].to_pylist() == POLARS["text"].to_list()


def test_a_packed_file_of_polars_is_refused_with_what_to_do(tmp_path: Path) -> None:
    POLARS.write_ipc(tmp_path / "a.arrow")
    (tmp_path / "a.arrow.gz").write_bytes(gzip.compress((tmp_path / "a.arrow").read_bytes()))
    with pytest.raises(HuntError, match="unpack it, or write it as Parquet"):
        read(tmp_path / "a.arrow.gz")


def test_a_batch_of_polars_that_is_far_larger_unpacked_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanner.archive.formats.unpacked_size.MAX_UNPACKED_BYTES", 100_000)
    frame = pl.DataFrame({"text": ["x" * 1000] * 10 + ["y" * 1_000_000] * 10})
    frame.write_ipc(tmp_path / "a.arrow", compression="zstd", record_batch_size=10)
    rows, [gap] = read(tmp_path / "a.arrow")
    assert rows == 10
    assert "unpacked" in gap.reason


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
@pytest.mark.parametrize("opened", [pa.ipc.new_file, pa.ipc.new_stream])
def test_a_batch_that_is_far_larger_unpacked_is_refused_before_it_is(
    opened: Any, codec: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanner.archive.formats.unpacked_size.MAX_UNPACKED_BYTES", 100_000)
    plain, large = (pa.table({"text": ["x" * size] * 10}) for size in (9_000, 1_000_000))
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with opened(str(tmp_path / "a.arrow"), plain.schema, options=options) as writer:
        writer.write_table(plain)
        writer.write_table(large)
    rows, [gap] = read(tmp_path / "a.arrow")
    assert rows == 10
    assert "bytes would have 10000044 unpacked" in gap.reason


def test_dictionaries_that_are_far_larger_unpacked_are_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanner.archive.formats.unpacked_size.MAX_UNPACKED_BYTES", 100_000)
    table = pa.table({"text": pa.array(["x" * 10_000_000]).dictionary_encode()})
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(str(tmp_path / "a.arrow"), table.schema, options=options) as writer:
        writer.write_table(table)
    with pytest.raises(SourceError, match="unpacked"):
        read(tmp_path / "a.arrow")
