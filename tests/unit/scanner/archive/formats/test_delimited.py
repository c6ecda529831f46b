import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from scanner.archive.formats.delimited import MOST_LINE_BREAKS
from scanner.archive.formats.doors import read_split
from scanner.archive.plan import make_plan
from scanner.archive.read import Batch
from scanner.archive.where import Predicate
from scanner.errors import HuntError


def read(
    path: Path, data: bytes, column: str = "text", form: str = "csv"
) -> tuple[list[bytes | None], list[str]]:
    """Cells of a column, and what was told."""
    path.write_bytes(data)
    [split] = make_plan([str(path)], [column], format=form).splits
    pieces = list(read_split(split, [column]))
    cells = [
        cell
        for each in pieces
        if isinstance(each, Batch)
        for cell in each.data.column(0).cast(pa.binary()).to_pylist()
    ]
    return cells, [each.reason for each in pieces if not isinstance(each, Batch)]


@pytest.mark.parametrize("column", ["id", "text"])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n"])
def test_a_file_that_ends_as_it_should_has_no_record_more(column: str, end: bytes, tmp_path: Path) -> None:
    cells, told = read(tmp_path / "a.csv", b'id,text\n1,a\n2,"b\nc"' + end, column)
    assert (cells, told) == ([b"1", b"2"] if column == "id" else [b"a", b"b\nc"], [])
    assert read(tmp_path / "a.csv", b"id,text\n") == ([], [])


@pytest.mark.parametrize("column", ["id", "text"])
def test_a_quote_that_is_never_closed_is_a_gap(column: str, tmp_path: Path) -> None:
    swallowed = b"".join(b"%d,\xff text\n" % n for n in range(50))
    cells, told = read(tmp_path / "a.csv", b'id,text\n1,a\n2,"unclosed\n' + swallowed, column)
    assert cells == ([b"1", b"2"] if column == "id" else [b"a", b"unclosed\n" + swallowed])
    assert len(told) == 1
    assert "ends within quotes" in told[0]


def test_a_quote_that_is_closed_late_is_told_whatever_column_it_is_in(tmp_path: Path) -> None:
    swallowed = b"3,a text\n" * MOST_LINE_BREAKS
    data = b'id,text\n1,a\n"2,b\n' + swallowed + b'4",c\n5,d\n'
    cells, told = read(tmp_path / "a.csv", data)
    assert cells == [b"a", b"c", b"d"]
    assert len(told) == 1
    assert told[0].endswith("which may be records: 1, the first in record 2")


def test_quotes_are_text_where_a_file_has_none(tmp_path: Path) -> None:
    data = b'id\ttext\n1\t"stray\n2\tboth "quoted"\n3\t"all"\n'
    cells, told = read(tmp_path / "a.tsv", data, form="tsv-unquoted")
    assert (cells, told) == ([b'"stray', b'both "quoted"', b'"all"'], [])


def test_a_file_whose_last_record_is_left_out_ends_within_quotes_too(tmp_path: Path) -> None:
    for before, cells in ((b"", []), (b"1,a\n", [b"a"])):
        found, told = read(tmp_path / "a.csv", b"id,text\n" + before + b'"2,unclosed\n3,b\n')
        assert found == cells
        assert sorted(reason[:10] for reason in told) == ["it ends wi", "records wi"]


def test_a_packed_file_that_is_cut_short_does_not_end_within_quotes(tmp_path: Path) -> None:
    lines = b"".join(b"%d,%d\n" % (n, n * 7919 % 10_007) for n in range(50_000))
    _, told = read(tmp_path / "a.csv.gz", gzip.compress(b"id,text\n" + lines)[:-30_000])
    assert [reason.rpartition(": ")[2] for reason in told] == ["Truncated compressed stream"]


@pytest.mark.parametrize("where", [None, Predicate.parse("lang = 'en'")])
def test_the_first_record_of_a_file_without_names_is_in_no_error(
    where: Predicate | None, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes(b"17,a private text message\n18,b\n")
    with pytest.raises(HuntError) as raised:
        make_plan([str(tmp_path / "a.csv")], ["text"], carry=["tex"], where=where)
    assert "private" not in str(raised.value)
    assert "there is no such column in the first line" in str(raised.value)
