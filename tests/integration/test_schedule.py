"""`hindcast schedule run` as its users have it: processes, files, signals."""

import json
import signal
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.results.runs import list_runs
from tests.support.cli import command, environment, hindcast

HUNT = """\
hunt: {name}
archive: {{uri: ../archive}}
signatures: ../s.yaml
output: ../out
schedule: {{cron: "0 0 29 2 *"}}
alerts: {{file: ../told.jsonl}}
"""


def write(folder: Path) -> None:
    (folder / "archive").mkdir()
    (folder / "hunts").mkdir()
    pq.write_table(pa.table({"text": ["send to bc1q", "nothing"]}), folder / "archive/a.parquet")
    (folder / "s.yaml").write_text("signatures:\n  - {id: wallet, literal: bc1q}\n")
    for name in ("one", "two"):
        (folder / f"hunts/{name}.yaml").write_text(HUNT.format(name=name))


def scheduler(folder: Path) -> subprocess.Popen[str]:
    words = command("schedule", "run", "hunts", "--at-once", "1")
    return subprocess.Popen(
        words,
        cwd=folder,
        env=environment(folder / "home"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def lines_until(process: subprocess.Popen[str], *ends: str) -> list[str]:
    """What it says until it has said all of these."""
    assert process.stdout is not None
    lines, missing = [], set(ends)
    for line in process.stdout:
        lines.append(line)
        missing = {end for end in missing if end not in line}
        if not missing:
            return lines
    raise AssertionError("".join(lines))


def test_missed_hunts_are_caught_up_once_and_a_signal_ends_it(tmp_path: Path) -> None:
    write(tmp_path)
    with scheduler(tmp_path) as process:
        lines_until(process, "one: ended well (exit code 0)", "two: ended well (exit code 0)")
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 130
    assert [(run.hunt, run.status, run.hits) for run in list_runs(str(tmp_path / "out"))] == [
        ("one", "complete", 1),
        ("two", "complete", 1),
    ]
    told = [json.loads(line) for line in (tmp_path / "told.jsonl").read_text().splitlines()]
    assert [(each["hunt"], each["kind"]) for each in told] == [("one", "first_hits"), ("two", "first_hits")]

    listed = json.loads(hindcast(tmp_path, "schedule", "list", "hunts", "--json").stdout)
    assert [(each["hunt"], each["last_run"]["status"], each["overdue"]) for each in listed] == [
        ("one", "complete", False),
        ("two", "complete", False),
    ]
    # Nothing is missed now, so that nothing runs. Asked once more by hand, a hunt that owes nothing says so.
    assert "wallet" not in hindcast(tmp_path, "hunt", "hunts/one.yaml", "--only-new").stdout
    listed = json.loads(hindcast(tmp_path, "schedule", "list", "hunts", "--json").stdout)
    assert [each["last_run"]["status"] for each in listed] == ["nothing new", "complete"]
    with scheduler(tmp_path) as process:
        lines = lines_until(process, "one: next at", "two: next at")
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    assert not [line for line in lines if "missed" in line]
