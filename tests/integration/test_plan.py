"""What `hindcast plan` tells of a pruned archive, word for word.

Sizes depend on who wrote the files, so that they are left out. After a change that is meant:
``HINDCAST_WRITE_GOLDEN=1 .venv/bin/python -m pytest tests/integration/test_plan.py``.
"""

import json
import os
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.cli import hindcast

GOLDEN = Path(__file__).parents[1] / "golden" / "plan"

HUNT = """\
hunt: nightly
archive:
  uri: archive
  text_columns: [text]
  record_id: id
  event_time: event_date
  carry: [lang]
  where: event_date >= '2026-11-02' AND lang IN ('en', 'de') AND n < 1030
signatures: signatures.yaml
output: out
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for day in (1, 2, 3):
        for lang in ("en", "de", "__HIVE_DEFAULT_PARTITION__"):
            for part in (0, 1, 2):
                path = (
                    tmp_path / "archive" / f"event_date=2026-11-0{day}" / f"lang={lang}" / f"{part}.parquet"
                )
                path.parent.mkdir(parents=True, exist_ok=True)
                numbers = [part * 1000 + row for row in range(100)]
                table = pa.table({"id": numbers, "text": [f"text {n}" for n in numbers], "n": numbers})
                pq.write_table(table, path, row_group_size=25)
    (tmp_path / "archive" / "event_date=2026-11-03" / "lang=de" / "cut.parquet").write_bytes(
        b"PAR1 1234 PARE"
    )
    (tmp_path / "signatures.yaml").write_text("signatures: [{id: t.one, literal: text 1029}]\n")
    (tmp_path / "hunt.yaml").write_text(HUNT)
    return tmp_path


def without_sizes(text: str, folder: Path) -> str:
    text = re.sub(r"(?<= )[0-9.]+ k?B(?= )| +[0-9.]+ k?B(?= *$)", " <size>", text, flags=re.MULTILINE)
    text = re.sub(r'"(size|text)_bytes": \d+', r'"\1_bytes": 0', text)
    return re.sub(r" +$", "", text.replace(str(folder), "<folder>"), flags=re.MULTILINE)


@pytest.mark.parametrize(("name", "options"), [("plan.txt", ()), ("plan.json", ("--json",))])
def test_the_plan_tells_what_each_step_removes_and_why(
    folder: Path, name: str, options: tuple[str, ...]
) -> None:
    done = hindcast(folder, "plan", "hunt.yaml", *options)
    assert (done.returncode, done.stderr) == (3, ""), "a file cannot be hunted, as the hunt would say too"
    told = without_sizes(done.stdout, folder)
    if os.environ.get("HINDCAST_WRITE_GOLDEN"):
        (GOLDEN / name).write_text(told)
    assert told == (GOLDEN / name).read_text()


def test_a_pruned_hunt_is_complete_finds_what_is_left_and_says_what_it_did_not_read(folder: Path) -> None:
    (folder / "archive" / "event_date=2026-11-03" / "lang=de" / "cut.parquet").unlink()
    done = hindcast(folder, "hunt", "hunt.yaml", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["status"] == "complete"
    totals = record["totals"]
    assert (totals["files"], totals["rows"], totals["rows_filtered"], totals["hits"]) == (8, 520, 80, 4)
    assert (totals["files_pruned"], totals["row_groups_pruned"], totals["rows_pruned"]) == (19, None, None)
    assert [each["step"] for each in record["pruned"]] == [
        "partitions",
        "partitions",
        "file statistics",
        "row-group statistics",
    ]
    (run,) = (folder / "out" / "hunt=nightly").iterdir()
    shown = hindcast(folder, "results", "show", str(run)).stdout
    assert "0 splits failed; 80 records left out by `where`; 19 files not read because of it" in shown
    hits = pq.read_table(run / "hits", partitioning=None).to_pylist()
    assert {(hit["record_id"], hit["row_index"], hit["row_group"]) for hit in hits} == {("1029", 29, 1)}
    assert {(hit["lang"], hit["event_time"].day) for hit in hits} == {
        (lang, day) for lang in ("en", "de") for day in (2, 3)
    }


def test_a_predicate_that_leaves_nothing_is_told_and_no_failure(folder: Path) -> None:
    (folder / "hunt.yaml").write_text(HUNT.replace("2026-11-02", "2027-01-01"))
    done = hindcast(folder, "hunt", "hunt.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert "hunt.yaml:8: warning: archive.where: leaves nothing to read" in done.stderr
    assert json.loads(done.stdout)["totals"]["splits"] == 0
