import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.orc
import pytest

from scanner.archive.formats.doors import read_split
from scanner.archive.formats.orc import MOST_ROWS
from scanner.archive.plan import make_plan
from scanner.archive.read import Batch, Gap
from scanner.errors import SourceError

MEMORY = """
import resource, sys
from scanner.archive.formats.doors import read_split
from scanner.archive.plan import make_plan
[split] = make_plan([sys.argv[1]], ["text"]).splits
unit = 1 if sys.platform == "darwin" else 1024
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = sum(batch.data.num_rows for batch in read_split(split, ["text"]))
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit >> 20)
"""


def write(path: Path, tables: list[pa.Table], dictionary: float = 0.0) -> None:
    """A stripe for all of them."""
    with pyarrow.orc.ORCWriter(
        str(path), compression="ZSTD", stripe_size=8 << 30, dictionary_key_size_threshold=dictionary
    ) as writer:
        for table in tables:
            writer.write(table)


def read(path: Path, column: str = "text") -> tuple[list[Batch], list[Gap]]:
    [split] = make_plan([str(path)], [column]).splits
    pieces = list(read_split(split, [column]))
    return [each for each in pieces if isinstance(each, Batch)], [
        each for each in pieces if isinstance(each, Gap)
    ]


@pytest.mark.parametrize("dictionary", [0.0, 1.0])
def test_a_stripe_of_a_gigabyte_unpacked_takes_a_part_of_that(dictionary: float, tmp_path: Path) -> None:
    """A stripe was held whole, twice: this one took two gigabytes."""
    table = pa.table({"text": ["x" * (1 << 20)] * 64})
    write(tmp_path / "a.orc", [table] * 16, dictionary)
    assert (tmp_path / "a.orc").stat().st_size < 1 << 20
    words = [sys.executable, "-c", MEMORY, str(tmp_path / "a.orc")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True, env=dict(os.environ))
    rows, mebibytes = map(int, done.stdout.split())
    assert rows == 1024
    assert mebibytes < 700


def test_rows_keep_their_places_while_batches_grow(tmp_path: Path) -> None:
    texts = [f"{number} {'x' * (number % 3000)}" for number in range(30 * MOST_ROWS + 7)]
    write(tmp_path / "a.orc", [pa.table({"text": texts, "n": range(len(texts))})])
    batches, gaps = read(tmp_path / "a.orc")
    assert gaps == []
    assert [text for batch in batches for text in batch.data.column(0).to_pylist()] == texts
    rows = 0
    for batch in batches:
        assert (batch.row_group, batch.first_row) == (0, rows)
        rows += batch.data.num_rows


def test_large_rows_come_in_batches_that_fit_the_memory(tmp_path: Path) -> None:
    write(tmp_path / "a.orc", [pa.table({"text": ["x" * (1 << 20)] * 100})])
    batches, _ = read(tmp_path / "a.orc")
    assert [batch.data.num_rows for batch in batches] == [32, 32, 32, 4]


def test_what_comes_before_a_broken_stripe_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.orc"
    texts = [f"text {number} " * 8 for number in range(4096)]
    pyarrow.orc.write_table(pa.table({"text": texts}), str(path), compression="ZLIB", stripe_size=1024)
    file = pyarrow.orc.ORCFile(str(path))
    assert file.nstripes == 4
    data = bytearray(path.read_bytes())
    place = file.content_length * 5 // 8  # in the third of four stripes of one size
    data[place : place + 200] = bytes(200)
    path.write_bytes(data)
    batches, [gap] = read(path)
    rows = sum(batch.data.num_rows for batch in batches)
    assert 2 * 1024 - 2 * MOST_ROWS < rows < 3 * 1024
    assert [text for batch in batches for text in batch.data.column(0).to_pylist()] == texts[:rows]
    assert gap.reason.startswith(f"after {rows} records: ")
    assert gap.partial


def test_a_name_with_a_dot_is_never_read_as_nulls_of_a_field(tmp_path: Path) -> None:
    write(tmp_path / "a.orc", [pa.table([pa.array(["whole"]), pa.array([{"b": "field"}])], ["a.b", "a"])])
    [batch], _ = read(tmp_path / "a.orc", "a.b")
    assert batch.data.to_pylist() == [{"a": {"b": "field"}}]
    with pytest.raises(SourceError, match="holds a dot"):
        read(tmp_path / "a.orc", "`a.b`")
    write(tmp_path / "b.orc", [pa.table({"a.b": ["whole"]})])
    [batch], _ = read(tmp_path / "b.orc", "`a.b`")
    assert batch.data.to_pylist() == [{"a.b": "whole"}]
