import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apscheduler.schedulers.base
import pytest

from jobs.hunt_file.cron import Cron
from jobs.hunt_file.schedule_keys import Schedule
from jobs.hunt_file.spec import HuntSpec, load_hunt
from jobs.schedule.children import Children, claimed
from jobs.schedule.resident import Clock, CronTrigger, Resident
from jobs.schedule.standing import note_nothing_new
from scanner.archive import storage
from scanner.results import layout
from scanner.results.begun import Begun, begin
from scanner.results.record import encode

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HUNT_FILE = "hunt: {}\narchive: {{uri: a}}\nsignatures: s.yaml\noutput: out\nschedule: {{cron: '{}'}}\n"

UNTIL_TOLD = """\
import os, signal, sys
signal.signal(signal.SIGTERM, {handler})
told, heard = sys.argv[1].split(",")
open(heard, "w").close()
open(told).read()
"""
"""A hunt that lasts until somebody opens a pipe for writing; it opens another one when it is under way."""


def write(folder: Path, name: str, cron: str = "0 3 * * *") -> HuntSpec:
    path = folder / f"{name}.yaml"
    path.write_text(HUNT_FILE.format(name, cron))
    return load_hunt(path)


class Child:
    """A hunt under way, whose end a test decides."""

    def __init__(self, folder: Path, handler: str) -> None:
        self.pipes = [folder / "told", folder / "heard"]
        for pipe in self.pipes:
            os.mkfifo(pipe)
        self.children = Children((sys.executable, "-c", UNTIL_TOLD.format(handler=handler)))
        self._pool = ThreadPoolExecutor(1)

    def start(self, spec: HuntSpec, claims: Path) -> Future[int | None]:
        ended: Future[int | None] = self._pool.submit(self._hunt, spec, claims)
        self.pipes[1].open().close()
        return ended

    def _hunt(self, spec: HuntSpec, claims: Path) -> int | None:
        with claimed(spec, claims) as held:
            assert held is not None
            return self.children.hunt(",".join(map(str, self.pipes)), held)

    def tell_to_end(self) -> None:
        self.pipes[0].open("w").close()


def is_free(spec: HuntSpec, claims: Path) -> bool:
    with claimed(spec, claims) as held:
        return held is not None


def test_a_hunt_is_claimed_by_one_at_a_time(tmp_path: Path) -> None:
    one, other = write(tmp_path, "one"), write(tmp_path, "other")
    with claimed(one, tmp_path / "claims") as held:
        assert held is not None
        assert not is_free(one, tmp_path / "claims")
        assert is_free(other, tmp_path / "claims")
    assert is_free(one, tmp_path / "claims")


def test_a_hunt_that_outlives_its_scheduler_stays_claimed(tmp_path: Path) -> None:
    spec, claims = write(tmp_path, "one"), tmp_path / "claims"
    with claimed(spec, claims) as held:
        assert held is not None
        words = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]
        outliving = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(held.fileno(),)
        )
        assert outliving.stdout is not None
        outliving.stdout.readline()
    assert not is_free(spec, claims), "our own end of it is closed"
    outliving.communicate()
    assert is_free(spec, claims)


@pytest.mark.parametrize(
    ("handler", "patience_s", "code"),
    [
        ("lambda *_: os._exit(130)", 60.0, 130),
        ("signal.SIG_IGN", 0.2, -signal.SIGKILL),
    ],
)
def test_hunts_are_asked_to_stop_and_those_that_do_not_are_ended(
    tmp_path: Path, handler: str, patience_s: float, code: int
) -> None:
    child = Child(tmp_path, handler)
    spec = write(tmp_path, "one")
    ended = child.start(spec, tmp_path / "claims")
    child.children.stop(patience_s)
    assert ended.result() == code
    with claimed(spec, tmp_path / "claims") as held:
        assert held is not None
        assert child.children.hunt("never", held) is None, "nothing starts any more"


def test_a_hunt_runs_to_its_end(tmp_path: Path) -> None:
    child = Child(tmp_path, "signal.SIG_DFL")
    ended = child.start(write(tmp_path, "one"), tmp_path / "claims")
    child.tell_to_end()
    assert ended.result() == 0


def test_the_trigger_comes_once_for_all_that_was_missed() -> None:
    trigger = CronTrigger(Schedule(Cron.parse("0 3 * * *"), "Europe/Berlin", "0 3 * * *"))
    first = trigger.get_next_fire_time(None, NOW)
    assert first == datetime(2026, 11, 23, 2, tzinfo=UTC)
    woken = first + timedelta(days=9, hours=1)
    assert trigger.get_next_fire_time(first, woken) == first + timedelta(days=10)
    assert trigger.get_next_fire_time(first, first) == first + timedelta(days=1)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def resident(tmp_path: Path, told: list[str]) -> Resident:
    """One that decides, and whose decisions nobody carries out."""
    (tmp_path / "hunts").mkdir()
    return Resident(
        [str(tmp_path / "hunts")], tmp_path / "claims", told.append, 1, Children(), Clock(lambda: NOW)
    )


def test_it_says_what_comes_and_catches_up_what_was_missed(
    tmp_path: Path, resident: Resident, told: list[str]
) -> None:
    hunts = tmp_path / "hunts"
    write(hunts, "never")
    note_nothing_new(write(hunts, "well"), NOW - timedelta(hours=1))
    note_nothing_new(write(hunts, "missed", "0 11 * * *"), NOW - timedelta(hours=2))
    resident.look()
    assert told == [
        "missed: next at 2026-11-23 11:00 UTC",
        "never: next at 2026-11-23 03:00 UTC",
        "well: next at 2026-11-23 03:00 UTC",
        "never: its last time was missed, it runs now",
        "missed: its last time was missed, it runs now",
    ]
    told.clear()
    resident.look()
    assert told == [], "nothing has changed"


def test_changes_of_files_change_the_schedule(tmp_path: Path, resident: Resident, told: list[str]) -> None:
    hunts = tmp_path / "hunts"
    note_nothing_new(write(hunts, "a"), NOW)
    note_nothing_new(write(hunts, "b"), NOW)
    resident.look()
    told.clear()
    write(hunts, "a", "0 5 * * *")
    (hunts / "b.yaml").write_text("hunt: [\n")
    resident.look()
    assert told[1:] == ["a: next at 2026-11-23 05:00 UTC"]
    assert re.search(r"b\.yaml:\d+: this is not YAML", told[0])
    told.clear()
    write(hunts, "a", "0 5 * * *")
    (hunts / "b.yaml").unlink()
    resident.look()
    assert told == ["b: is scheduled no more"]
    told.clear()
    (hunts / "a.yaml").write_text((hunts / "a.yaml").read_text().partition("schedule")[0])
    resident.look()
    assert [text.rpartition(str(hunts))[2][:26] for text in told] == [
        "/a.yaml: has no schedule; ",
        "a: is scheduled no more",
    ]


def test_what_cannot_be_asked_waits_for_its_next_time(
    tmp_path: Path, resident: Resident, told: list[str]
) -> None:
    write(tmp_path / "hunts", "a")
    broken = tmp_path / "hunts/out/hunt=a/run=20261122T030000Z-a1b2c3"
    broken.mkdir(parents=True)
    (broken / "run.json").write_text("{")
    resident.look()
    assert told[0] == "a: next at 2026-11-23 03:00 UTC"
    assert told[1].startswith("a: whether it was run cannot be told: ")
    assert len(told) == 2


def test_a_stop_before_anything_is_due_ends_at_once(
    tmp_path: Path, resident: Resident, told: list[str]
) -> None:
    note_nothing_new(write(tmp_path / "hunts", "a"), NOW)
    stop = threading.Event()
    stop.set()
    resident.run(stop)
    assert told == ["a: next at 2026-11-23 03:00 UTC"]


@dataclass
class Hands:
    """A clock that a test sets.

    Attributes:
        at: What it shows.
        passed_s: Seconds that have passed, whatever it shows.
    """

    at: datetime = NOW
    passed_s: float = 1000.0

    def go(self, seconds: float) -> None:
        """Time passes, and the clock goes with it."""
        self.at += timedelta(seconds=seconds)
        self.passed_s += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.at, lambda: self.passed_s)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def timed(tmp_path: Path, told: list[str], hands: Hands) -> Resident:
    """One that decides by a clock that a test sets."""
    (tmp_path / "hunts").mkdir()
    return Resident([str(tmp_path / "hunts")], tmp_path / "claims", told.append, 1, Children(), hands.clock)


def under_way(spec: HuntSpec, told_at: datetime) -> str:
    """A run whose driver was there at a time; the address of what it tells."""
    uri = layout.run_uri(spec.output, spec.hunt, "20261122T030000Z-a1b2c3")
    begin(uri, Begun(spec.hunt, "20261122T030000Z-a1b2c3", "", "", "", NOW - timedelta(hours=9), {}))
    tell_progress(layout.progress_uri(uri), told_at)
    return layout.progress_uri(uri)


def tell_progress(uri: str, told_at: datetime) -> None:
    with storage.open_output(uri) as sink:
        sink.write(encode({"status": "running", "told_at": told_at.isoformat()}))


def test_a_run_that_looks_alive_when_the_scheduler_is_back_at_once_is_caught_up_when_it_does_not(
    tmp_path: Path, timed: Resident, told: list[str], hands: Hands
) -> None:
    progress = under_way(write(tmp_path / "hunts", "a"), NOW - timedelta(seconds=5))
    timed.look()
    assert told == ["a: next at 2026-11-23 03:00 UTC"], "somebody may still be at it"
    tell_progress(progress, NOW + timedelta(seconds=55))
    hands.go(60)
    timed.look()
    assert len(told) == 1, "and somebody is"
    for _ in range(12):
        hands.go(5)
        timed.look()
    assert told[1:] == ["a: its last time was missed, it runs now"]


def test_a_run_that_another_one_ends_is_asked_for_and_not_run_again(
    tmp_path: Path, timed: Resident, told: list[str], hands: Hands
) -> None:
    spec = write(tmp_path / "hunts", "a")
    under_way(spec, NOW)
    timed.look()
    note_nothing_new(spec, NOW + timedelta(seconds=30))
    for _ in range(5):
        hands.go(60)
        timed.look()
    assert len(told) == 1


def test_a_hunt_that_is_claimed_is_waited_for_without_a_word(
    tmp_path: Path, timed: Resident, told: list[str], hands: Hands
) -> None:
    spec = write(tmp_path / "hunts", "a")
    under_way(spec, NOW)
    timed.look()
    with claimed(spec, tmp_path / "claims"):
        for _ in range(3):
            hands.go(60)
            timed.look()
        assert len(told) == 1
    hands.go(60)
    timed.look()
    assert told[1:] == ["a: its last time was missed, it runs now"]


class Steps(threading.Event):
    """What happens between the looks of a scheduler; it is stopped after the last."""

    def __init__(self, steps: Sequence[Callable[[], object]]) -> None:
        super().__init__()
        self._steps = list(steps)

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        self._steps.pop(0)()
        return not self._steps


@pytest.mark.parametrize(
    ("jump", "again"),
    [
        (timedelta(hours=5), []),
        (
            timedelta(days=-1),
            ["the clock was put back: all times are reckoned anew", "a: next at 2026-11-21 13:00 UTC"],
        ),
    ],
    ids=["put forward, or asleep", "put back"],
)
def test_a_clock_that_jumps_does_not_make_it_miss_a_time(
    tmp_path: Path, hands: Hands, monkeypatch: pytest.MonkeyPatch, jump: timedelta, again: list[str]
) -> None:
    class Shown(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            del tz
            return hands.at

    monkeypatch.setattr(apscheduler.schedulers.base, "datetime", Shown)
    spec = write(tmp_path, "a", "0 13 * * *")
    note_nothing_new(spec, NOW - timedelta(minutes=1))
    told: list[str] = []
    ended = threading.Event()

    def tell(text: str) -> None:
        told.append(text)
        if "exit code" in text:
            ended.set()

    def show(at: datetime) -> None:
        hands.at = at

    after = NOW + jump
    steps = [
        lambda: show(after),
        lambda: show(max(after, after.replace(hour=13, minute=1))),
        lambda: ended.wait(60),
    ]
    quick = Children((sys.executable, "-c", ""))
    resident = Resident([str(tmp_path / "a.yaml")], tmp_path / "claims", tell, 1, quick, hands.clock)
    resident.run(Steps(steps))
    began = ["a: begins", "a: ended well (exit code 0)"]
    assert told == ["a: next at 2026-11-22 13:00 UTC", *again, *began]
