"""What `hindcast plan` says first."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.cli.main import main

HUNT = "hunt: small\narchive: {uri: archive, text_columns: [text]}\nsignatures: s.yaml\noutput: out\n"


@pytest.fixture
def hunt(here: Path) -> str:
    (here / "archive").mkdir()
    pq.write_table(pa.table({"text": ["one"]}), here / "archive" / "a.parquet")
    (here / "s.yaml").write_text("signatures: [{id: t.one, literal: one}]\n")
    (here / "hunt.yaml").write_text(HUNT)
    return "hunt.yaml"


@pytest.mark.parametrize("verb", ["plan", "hunt"])
def test_what_lies_in_the_archive_and_is_not_read_is_told(
    verb: str, hunt: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hunt over a folder of mixed files said `COMPLETE` and nothing of them."""
    for name in ("b.csv", "c.csv", "_d.parquet", "_SUCCESS"):
        (here / "archive" / name).touch()
    assert main([verb, hunt]) == 0
    told = (
        "hunt.yaml:2: warning: archive.uri: leaves 3 files (2 *.csv, 1 _*.parquet) unread: a folder stands for its "
        "files of one format whose names do not begin with `_` or `.`; name data by a glob, or another `format`"
    )
    assert told in capsys.readouterr().err.splitlines()


def test_files_that_cannot_be_hunted_come_first_and_decide_the_exit_code(
    hunt: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", hunt]) == 0
    assert capsys.readouterr().out.startswith("hunt small\n")
    for number in range(12):
        pq.write_table(pa.table({"other": ["one"]}), here / "archive" / f"b{number:02}.parquet")
    assert main(["plan", hunt]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "NOT ALL CAN BE HUNTED: 12 of 13 files cannot:"
    assert lines[1].endswith(
        "b00.parquet: lacks the column text; where that is meant, a hunt names it in `archive.optional`"
    )
    assert lines[11:13] == ["  and 2 more files, which `--json` names", "hunt small"]
    assert main(["plan", hunt, "--json"]) == 3
    assert len(json.loads(capsys.readouterr().out)["unreadable"]) == 12
