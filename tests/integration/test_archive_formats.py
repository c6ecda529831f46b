"""Hunts of archives that are no Parquet, as their users run them."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import write_deltalake

from tests.support.cli import hindcast

SIGNATURES = """\
signatures:
  - id: t.needle
    severity: high
    literal: needle
    examples: {match: [a needle], no_match: [thread]}
"""


def hunt(folder: Path, archive: str) -> None:
    (folder / "pack.yaml").write_text(SIGNATURES)
    (folder / "hunt.yaml").write_text(
        f"hunt: lines\narchive:\n{archive}signatures: pack.yaml\noutput: results\n"
    )


def lines(path: Path, bad: bool) -> None:
    rows = [
        {"id": f"{path.name[0]}{n}", "lang": "en", "text": "a needle" if n == 7 else f"text {n}"}
        for n in range(50)
    ]
    written = [json.dumps(row) for row in rows]
    if bad:
        written[20] = '{"id": "cut'
    data = "\n".join(written).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def test_a_hunt_of_lines_counts_what_it_could_not_read(tmp_path: Path) -> None:
    (tmp_path / "posts").mkdir()
    lines(tmp_path / "posts" / "a.jsonl", bad=False)
    lines(tmp_path / "posts" / "b.jsonl.gz", bad=True)
    hunt(
        tmp_path, "  uri: posts/\n  format: jsonl\n  text_columns: [text]\n  record_id: id\n  carry: [lang]\n"
    )

    planned = hindcast(tmp_path, "plan", "hunt.yaml")
    assert planned.returncode == 0, planned.stderr
    assert "known once they are read" in planned.stdout

    done = hindcast(tmp_path, "hunt", "hunt.yaml")
    assert done.returncode == 3, done.stderr
    [run] = (tmp_path / "results" / "hunt=lines").iterdir()
    hits = pq.read_table(run / "hits", partitioning=None).to_pylist()
    assert sorted((hit["record_id"], hit["lang"], hit["row_index"]) for hit in hits) == [
        ("a7", "en", 7),
        ("b7", "en", 7),
    ]
    record = json.loads((run / "run.json").read_text())
    assert (record["totals"]["rows"], record["totals"]["failed"]) == (99, 1)
    assert record["spec"]["archive"]["format"] == "jsonl"
    [gap] = record["gaps"]
    assert gap["reason"].endswith("the first is line 21")

    shown = hindcast(tmp_path, "results", "coverage", str(run), "--all")
    assert "b.jsonl.gz row group 0: scanned, 49 records" in shown.stdout
    assert "b.jsonl.gz row group 0: lines that are too long" in shown.stdout


def test_a_hunt_of_a_table_at_a_version(tmp_path: Path) -> None:
    for text in ("a needle", "another needle"):
        write_deltalake(str(tmp_path / "posts"), pa.table({"text": [text]}), mode="append")
    hunt(tmp_path, "  uri: posts\n  format: delta\n  version: 0\n")
    done = hindcast(tmp_path, "hunt", "hunt.yaml", "--quiet")
    assert done.returncode == 0, done.stderr
    [run] = (tmp_path / "results" / "hunt=lines").iterdir()
    record = json.loads((run / "run.json").read_text())
    assert record["totals"]["hits"] == 1
    assert record["spec"]["archive"] == {
        "uri": [str(tmp_path / "posts")],
        "text_columns": "auto",
        "format": "delta",
        "version": 0,
    }


def test_lines_and_tables_are_scanned_too(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text(SIGNATURES)
    lines(tmp_path / "a.jsonl.gz", bad=False)
    done = hindcast(tmp_path, "scan", "a.jsonl.gz", "-s", "pack.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["row_index"] for line in done.stdout.splitlines()] == [7]
    refused = hindcast(tmp_path, "scan", "a.jsonl.gz", "-s", "pack.yaml", "--input-format", "iceberg")
    assert refused.returncode == 2
    assert "is no Iceberg table" in refused.stderr
