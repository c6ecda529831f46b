"""What a run logs: JSON, all that happens, and nothing of what it reads."""

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.cli.main import main
from jobs.executors import SplitDone, SplitLost
from jobs.executors.inline import InlineExecutor
from jobs.preparing.prepare import Prepared, prepare
from jobs.preparing.resume import new_run
from jobs.running.hunt import Run
from jobs.watching import Progress, RunBegun, log
from jobs.watching.log import PROGRESS_S, RunLog
from scanner.engine.matcher import HyperscanMatcher
from scanner.scan.split import ScanSettings

NOW = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)
MARKER = "seven-purple-horses"
HOSTILE = f"{MARKER} one \x1b]0;title\x07\x1b[2J\u202e\r\n{{}}\x00"
HUNT = """\
hunt: small
archive: {uri: archive, record_id: id, carry: [id]}
signatures: s.yaml
output: out
evidence: clear
limits: {stored_hits_per_signature: 3}
"""


@pytest.fixture(autouse=True)
def logging_off() -> Iterator[None]:
    yield
    log.turn_off()


@pytest.fixture
def archive(here: Path) -> Path:
    """Hostile cells in good files and in a broken one, under a hostile name."""
    folder = here / "archive"
    folder.mkdir()
    table = pa.table({"id": [f"{MARKER}{i}" for i in range(8)], "text": [HOSTILE] * 8})
    for name in ("a", "b\x1b[31m\n\u202eb"):
        pq.write_table(table, folder / f"{name}.parquet", row_group_size=4)
    whole = (folder / "a.parquet").read_bytes()
    (folder / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    plain = folder / "holed.parquet"
    pq.write_table(table, plain, row_group_size=4, compression="none", use_dictionary=False)
    holed = plain.read_bytes()
    at = holed.index(HOSTILE.encode())
    plain.write_bytes(holed[:at] + b"\xff" * 400 + holed[at + 400 :])
    (here / "s.yaml").write_text("signatures: [{id: t.one, literal: one}]\n")
    (here / "hunt.yaml").write_text(HUNT)
    return folder


def read(text: str) -> list[dict[str, Any]]:
    """Events, of which each stands on one line that is harmless anywhere."""
    assert MARKER not in text
    lines = text.splitlines()
    assert text == "".join(f"{line}\n" for line in lines)
    assert all(re.fullmatch("[ -~]+", line) for line in lines)
    return [json.loads(line) for line in lines]


def test_a_hunt_over_hostile_content_logs_all_that_happens_and_no_content(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["hunt", "hunt.yaml", "--log", "json"]) == 3
    told = capsys.readouterr()
    assert told.out == ""
    events = read(told.err)
    assert [event["event"] for event in events] == [
        "planned",
        "begun",
        *["split_done", "split_done", "split_failed"],
        "stored_truncated",
        "finished",
    ]
    (run,) = (archive.parent / "out/hunt=small").iterdir()
    assert {(event["hunt"], event["run_id"]) for event in events} == {
        ("small", run.name.removeprefix("run="))
    }
    assert all(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", event["time"]) for event in events
    )
    splits = [event for event in events if event["event"].startswith("split_")]
    assert len({event["split_id"] for event in splits}) == 3
    assert {Path(event["source_uri"]) for event in splits} == set(archive.iterdir()) - {
        archive / "cut.parquet"
    }
    (failed,) = (event for event in splits if event["level"] == "warning")
    assert failed["source_uri"].endswith("holed.parquet")
    assert failed["error"]
    finished = events[-1]
    assert (finished["status"], finished["totals"]["failed"]) == ("complete with gaps", 2)
    assert events[0]["unreadable"] == 1
    assert json.loads((run / "progress.json").read_text())["status"] == "complete with gaps"


def test_the_variable_is_as_good_as_the_option_and_errors_are_events_too(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(log.VARIABLE, "json")
    (here / "hunt.yaml").write_text("hunt: small\n")
    assert main(["hunt", "hunt.yaml"]) == 2
    errors = read(capsys.readouterr().err)
    assert {(event["event"], event["level"]) for event in errors} == {("error", "error")}
    assert "archive" in errors[0]["message"]


class Unlucky(InlineExecutor):
    """The worker of the first split dies, and later its machine; the second is lost for good, to a split alone."""

    def __init__(self, prepared: Prepared, settings: ScanSettings) -> None:
        super().__init__(HyperscanMatcher(prepared.signatures.program), settings)
        self._waits = 0

    def wait(self) -> SplitDone | SplitLost:
        self._waits += 1
        if self._waits > 2:
            return super().wait()
        number, *_ = self._submitted.popleft()
        died = self._waits == 1
        return SplitLost(number, "its worker died", worker_died=died, fatal=not died)


def test_what_goes_wrong_is_told_with_the_split(here: Path) -> None:
    (here / "archive").mkdir()
    pq.write_table(pa.table({"text": ["one"] * 8}), here / "archive" / "a.parquet", row_group_size=4)
    (here / "s.yaml").write_text("signatures: [{id: t.one, literal: one}]\n")
    (here / "hunt.yaml").write_text("hunt: small\narchive: {uri: archive}\nsignatures: s.yaml\noutput: out\n")
    prepared = prepare("hunt.yaml", date(2026, 5, 1))
    out = io.StringIO()
    log.turn_on(out)
    begun = new_run(prepared, NOW)
    Run(prepared, begun, Unlucky).execute(watcher=RunLog("small", begun.run_id))
    events = read(out.getvalue())
    assert [(event["event"], event.get("row_groups")) for event in events] == [
        ("begun", None),
        ("split_retried", "0-1"),
        ("split_lost", "0-1"),
        ("split_divided", "0-1"),
        ("split_done", "0"),
        ("split_done", "1"),
    ]
    assert [event["level"] for event in events[1:4]] == ["warning"] * 3
    assert {event["error"] for event in events[1:3]} == {"its worker died"}


def test_progress_is_told_now_and_then() -> None:
    at = [100.0]
    out = io.StringIO()
    log.turn_on(out)
    told = RunLog("small", "r1", lambda: at[0])
    told.beat()
    told(RunBegun(Progress(0, 4, 0, 400), 2))
    told.progress(Progress(1, 4, 100, 400, hits=7, under_way=2))
    told.beat()
    at[0] += PROGRESS_S
    told.beat()
    told.beat()
    _, event = read(out.getvalue())
    del event["time"]
    assert event == {
        "level": "info", "event": "progress", "hunt": "small", "run_id": "r1",
        "splits": 1, "splits_total": 4, "under_way": 2, "failed": 0, "rows": 100, "rows_total": 400,
        "stored_bytes": 0, "stored_bytes_total": 0, "hits": 7,
        "rows_per_s": 3.333, "remaining_s": 90.0, "elapsed_s": 30.0,
    }  # fmt: skip


def test_nobody_who_did_not_ask_hears_anything(capfd: pytest.CaptureFixture[str]) -> None:
    RunLog("small", "r1").tell("failed", 40, error="it broke")
    assert capfd.readouterr() == ("", "")
