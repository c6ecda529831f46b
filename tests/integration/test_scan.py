"""`hindcast scan` as its users run it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.cli import command, environment, hindcast

SIGNATURES = """\
signatures:
  - {id: t.coin, regex: '\\bcoins?\\b', flags: i, severity: high, category: fraud}
  - {id: t.title, literal: coin, columns: [title]}
  - {id: t.old, literal: coin, expires: 2020-01-01}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file of 500 records, 50 of which hold a coin, and one of them a terminal's escape sequence."""
    texts: list[str | None] = [f"number {i}" + (" gives a Coin" if i % 10 == 3 else "") for i in range(500)]
    texts[3] = "a \x1b[31mred\x1b[0m \u202ecoin"
    texts[4] = None
    table = pa.table({"text": texts, "title": ["coin"] * 500, "n": range(500)})
    (tmp_path / "files").mkdir()
    pq.write_table(table, tmp_path / "files" / "a.parquet", row_group_size=100)
    (tmp_path / "signatures.yaml").write_text(SIGNATURES)
    return tmp_path


def scan(folder: Path, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    return hindcast(folder, "scan", *words, "-s", "signatures.yaml", stdin=stdin)


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_table_is_safe_to_read_and_its_counts_are_exact(folder: Path) -> None:
    done = scan(folder, "files", "--columns", "text", "--limit", "7", "--evidence", "clear")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("t.coin") == 7
    assert "⟦coin⟧" in done.stdout
    assert not {"\x1b", "\u202e"} & set(done.stdout)
    assert "50 hits of 1 signature in 500 records" in done.stderr
    assert "7 of them printed" in done.stderr
    assert "t.old: expired on 2020-01-01" in done.stderr
    assert "t.title: finds nothing here" in done.stderr


def test_every_text_column_by_default_and_masked(folder: Path) -> None:
    done = scan(folder, "files/a.parquet", "--json")
    assert done.returncode == 0, done.stderr
    assert "scanning the columns text, title" in done.stderr
    found = rows(done)
    assert len(found) == 50 + 500 + 500
    assert {hit["evidence"] for hit in found if hit["column"] == "title"} == {"⟦****⟧"}
    first = next(hit for hit in found if (hit["row_index"], hit["column"]) == (13, "text"))
    assert first == {
        "source_uri": str(folder / "files" / "a.parquet"),
        "row_index": 13,
        "column": "text",
        "signature_id": "t.coin",
        "severity": "high",
        "category": "fraud",
        "view": "raw",
        "start": 18,
        "end": 22,
        "match_count": 1,
        "spans": [{"start": 18, "end": 22}],
        "evidence": "****** ** ***** * ⟦****⟧",
    }


def test_a_terminal_without_unicode_gets_what_it_can_show(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = scan(folder, "files", "--columns", "text")
    assert done.returncode == 0, done.stderr
    assert r"\u27e6****\u27e7" in done.stdout


def test_hashed_evidence_is_none(folder: Path) -> None:
    assert {hit["evidence"] for hit in rows(scan(folder, "files", "--json", "--evidence", "hashed"))} == {
        None
    }


def test_lines_on_standard_input(folder: Path) -> None:
    done = scan(folder, "-", "--format", "jsonl", stdin=b"no\n\xff coin\r\n\xe2\x82\xac coins")
    assert done.returncode == 0, done.stderr
    found = [(hit["row_index"], hit["signature_id"], hit["start"], hit["end"]) for hit in rows(done)]
    assert found == [(1, "t.coin", 2, 6), (1, "t.title", 2, 6), (2, "t.coin", 4, 9), (2, "t.title", 4, 8)]
    assert "4 hits of 2 signatures in 3 records" in done.stderr


def test_nothing_on_standard_input(folder: Path) -> None:
    done = scan(folder, "-", "--json")
    assert (done.returncode, done.stdout) == (0, "")
    assert "0 hits in 0 records; 2 signatures looked for" in done.stderr


def test_an_unreadable_file_is_told_and_changes_the_exit_code(folder: Path) -> None:
    (folder / "files" / "broken.parquet").write_bytes(b"PAR1 and no more")
    done = scan(folder, "files", "--limit", "0")
    assert done.returncode == 3
    assert "broken.parquet: not scanned: " in done.stderr
    assert "NOT ALL WAS SCANNED" in done.stderr
    assert "1,050 hits" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing.parquet",), "nothing.parquet: is not there"),
        (("files", "--columns", "txt"), "did you mean"),
        (("files", "--columns", "n"), "n: "),
        (("-", "--columns", "text"), "lines of text have no columns"),
        (("files", "--limit", "-1"), "-1 is not in the range"),
    ],
)
def test_wrong_input_is_told(folder: Path, words: tuple[str, ...], message: str) -> None:
    done = scan(folder, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_all_that_is_wrong_is_told_at_once(folder: Path) -> None:
    (folder / "signatures.yaml").write_text("signatures:\n  - {id: t.x, regex: '('}\n")
    done = scan(folder, "nothing.parquet")
    assert done.returncode == 2
    assert "signatures.yaml:2: t.x: " in done.stderr
    assert "nothing.parquet: is not there" in done.stderr


def test_a_reader_that_has_enough_is_no_error(folder: Path) -> None:
    with subprocess.Popen(
        command("scan", "-", "-s", "signatures.yaml", "--json"),
        cwd=folder,
        env=environment(folder / "home"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, errors = process.communicate(b"a coin\n" * 1000)
    assert process.returncode == 141
    assert b"Traceback" not in errors
