import contextlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest

from jobs.alerts.alerting import Alerting
from jobs.alerts.message import Message
from jobs.alerts.webhook import UndeliveredError
from jobs.hunt_file.spec import load_hunt
from scanner.errors import EngineError, OutputError
from scanner.results import layout
from scanner.results.finish import finish
from scanner.results.record import coverage_uri, read_record
from tests.support.results import HUNT, commit_split, hit, record, sample_run

STARTED = datetime(2026, 11, 22, 3, tzinfo=UTC)
HOST = "https://hooks.example.org"
WEBHOOK = f"webhook: {{url: '{HOST}/in', secret_env: HOOK}}"


@dataclass
class Desk:
    """Who is told, and what they heard."""

    folder: Path
    alerts: str = WEBHOOK
    heard: list[tuple[str, dict[str, Any], str | None]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    deaf: bool = False

    def alerting(self, hook: str = "secret") -> Alerting:
        (self.folder / "hunt.yaml").write_text(
            f"hunt: {HUNT}\narchive: {{uri: a}}\nsignatures: s.yaml\noutput: out\nalerts:\n  {self.alerts}\n"
        )
        file = str(self.folder / "hunt.yaml")
        return Alerting(file, STARTED, self.warnings.append, {"HOOK": hook}, self.post)

    def post(self, url: str, message: Message, secret: str | None) -> None:
        if self.deaf:
            raise UndeliveredError(HOST, "answers with status 500")
        self.heard.append((url, json.loads(message.body), secret))

    def finish(self, run_uri: str) -> None:
        alerting = self.alerting()
        alerting.watch(load_hunt(self.folder / "hunt.yaml"), run_uri)
        told = read_record(run_uri)
        assert told is not None
        alerting.finished(told)

    @property
    def kinds(self) -> list[str]:
        return [document["kind"] for _, document, _ in self.heard]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def run(desk: Desk, run_id: str, signature: str | None = None, *, gap: bool = False) -> str:
    """A finished run in which one signature, or none, found something."""
    uri = layout.run_uri(str(desk.folder / "out"), HUNT, run_id)
    commit_split(uri, 0, [hit(signature, 1), hit(signature, 2)] if signature else ())
    if gap:
        commit_split(uri, 1, status="failed", rows=0, error="the page is damaged")
    finish(uri, record(run_id=run_id))
    return uri


def test_first_hits_are_told_once_with_counts_and_pointers(desk: Desk) -> None:
    first = sample_run(desk.folder / "out")
    desk.finish(first)
    ((url, document, secret),) = desk.heard
    assert (url, secret) == ("https://hooks.example.org/in", "secret")
    assert document["text"].startswith("nightly: 2 signatures found something: fraud.a (3), fraud.b (1)")
    assert document["signatures"] == [
        {"id": "fraud.a", "severity": "medium", "hits": 3, "first": True},
        {"id": "fraud.b", "severity": "medium", "hits": 1, "first": True},
    ]
    assert (document["gaps"], document["results"], document["totals"]["hits"]) == (0, first, 4)
    assert "⟦" not in json.dumps(document, ensure_ascii=False), "no evidence"
    desk.finish(first)
    assert desk.kinds == ["first_hits"], "the run is told of, whoever drives it again"
    assert desk.warnings == []


def test_only_what_no_earlier_run_found_is_new(desk: Desk) -> None:
    run(desk, "20260101T000000Z-aaaaaa", "fraud.a")
    run(desk, "20260102T000000Z-aaaaaa")
    desk.finish(run(desk, "20260103T000000Z-aaaaaa", "fraud.a"))
    assert desk.heard == []
    desk.finish(run(desk, "20260104T000000Z-aaaaaa", "fraud.b"))
    assert desk.kinds == ["first_hits"]
    # The run before it in time knew nothing of what came later.
    desk.finish(run(desk, "20251231T000000Z-aaaaaa", "fraud.b"))
    assert desk.kinds == ["first_hits", "first_hits"]


def test_gaps_are_told_of_beside_first_hits(desk: Desk) -> None:
    desk.finish(run(desk, "20260101T000000Z-aaaaaa", "fraud.a", gap=True))
    assert desk.kinds == ["gaps", "first_hits"]
    assert desk.heard[0][1]["gaps"] == 1
    assert len({document["id"] for _, document, _ in desk.heard}) == 2


def broken(desk: Desk, day: int, *gaps: str, etag: str = "1-2", **changes: Any) -> str:
    """The run of a day in January, with a file or two that could not be read."""
    uri = layout.run_uri(str(desk.folder / "out"), HUNT, f"202601{day:02}T000000Z-aaaaaa")
    for split, file in enumerate(gaps):
        what = {"status": "failed", "rows": 0, "row_groups": (), "error": f"error {day}", **changes}
        commit_split(uri, split, source_uri=f"/archive/{file}", source_etag=etag, **what)
    commit_split(uri, len(gaps))
    finish(uri, record(run_id=uri.rpartition("=")[2]))
    return uri


def told_of_gaps(desk: Desk, *runs: str) -> list[bool]:
    """For each of some runs in their order whether somebody was told of it."""
    told = []
    for uri in runs:
        before = len(desk.heard)
        desk.finish(uri)
        told.append(len(desk.heard) > before)
    return told


def test_a_file_that_stays_broken_is_told_once_and_not_at_every_run_of_a_schedule(desk: Desk) -> None:
    runs = [broken(desk, day, "bad.parquet") for day in (1, 2, 3)]
    assert told_of_gaps(desk, *runs) == [True, False, False]
    mark = Path(layout.alert_uri(runs[2], "gaps", "webhook"))
    assert json.loads(mark.read_text()) == {"told_by": "20260102T000000Z-aaaaaa"}
    assert desk.warnings == []


def test_gaps_are_told_again_when_one_is_new_changed_or_back(desk: Desk) -> None:
    runs = [
        broken(desk, 1, "a", "b"),
        broken(desk, 2, "b"),
        broken(desk, 3, "b", etag="3-4"),
        broken(desk, 4, "b", "c", etag="3-4"),
        broken(desk, 5),
        broken(desk, 6, "b", etag="3-4"),
        broken(desk, 7, "b", etag="3-4", row_groups=(4,)),
        broken(desk, 8, "b", etag="3-4", row_groups=(4, 5)),
    ]
    assert told_of_gaps(desk, *runs) == [True, False, True, True, False, True, True, True]


def test_what_was_not_decided_and_is_not_read_any_more_is_told(desk: Desk) -> None:
    runs = [
        broken(desk, 1, "a", row_groups=(0,), status="scanned", match_errors=2),
        broken(desk, 2, "a", row_groups=(0,), status="scanned", match_errors=1),
        broken(desk, 3, "a", row_groups=(0,)),
    ]
    assert told_of_gaps(desk, *runs) == [True, False, True]


def test_known_gaps_are_told_to_whom_nobody_has_told_them(desk: Desk) -> None:
    first, second, third, fourth = (broken(desk, day, "bad.parquet") for day in (1, 2, 3, 4))
    desk.deaf = True
    desk.finish(first)
    desk.deaf = False
    assert told_of_gaps(desk, second, third) == [True, False]
    desk.alerts = f"{WEBHOOK}\n  file: told.jsonl"
    desk.finish(fourth)
    (line,) = (desk.folder / "told.jsonl").read_text().splitlines()
    assert (json.loads(line)["kind"], len(desk.heard)) == ("gaps", 1)


def test_gaps_are_told_where_those_of_the_run_before_cannot_be_read(desk: Desk) -> None:
    first, second = (broken(desk, day, "bad.parquet") for day in (1, 2))
    desk.finish(first)
    Path(coverage_uri(first)).write_bytes(b"not parquet")
    assert told_of_gaps(desk, second) == [True]
    assert "coverage" in desk.warnings[0]


def test_gaps_are_told_where_the_record_of_the_run_before_is_damaged(desk: Desk) -> None:
    first, second = (broken(desk, day, "bad.parquet") for day in (1, 2))
    Path(layout.record_uri(first)).write_bytes(b"{}")
    assert told_of_gaps(desk, second) == [True]
    assert any("run.json is damaged" in warning for warning in desk.warnings)


def test_cells_that_are_no_json_are_told_once_and_do_not_hide_what_is_not_read(desk: Desk) -> None:
    no_json: dict[str, Any] = {"status": "scanned", "unparsed_cells": 2, "unparsed": (("p->$.m", 2, (0,)),)}
    runs = [
        broken(desk, 1, "a", row_groups=(0,), **no_json),
        broken(desk, 2, "a", row_groups=(0,), **no_json),
        broken(desk, 3, "a", row_groups=(0,)),
    ]
    assert told_of_gaps(desk, *runs) == [True, False, True]


def test_an_earlier_run_that_cannot_be_read_is_said_and_hides_nothing(desk: Desk) -> None:
    earlier = run(desk, "20260101T000000Z-aaaaaa", "fraud.a")
    Path(layout.signatures_uri(earlier)).write_bytes(b"not parquet")
    desk.finish(run(desk, "20260102T000000Z-aaaaaa", "fraud.a"))
    assert desk.kinds == ["first_hits"]
    assert "signatures.parquet" in desk.warnings[0]


def test_who_was_not_reached_is_told_the_next_time_and_others_are_not_told_twice(desk: Desk) -> None:
    desk.alerts = f"{WEBHOOK}\n  file: told.jsonl"
    desk.deaf = True
    uri = run(desk, "20260101T000000Z-aaaaaa", "fraud.a")
    desk.finish(uri)
    assert "https://hooks.example.org: answers with status 500; the run is as it was" in desk.warnings[0]
    desk.deaf = False
    desk.finish(uri)
    assert desk.kinds == ["first_hits"]
    (line,) = (desk.folder / "told.jsonl").read_text().splitlines()
    assert json.loads(line) == desk.heard[0][1]


def test_first_hits_that_could_not_be_told_come_before_what_the_next_run_found(desk: Desk) -> None:
    found = ("fraud.a", "fraud.a", "fraud.b", "idle.c")
    nights = [run(desk, f"2026010{day}T000000Z-aaaaaa", signature) for day, signature in enumerate(found, 1)]
    desk.deaf = True
    desk.finish(alerted(nights[0]))
    desk.finish(alerted(nights[1]))
    assert len(desk.warnings) == 2
    desk.deaf = False
    desk.finish(alerted(nights[2]))
    told = [(document["run_id"][7], document["signatures"][0]["id"]) for _, document, _ in desk.heard]
    assert told == [("1", "fraud.a"), ("3", "fraud.b")]
    desk.finish(alerted(nights[3]))
    assert len(desk.heard) == 3, "what was taken is not sent again"


def test_first_hits_are_told_although_nothing_is_owed_since(desk: Desk) -> None:
    first = alerted(run(desk, "20260101T000000Z-aaaaaa", "fraud.a"))
    desk.deaf = True
    desk.finish(first)
    desk.deaf = False
    for _ in range(2):
        desk.alerting().nothing_new(load_hunt(desk.folder / "hunt.yaml"))
    assert [document["run_id"] for _, document, _ in desk.heard] == ["20260101T000000Z-aaaaaa"]


def test_who_is_away_keeps_the_order_and_a_new_receiver_is_not_told_of_old_runs(desk: Desk) -> None:
    found = ("fraud.a", "fraud.b", "idle.c")
    nights = [alerted(run(desk, f"2026010{day}T000000Z-aaaaaa", name)) for day, name in enumerate(found, 1)]
    desk.finish(nights[0])
    desk.deaf = True
    desk.alerts = f"{WEBHOOK}\n  file: told.jsonl"
    desk.finish(nights[1])
    desk.deaf = False
    desk.finish(nights[2])
    assert [document["run_id"][7] for _, document, _ in desk.heard] == ["1", "2", "3"]
    lines = (desk.folder / "told.jsonl").read_text().splitlines()
    assert [json.loads(line)["run_id"][7] for line in lines] == ["2", "3"]


def alerted(run_uri: str) -> str:
    """The run, as one whose hunt named a webhook when it ran."""
    path = Path(layout.record_uri(run_uri))
    told = json.loads(path.read_text())
    told["spec"]["alerts"] = {"webhook": {"url": HOST}}
    path.write_text(json.dumps(told))
    return run_uri


def test_every_attempt_that_fails_is_told_of(desk: Desk) -> None:
    uri = layout.run_uri(str(desk.folder / "out"), HUNT, "20260101T000000Z-aaaaaa")
    for _ in range(2):
        alerting = desk.alerting()
        alerting.watch(load_hunt(desk.folder / "hunt.yaml"), uri)
        with pytest.raises(OutputError), alerting:
            raise OutputError(uri, "no space left on device")
    assert desk.kinds == ["failed", "failed"]
    assert desk.heard[0][1]["reason"] == f"{uri}: results cannot be written: no space left on device"
    assert desk.heard[0][1]["run_id"] == "20260101T000000Z-aaaaaa"


def test_a_hunt_that_fails_before_it_begins_is_told_of_and_an_error_of_others_is_not_quoted(
    desk: Desk,
) -> None:
    for error in (EngineError("the engine misses matches"), ValueError("words of a cell")):
        with contextlib.suppress(type(error)), desk.alerting():
            raise error
    reasons = [document["reason"] for _, document, _ in desk.heard]
    assert reasons[0] == "the engine misses matches"
    assert reasons[1].startswith("internal error: ValueError at ")
    assert desk.heard[0][1]["run_id"] is None


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.UsageError("x"), SystemExit(1)])
def test_whoever_stops_a_run_or_mistypes_knows_it(desk: Desk, error: BaseException) -> None:
    with contextlib.suppress(type(error)), desk.alerting():
        raise error
    assert desk.heard == []


def test_what_will_keep_alerts_from_being_sent_is_said_at_the_start(desk: Desk) -> None:
    desk.alerts = "webhook: {url_env: HOOK}"
    for address in ("", "http://example.org/clear"):
        alerting = desk.alerting(address)
        alerting.watch(load_hunt(desk.folder / "hunt.yaml"), str(desk.folder / "out"))
    assert desk.warnings[0].startswith("alerts: HOOK: this variable of the environment is not set")
    assert desk.warnings[0].endswith("; nobody will be told of this run")
    assert desk.warnings[1].startswith("alerts: HOOK: would send alerts in the clear")


def test_a_key_that_cannot_sign_is_said_at_the_start_and_nothing_is_sent_with_another(desk: Desk) -> None:
    uri = run(desk, "20260101T000000Z-aaaaaa", "fraud.a")
    for hook in ("whsec_", "whsec_abc"):
        alerting = desk.alerting(hook)
        alerting.watch(load_hunt(desk.folder / "hunt.yaml"), uri)
        alerting.finished(read_record(uri) or {})
    assert [warning.partition(";")[0] for warning in desk.warnings] == [
        *["alerts: HOOK: holds no key"] * 2,
        *["alerts: HOOK: must be in base64 after `whsec_`, with its padding"] * 2,
    ]
    assert desk.heard == []
    alerting = desk.alerting("secret\n")
    alerting.watch(load_hunt(desk.folder / "hunt.yaml"), uri)
    alerting.finished(read_record(uri) or {})
    assert [secret for _, _, secret in desk.heard] == ["secret"]
