"""Whole hunts whose archive and results lie on object stores, through the command line."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import scanner
from jobs.cli.main import main
from jobs.preparing.prepare import prepare
from jobs.preparing.resume import new_run
from jobs.running.driver import READ_TRIES
from jobs.running.hunt import Run
from scanner.archive import storage
from scanner.results import layout
from scanner.results.commit import publish
from scanner.results.finish import finish
from tests.support import servers
from tests.support.faults import EXPIRED, Fault, Faults, faulty
from tests.support.results import HUNT as HUNT_NAME
from tests.support.results import RUN_ID, commit_split, hit, record, report, write_hits

HUNT = """\
hunt: small
archive:
  {archive}
  record_id: id
signatures: signatures.yaml
output: {output}
"""
SIGNATURES = "signatures:\n  - {id: t.lure, literal: free coins, flags: i}\n"
FILES = ("day=1/a b.parquet", "day=1/c%20d.parquet", "day=2/e.parquet")
OF_THE_RUN = ["run_id", "scanned_at", "source_uri", "source_etag", "hit_id", "match_hash"]


@pytest.fixture
def archive(here: Path) -> Path:
    """A folder with an archive of three files, six hits in it, and signatures."""
    for number, name in enumerate(FILES):
        path = here / "archive" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = [f"text {row}" for row in range(200)]
        texts[3 + number] = texts[150] = "Free Coins for all"
        ids = [f"{number}-{row}" for row in range(200)]
        pq.write_table(pa.table({"id": ids, "text": texts}), path, row_group_size=100)
    (here / "signatures.yaml").write_text(SIGNATURES)
    return here / "archive"


def copied(archive: Path, uri: str) -> str:
    """The same archive elsewhere."""
    for name in FILES:
        with storage.open_output(f"{uri}/archive/{name}") as sink:
            sink.write((archive / name).read_bytes())
    return f"{uri}/archive"


def hunted(archive: str, output: str, more: str = "") -> int:
    """Runs the command and gives its exit code."""
    archive_key = archive if archive.startswith("manifest:") else f"uri: '{archive}'"
    Path("hunt.yaml").write_text(HUNT.format(archive=archive_key, output=output) + more)
    return main(["hunt", "hunt.yaml", "--quiet", "--executor", "inline"])


def found(output: str) -> list[dict[str, object]]:
    results = scanner.open_results(output)
    assert results.complete
    hits = results.hits.to_table().sort_by([("record_id", "ascending")])
    return hits.drop_columns(OF_THE_RUN).to_pylist()


def sources_of(rows: ds.Dataset) -> list[str]:
    return sorted({str(uri) for uri in rows.to_table()["source_uri"].to_pylist()})


def test_a_hunt_finds_the_same_wherever_archive_and_results_lie(
    archive: Path, s3: str, gcs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"local": str(archive), "s3": copied(archive, s3), "gcs": copied(archive, gcs)}
    outputs = {"local": "results", "s3": f"{gcs}/results", "gcs": f"{s3}/results"}
    hits = {}
    for place, uri in places.items():
        assert hunted(uri, outputs[place]) == 0, capsys.readouterr().err
        hits[place] = found(outputs[place])
    assert len(hits["local"]) == 6
    assert hits["local"] == hits["s3"] == hits["gcs"]
    assert sources_of(scanner.open_results(f"{gcs}/results").hits) == [
        f"{s3}/archive/{name}" for name in FILES
    ]


def test_results_on_a_store_are_shown_and_listed(
    archive: Path, s3: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert hunted(str(archive), f"{s3}/results/") == 0
    capsys.readouterr()
    assert main(["results", "list", f"{s3}/results", "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)
    assert [(run["status"], run["hits"]) for run in runs] == [("complete", 6)] * 2
    assert main(["results", "show", runs[0]["uri"]]) == 0
    assert "t.lure" in capsys.readouterr().out
    assert main(["scan", f"{s3}/results/hunt=small/*/hits/*.parquet", "-s", "signatures.yaml"]) == 0


def test_a_run_on_a_store_is_read_before_and_after_it_is_finished(s3: str) -> None:
    run_uri = layout.run_uri(s3, HUNT_NAME, RUN_ID)
    commit_split(run_uri, 0, [hit("fraud.a", 1), hit("fraud.b", 1)])
    commit_split(run_uri, 1)
    assert not publish(run_uri, report(1, rows=99)), "the first report counts"
    results = scanner.open_results(s3, run=RUN_ID)
    assert (results.status, results.totals["hits"], results.totals["rows"]) == ("unfinished", 2, 200)
    write_hits(run_uri, "uncommitted.parquet", [hit("fraud.a", 7)])
    finished = finish(run_uri, record())
    results = scanner.open_results(run_uri)
    assert results.complete
    assert results.hits.to_table().num_rows == 2
    assert len(storage.list_names(layout.hits_folder_uri(run_uri))) == 1
    assert finish(run_uri, record()) == finished


@pytest.mark.parametrize(("times", "read"), [(2 * READ_TRIES - 1, 3), (1000, 2)])
def test_a_file_that_cannot_be_reached_for_a_while_is_read_in_the_end_and_is_a_gap_where_it_never_can(
    times: int, read: int, archive: Path, s3: str, s3_endpoint: str
) -> None:
    with faulty(s3_endpoint) as store:
        Path("hunt.yaml").write_text(
            HUNT.format(archive=f"uri: '{copied(archive, s3)}'", output="results")
            + f"storage: {{s3: {{endpoint: '{store.endpoint}'}}, attempts: 2}}\n"
        )
        prepared = prepare("hunt.yaml", date(2026, 5, 1), "inline")
        run = Run(prepared, new_run(prepared, datetime(2026, 5, 1, tzinfo=UTC)))
        store.coming = [Fault("status", times, within="a%20b.parquet")]
        totals: Any = run.execute()["totals"]
    assert (totals["scanned"], totals["failed"], totals["hits"]) == (read, 3 - read, 2 * read)
    rows = scanner.open_results("results").coverage.to_table().to_pylist()
    failed = [(row["source_uri"], row["attempts"], row["error"]) for row in rows if row["status"] == "failed"]
    why = (f"{s3}/archive/{FILES[0]}", READ_TRIES, "the store answered 503; tried 2 times")
    assert failed == [why] * (3 - read)


def test_a_manifest_names_the_archive(
    archive: Path, s3: str, gcs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    copied(archive, s3)
    elsewhere = copied(archive, gcs)
    lines = ["# dumps of the week", "", "archive/day=1/a b.parquet", f"{elsewhere}/day=2/e.parquet"]
    storage.create(f"{s3}/files.txt", "\r\n".join(lines).encode())
    assert hunted(f"manifest: {s3}/files.txt", "results") == 0, capsys.readouterr().err
    assert sources_of(scanner.open_results("results").coverage) == [
        f"{elsewhere}/day=2/e.parquet",
        f"{s3}/archive/day=1/a b.parquet",
    ]
    storage.delete(f"{s3}/files.txt")
    storage.create(f"{s3}/files.txt", b"archive/gone.parquet\nftp://host/x\narchive/day=2/e.parquet\n\xff\n")
    assert hunted(f"manifest: {s3}/files.txt", "results") == 2
    told = capsys.readouterr().err
    for words in (
        f"hunt.yaml:3: archive.manifest: {s3}/files.txt:1: {s3}/archive/gone.parquet: is not there",
        "files.txt:2: ftp://host/x: `ftp://` is no store",
        "files.txt:4: ",
    ):
        assert words in told


@pytest.fixture
def broken(s3_endpoint: str, s3: str) -> Iterator[tuple[str, Faults]]:
    """A folder on S3, behind a proxy whose faults are given."""
    with faulty(s3_endpoint) as faults:
        yield s3, faults


PATIENCE = "storage:\n  attempts: 2\n  timeout_s: 1\n  s3: {{endpoint: '{}', region: us-east-1}}\n"


def test_a_hunt_outlives_a_busy_store(
    archive: Path, broken: tuple[str, Faults], capsys: pytest.CaptureFixture[str]
) -> None:
    uri, faults = broken
    place = copied(archive, uri)
    faults.coming = [
        Fault("status", method="GET", within="list-type"),
        Fault("reset", method="HEAD"),
        Fault("short", method="GET", within="e.parquet"),
        Fault("lost answer", method="PUT", within="commits"),
        Fault("status", method="PUT", within="run.json"),
    ]
    assert hunted(place, f"{uri}/results", PATIENCE.format(faults.endpoint)) == 0, capsys.readouterr().err
    assert [fault.times for fault in faults.coming] == [0] * 5
    assert len(found(f"{uri}/results")) == 6


def test_a_file_that_cannot_be_had_is_a_gap(
    archive: Path, broken: tuple[str, Faults], capsys: pytest.CaptureFixture[str]
) -> None:
    uri, faults = broken
    place = copied(archive, uri)
    faults.coming = [
        Fault("status", times=1000, within="day%3D2"),
        Fault("status", times=1000, within="day=2"),
    ]
    assert hunted(place, "results", PATIENCE.format(faults.endpoint)) == 3
    coverage = scanner.open_results("results").coverage.to_table().to_pylist()
    (failed,) = (row for row in coverage if row["status"] == "failed")
    assert failed["source_uri"].endswith("day=2/e.parquet")
    assert "the store answered 503" in failed["error"]
    assert "COMPLETE WITH GAPS" in capsys.readouterr().out


@pytest.mark.parametrize("status", [400, 403])
def test_credentials_that_expired_end_a_hunt_before_any_work(
    archive: Path, broken: tuple[str, Faults], capsys: pytest.CaptureFixture[str], status: int
) -> None:
    uri, faults = broken
    place = copied(archive, uri)
    faults.coming = [Fault("status", times=1000, status=status, body=EXPIRED)]
    assert hunted(place, "results", PATIENCE.format(faults.endpoint)) == 2
    told = capsys.readouterr().err
    refused = f"not allowed (as access key {servers.CREDENTIALS['AWS_ACCESS_KEY_ID']})"
    assert f"{place}: {refused}: the store answered {status} ExpiredToken" in told
    assert "hush" not in told
    assert servers.CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in told
    assert len(faults.requests) <= 5, "what is refused is not asked again"
    assert not Path("results").exists()
