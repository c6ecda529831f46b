"""`hindcast hunt` and `hindcast plan` as their users run them: in a process of their own, on real files."""

import json
import re
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.cli import command, environment, hindcast

HUNT = """\
hunt: small
archive:
  uri: archive/
  text_columns: [text, "replies[].text"]
  record_id: id
  actor_id: author
  event_time: at
  carry: [lang]
signatures: signatures/
output: results
"""

SIGNATURES = """\
signatures:
  - id: t.wallet
    severity: high
    regex: '\\bbc1q[a-z0-9]{8,}\\b'
    examples: {match: [send to bc1qabcdefgh], no_match: [bc1q]}
  - id: t.lure
    literal: free coins
    flags: i
    examples: {match: [FREE COINS], no_match: [coins]}
  - id: t.old
    literal: free coins
    expires: 2020-01-01
"""

ROWS = 300
FILES = 153
UNDISTURBED = "20260501T000000Z-undisturbed"
REPLY = pa.struct([("text", pa.string())])


def write_part(path: Path, part: str) -> None:
    texts = [None if i % 50 == 49 else f"{part} number {i}" for i in range(ROWS)]
    texts[10] = "send all to bc1qabcdefgh now"
    texts[20] = "\x1b[31mFree Coins\x1b[0m and bc1qhgfedcba"
    replies: list[list[dict[str, str]]] = [[] for _ in range(ROWS)]
    replies[30] = [{"text": "no"}, {"text": "Want free coins?"}]
    table = pa.table(
        {
            "id": [f"{part}{i}" for i in range(ROWS)],
            "author": [f"author{i % 7}" for i in range(ROWS)],
            "at": pa.array(
                [datetime(2026, 1, 1 + i % 28, tzinfo=UTC) for i in range(ROWS)], pa.timestamp("us", "UTC")
            ),
            "lang": ["en"] * ROWS,
            "text": texts,
            "replies": pa.array(replies, pa.list_(REPLY)),
            "n": range(ROWS),
        }
    )
    pq.write_table(table, path, row_group_size=100)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A hunt over three files with nine hits."""
    for name in ("archive", "signatures"):
        (tmp_path / name).mkdir()
    for part in ("a", "b", "c"):
        write_part(tmp_path / "archive" / f"{part}.parquet", part)
    (tmp_path / "signatures" / "pack.yaml").write_text(SIGNATURES)
    (tmp_path / "hunt.yaml").write_text(HUNT)
    return tmp_path


def written(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path != folder / "home"}


def only_run(folder: Path) -> Path:
    (run,) = (folder / "results" / "hunt=small").iterdir()
    return run


def test_a_complete_hunt(folder: Path) -> None:
    done = hindcast(folder, "hunt", "hunt.yaml")
    assert done.returncode == 0, done.stderr
    run = only_run(folder)
    assert re.fullmatch(r"run=\d{8}T\d{6}Z-[0-9a-f]{11}", run.name)

    hits = pq.read_table(run / "hits").to_pylist()
    found = sorted((hit["record_id"], hit["signature_id"], hit["column"]) for hit in hits)
    per_part = [("10", "t.wallet", "text"), ("20", "t.lure", "text"), ("20", "t.wallet", "text")]
    assert [hit for hit in found if hit[2] == "text"] == [
        (f"{part}{row}", signature, column) for part in "abc" for row, signature, column in per_part
    ]
    assert [hit[:2] for hit in found if hit[2] != "text"] == [(f"{part}30", "t.lure") for part in "abc"]
    assert {hit["lang"] for hit in hits} == {"en"}
    assert not any("bc1q" in hit["evidence"] for hit in hits), "evidence is masked at rest"

    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "complete"
    assert record["totals"]["rows"] == 3 * ROWS
    assert record["totals"]["hits"] == 12
    assert record["ruleset"]["expired"] == ["t.old"]
    assert record["spec"]["hunt"] == "small"

    assert "t.old: expired on 2020-01-01 and does not run" in done.stderr
    assert "hunting 900 records" in done.stderr
    assert "t.wallet" in done.stdout
    assert f"{run}/hits" in done.stdout
    again = re.search("See this again: hindcast (.*)", done.stdout)
    assert again is not None
    shown = hindcast(folder, *again[1].split())
    assert shown.returncode == 0
    assert shown.stdout.splitlines() == done.stdout.splitlines()[:-1]


def test_json_is_all_there_is_on_standard_output(folder: Path) -> None:
    done = hindcast(folder, "hunt", "hunt.yaml", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == json.loads((only_run(folder) / "run.json").read_text())
    assert done.stderr == "t.old: expired on 2020-01-01 and does not run\n"


def test_runs_stand_beside_each_other(folder: Path) -> None:
    for _ in range(2):
        assert hindcast(folder, "hunt", "hunt.yaml", "--quiet").returncode == 0
    assert len(list((folder / "results" / "hunt=small").iterdir())) == 2


def test_a_broken_file_among_good_ones_is_a_gap_and_never_silence(folder: Path) -> None:
    whole = (folder / "archive" / "a.parquet").read_bytes()
    (folder / "archive" / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    # A footer that reads well, over pages that do not.
    (folder / "archive" / "holed.parquet").write_bytes(whole[:4] + b"\xff" * 3000 + whole[3004:])
    pq.write_table(pa.table({"id": ["x"], "text": [7]}), folder / "archive" / "other.parquet")
    done = hindcast(folder, "hunt", "hunt.yaml")
    assert done.returncode == 3, done.stderr
    told = "2 of 6 files could not be read at all; 1 of 4 splits was not read in full"
    assert done.stdout.startswith(f"COMPLETE WITH GAPS: {told}\n")
    assert " in 4 of 6 files (" in done.stdout
    run = only_run(folder)
    coverage = pq.read_table(run / "coverage").to_pylist()
    failed = {Path(row["source_uri"]).name: row["error"] for row in coverage if row["status"] == "failed"}
    assert set(failed) == {"cut.parquet", "holed.parquet", "other.parquet"}
    assert all(failed.values())
    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "complete with gaps"
    assert {Path(gap["source_uri"]).name for gap in record["gaps"]} == set(failed)
    from_good_files = [
        hit
        for hit in pq.read_table(run / "hits").to_pylist()
        if Path(hit["source_uri"]).name in {"a.parquet", "b.parquet", "c.parquet"}
    ]
    assert len(from_good_files) == 12


BAD_HUNTS = [
    ("hunt: small", "hunt: ../up", "hunt.yaml:1: hunt: a name begins with"),
    ("output: results", "outptu: results", "hunt.yaml:10: outptu: there is no such key; did you mean"),
    ("  carry: [lang]", "  where: 'n >'", "hunt.yaml:8: archive.where: at character "),
    ("  carry: [lang]", "  where: 'm > 3'", "hunt.yaml:8: archive.where: "),
    ("  carry: [lang]", "  where: n > 'x'", "hunt.yaml:8: archive.where: "),
    ("uri: archive/", "uri: nothing/", "nothing: is not there"),
    ("uri: archive/", "uri: 'hdfs://name/'", "`hdfs://` is no store that hindcast reads"),
    ("uri: archive/", "uri: 's3://me:hush@bucket/'", "`s3://bucket/…`: holds a secret"),
    ("output: results", "output: results\nstorage: {s3: {secret_key: hush}}", "secrets never stand in a hunt"),
    ("[text,", "[txt,", "did you mean"),
    ("[text,", "[n,", "hunt.yaml:4: archive.text_columns: "),
    ("record_id: id", "record_id: ids", "hunt.yaml:5: archive.record_id: "),
    ("event_time: at", "event_time: replies", "hunt.yaml:7: archive.event_time: "),
    ("signatures/", "nowhere/", "nowhere"),
    ("output: results", "output: hunt.yaml/results", "hunt.yaml:10: output: "),
    ("output: results", "output: archive/results", "lies inside the archive"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), BAD_HUNTS)
def test_a_bad_hunt_ends_before_anything_is_started(folder: Path, old: str, new: str, message: str) -> None:
    (folder / "hunt.yaml").write_text(HUNT.replace(old, new))
    before = written(folder)
    done = hindcast(folder, "hunt", "hunt.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert written(folder) == before


BAD_SIGNATURES = [
    ("id: t.lure", "id: t.wallet", "pack.yaml:6: t.wallet: "),
    ("literal: free coins\n    flags", "litreal: free coins\n    flags", "did you mean `literal`?"),
    ("bc1q[a-z0-9]{8,}", "bc1q([a-z0-9]{8,}", "pack.yaml:4: t.wallet: pattern `pattern` does not compile"),
    ("severity: high", "condition: nothing", "pack.yaml:3: t.wallet: "),
    ("severity: high", "views: [raw, folded]", "pack.yaml:3: t.wallet: "),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD_SIGNATURES)
def test_bad_signatures_end_before_anything_is_started(
    folder: Path, old: str, new: str, message: str
) -> None:
    assert old in SIGNATURES
    (folder / "signatures" / "pack.yaml").write_text(SIGNATURES.replace(old, new, 1))
    before = written(folder)
    done = hindcast(folder, "hunt", "hunt.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert written(folder) == before


def test_a_plan_reads_and_writes_nothing(folder: Path) -> None:
    (folder / "archive" / "cut.parquet").write_bytes(b"PAR1")
    before = written(folder)
    done = hindcast(folder, "plan", "hunt.yaml")
    assert done.returncode == 3, done.stderr
    assert "900" in done.stdout
    assert done.stdout.startswith("NOT ALL CAN BE HUNTED: 1 of 4 files cannot:\n")
    plan = json.loads(hindcast(folder, "plan", "hunt.yaml", "--json").stdout)
    assert (plan["files"], plan["splits"], plan["row_groups"], plan["rows"]) == (4, 3, 9, 3 * ROWS)
    assert plan["columns"] == ["text", "replies[].text"]
    assert (plan["signatures"], plan["expired"], plan["executor"]) == (
        ["t.wallet", "t.lure"],
        ["t.old"],
        "inline",
    )
    assert [Path(file["uri"]).name for file in plan["unreadable"]] == ["cut.parquet"]
    assert written(folder) == before


def test_ray_finds_the_same_and_says_no_more(folder: Path) -> None:
    """The one test that lets the command start Ray by itself."""
    assert hindcast(folder, "hunt", "hunt.yaml", "--quiet").returncode == 0
    inline = only_run(folder)
    done = hindcast(folder, "hunt", "hunt.yaml", "--executor", "ray", "--json", warnings="")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "t.old: expired on 2020-01-01 and does not run\n"
    (ray,) = set((folder / "results" / "hunt=small").iterdir()) - {inline}
    assert json.loads(done.stdout) == json.loads((ray / "run.json").read_text())
    assert list((folder / "home").iterdir()) == [], "Ray leaves nothing in the home folder"

    def hits(run: Path) -> pa.Table:
        return pq.read_table(run / "hits").drop_columns(["run_id", "scanned_at"]).sort_by("hit_id")

    assert hits(ray).equals(hits(inline))


def many_files(folder: Path) -> None:
    part = (folder / "archive" / "a.parquet").read_bytes()
    for number in range(FILES - 3):
        (folder / "archive" / f"d{number}.parquet").write_bytes(part)


def hits_of(run: Path) -> pa.Table:
    table = pq.read_table(run / "hits").drop_columns(["run_id", "scanned_at"])
    return table.sort_by("hit_id")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_hunt_keeps_what_is_done_and_goes_on_with_the_same_command(
    folder: Path, number: signal.Signals
) -> None:
    many_files(folder)
    process = started(folder)
    process.send_signal(number)
    begun = time.monotonic()
    out, errors = process.communicate(timeout=60)
    assert time.monotonic() - begun < 5
    assert (process.returncode, out) == (130, "")
    stopped = re.search(
        rf"stopped: (\d+) of {FILES} splits done, the run is unfinished\n"
        r"What is done lies in (.*)\nGo on with it: hindcast (hunt hunt.yaml --resume (\S+) --executor inline)\n",
        errors,
    )
    assert stopped is not None, errors
    done, run = int(stopped[1]), Path(stopped[2])
    assert run.name == f"run={stopped[4]}"
    commits = len(list((run / "commits").glob("[!.]*")))
    assert 1 <= commits == done < FILES
    assert not (run / "run.json").exists()
    told = json.loads((run / "progress.json").read_text())
    assert (told["status"], told["splits"], told["splits_total"]) == ("stopped", done, FILES)

    named = number == signal.SIGINT
    went_on = hindcast(folder, *(stopped[3].split() if named else ["hunt", "hunt.yaml"]))
    assert went_on.returncode == 0, went_on.stderr
    assert f"going on with run {stopped[4]}: {done} of {FILES} splits done" in went_on.stderr
    assert json.loads((run / "progress.json").read_text())["status"] == "complete"
    assert only_run(folder) == run
    assert hindcast(folder, "hunt", "hunt.yaml", "-q", "--run-id", UNDISTURBED).returncode == 0
    assert hits_of(run).equals(hits_of(run.with_name(f"run={UNDISTURBED}")))
    if named:
        refused = hindcast(folder, "hunt", "hunt.yaml", "--resume", stopped[4])
        assert refused.returncode == 2
        assert f"run {stopped[4]}: is finished" in refused.stderr


def test_a_hunt_that_is_killed_or_stopped_twice_loses_only_what_is_in_flight(folder: Path) -> None:
    many_files(folder)
    killed = started(folder)
    killed.kill()
    killed.communicate(timeout=60)
    twice = started(folder)
    for _ in range(2):
        twice.send_signal(signal.SIGINT)
    _, errors = twice.communicate(timeout=60)
    assert twice.returncode == 130
    run = only_run(folder)
    assert re.search(rf"stopped: \d+ of {FILES} splits done, the run is unfinished\n", errors), errors
    assert f"Go on with it: hindcast hunt hunt.yaml --resume {run.name.removeprefix('run=')}" in errors
    assert hindcast(folder, "hunt", "hunt.yaml", "-q").returncode == 0
    assert only_run(folder) == run
    assert len(hits_of(run)) == len(set(hits_of(run)["hit_id"].to_pylist())) == FILES * 4
    assert not list(run.rglob("*.draft"))


def started(folder: Path) -> subprocess.Popen[str]:
    """A hunt that has one more split done than it found."""

    def commits() -> int:
        return len(list((folder / "results").glob("*/*/commits/[!.]*")))

    before = commits()
    process = subprocess.Popen(
        command("hunt", "hunt.yaml", "--executor", "inline"),
        cwd=folder,
        env=environment(folder / "home"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    while process.poll() is None and commits() == before:
        pass
    return process


def test_what_the_judge_gives_up_on_is_a_gap(folder: Path) -> None:
    hard = "  - {id: t.hard, regex: '^(?:(a+)+c|a*b)'}\n"
    (folder / "signatures" / "pack.yaml").write_text(SIGNATURES + hard)
    texts = ["a" * 40 + "b", *["nothing"] * (ROWS - 1)]
    whole = pq.read_table(folder / "archive" / "a.parquet")
    place = whole.schema.get_field_index("text")
    pq.write_table(whole.set_column(place, "text", pa.array(texts)), folder / "archive" / "a.parquet")

    done = hindcast(folder, "hunt", "hunt.yaml")

    assert done.returncode == 3, done.stderr
    run = only_run(folder)
    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "complete with gaps"
    assert record["totals"]["match_errors"] == 1
    rows = [row for file in (run / "coverage").iterdir() for row in pq.read_table(file).to_pylist()]
    (told,) = [row for row in rows if row["error"]]
    assert told["error"] == "t.hard on row 0 of its batch: match limit exceeded"
    assert told["source_uri"].endswith("a.parquet")
    assert done.stdout.startswith("COMPLETE WITH GAPS: 1 match could not be decided\n")
