import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.archive.parquet import footers
from scanner.archive.parquet.footers import FIRST_READ_BYTES, opened, read_footer
from scanner.archive.storage import FileInfo, stat
from scanner.errors import SourceError


def write(path: Path, columns: int = 2) -> FileInfo:
    pq.write_table(pa.table({f"column_{number}": ["some text"] for number in range(columns)}), path)
    return stat(str(path))


@pytest.mark.parametrize("columns", [2, 2000])
def test_a_footer_of_any_size_is_all_that_is_needed_to_know_the_file(tmp_path: Path, columns: int) -> None:
    info = write(tmp_path / "a.parquet", columns)
    footer = read_footer(info)
    assert (len(footer) > FIRST_READ_BYTES) == (columns == 2000)
    assert (tmp_path / "a.parquet").read_bytes().endswith(footer)
    assert pq.ParquetFile(pa.BufferReader(footer)).metadata.equals(pq.read_metadata(info.uri))


def test_with_a_footer_in_hand_the_end_of_the_file_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    info = write(path)
    footer = read_footer(info)
    data = path.read_bytes()
    path.write_bytes(data[: -len(footer)] + bytes(len(footer)))
    with opened(info.uri, footer) as (file, _):
        assert file.read()["column_0"].to_pylist() == ["some text"]
    with pytest.raises(SourceError, match="magic bytes"), opened(info.uri):
        pass


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (b"PARE", "is encrypted, which cannot be read"),
        (
            (1 << 31).to_bytes(4, "little") + b"PAR1",
            "its footer would have 2147483656 bytes, and the file has",
        ),
        (
            (200 << 20).to_bytes(4, "little") + b"PAR1",
            "its footer has 209715208 bytes, of which 134217728 are",
        ),
    ],
)
def test_an_absurd_footer_is_refused_before_it_is_read(tmp_path: Path, end: bytes, reason: str) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1")
    os.truncate(path, 300 << 20)
    with path.open("r+b") as file:
        file.seek(-len(end), os.SEEK_END)
        file.write(end)
    with pytest.raises(SourceError, match=reason):
        read_footer(stat(str(path)))


@pytest.mark.parametrize("data", [b"", b"PAR1", b"no Parquet at all"])
def test_what_is_no_parquet_is_told_by_arrow(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(data)
    footer = read_footer(stat(str(path)))
    assert footer == data
    with pytest.raises(SourceError, match=r"magic|size is"), footers.opened(str(path)):
        pass
