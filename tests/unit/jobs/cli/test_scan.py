"""What `hindcast scan` says of what it was asked."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.cli.main import main

SIGNATURES = """\
signatures:
  - {id: t.coin, literal: coin}
  - {id: t.title, literal: coin, columns: [title]}
  - {id: t.rare, literal: kumquat}
"""


@pytest.fixture
def archive(here: Path) -> Path:
    """Two files, of which only the first holds a coin."""
    (here / "s.yaml").write_text(SIGNATURES, encoding="utf-8")
    (here / "files").mkdir()
    for name, text in (("a", "a coin"), ("b", "nothing")):
        pq.write_table(pa.table({"text": [text]}), here / "files" / f"{name}.parquet")
    return here


def scan(*words: str) -> int:
    return main(["scan", *words, "-s", "s.yaml"])


def test_what_lies_in_a_folder_and_is_not_read_is_told(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (archive / "files" / "c.csv").touch()
    assert scan("files") == 0
    assert "warning: files: leaves 1 file (1 *.csv) unread: " in capsys.readouterr().err


def test_a_file_of_which_most_was_scanned_is_told_so(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "s.yaml").write_text(SIGNATURES, encoding="utf-8")
    (here / "a.jsonl").write_text('{"text": "a coin"}\nno JSON\n', encoding="utf-8")
    (here / "b.csv").write_text("text\na coin\n", encoding="utf-16")
    assert [scan("a.jsonl"), scan("b.csv")] == [3, 2]
    told = capsys.readouterr().err
    assert "a.jsonl: not all was scanned: lines that are too long" in told
    assert "b.csv: its text is not UTF-8; write it anew as UTF-8" in told


@pytest.mark.parametrize(("path", "named"), [("files", True), ("files/a.parquet", False)])
def test_hits_name_their_file_wherever_more_than_one_is_scanned(
    archive: Path, capsys: pytest.CaptureFixture[str], path: str, named: bool
) -> None:
    assert scan(path) == 0
    printed = capsys.readouterr().out
    assert (f"{archive}/files/a.parquet" in printed) == named
    assert ("file" in printed.split()) == named


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize(
    ("path", "summary"),
    [
        ("files/a.parquet", "1 hit of 1 signature in 1 record; 2 signatures looked for"),
        ("files/b.parquet", "0 hits in 1 record; 2 signatures looked for"),
    ],
)
def test_the_summary_counts_what_was_looked_for(
    capsys: pytest.CaptureFixture[str], path: str, summary: str
) -> None:
    assert scan(path) == 0
    # The third one looks at a column that is not there.
    assert summary in capsys.readouterr().err.splitlines()


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("columns", ["", " ", "text,", ",text"])
def test_an_empty_name_of_a_column_is_not_every_column(
    capsys: pytest.CaptureFixture[str], columns: str
) -> None:
    assert scan("files", "--columns", columns) == 2
    assert "`--columns` has an empty name" in capsys.readouterr().err
    assert main(["signatures", "profile", "s.yaml", "--on", "files", "--columns", columns]) == 2
    assert "`--columns` has an empty name" in capsys.readouterr().err


def test_spans_count_in_the_cell_and_not_in_what_is_shown_of_it(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = "\x1b[31mkumquat\x1b[0m"
    pq.write_table(pa.table({"text": [cell]}), archive / "steering.parquet")
    assert scan("steering.parquet", "--json", "--evidence", "clear") == 0
    hit = json.loads(capsys.readouterr().out)
    assert hit["evidence"] == "[31m⟦kumquat⟧[0m"
    assert cell.encode()[hit["start"] : hit["end"]] == b"kumquat"
    assert main(["scan", "--help"]) == 0
    assert "without control characters" in " ".join(capsys.readouterr().out.split())


def test_a_name_that_could_steer_a_terminal_leads_to_its_file(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pq.write_table(pa.table({"text": ["a coin"]}), archive / "files" / "b\x1b[2J.parquet")
    (archive / "files" / "c\u202e.parquet").write_bytes(b"PAR1")
    assert scan("files") == 3
    told = capsys.readouterr()
    assert "/files/b␛[2J.parquet" in told.out
    assert r"/files/c\u202e.parquet: not scanned: " in told.err
    assert not {"\x1b", "\u202e"} & set(told.out + told.err)


HINT = "if this is no Parquet, add `--input-format csv|tsv|"


def test_what_is_no_parquet_is_told_how_to_be_scanned(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (archive / "some lines.txt").write_text("a coin\n", encoding="utf-8")
    assert scan("some lines.txt") == 2
    told = capsys.readouterr().err
    assert HINT in told
    assert f"; lines of text go to `hindcast scan - < '{archive}/some lines.txt'`" in told
    (archive / "csv").mkdir()
    (archive / "csv" / "a.csv").write_text("text\na coin\n", encoding="utf-8")
    assert scan("csv") == 2
    told = capsys.readouterr().err
    assert HINT in told
    assert "lines of text" not in told
    assert scan("csv", "--input-format", "csv") == 0


@pytest.mark.parametrize(
    "words", [("gone",), ("files", "--columns", "txt"), ("broken.parquet",), ("broken.orc",)]
)
def test_other_mistakes_are_not_put_down_to_the_format(
    archive: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    (archive / "broken.parquet").write_bytes(b"PAR1")
    (archive / "broken.orc").write_bytes(b"ORC")
    assert scan(*words) == 2
    assert "--input-format" not in capsys.readouterr().err
