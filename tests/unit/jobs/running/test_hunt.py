import itertools
import json
import re
from collections import deque
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.executors import SlotsChanged, SplitDone, SplitLost, Task
from jobs.executors.inline import InlineExecutor
from jobs.preparing.prepare import Prepared, prepare
from jobs.preparing.resume import MATCH_KEY_VARIABLE, new_run
from jobs.running import hunt as hunt_module
from jobs.running.hunt import Run
from jobs.watching import Progress
from scanner.engine.matcher import HyperscanMatcher
from scanner.scan.split import ScanSettings

NOW = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)

HUNT = "hunt: small\narchive: {uri: archive, text_columns: [text]}\nsignatures: s.yaml\noutput: out\n"


@pytest.fixture
def prepared(here: Path) -> Prepared:
    """Six files of ten records with a hit each, and one that is no Parquet."""
    (here / "archive").mkdir()
    for name in "abcdef":
        pq.write_table(pa.table({"text": ["one", *["x"] * 9]}), here / "archive" / f"{name}.parquet")
    (here / "archive" / "g.parquet").write_bytes(b"nothing")
    (here / "s.yaml").write_text("signatures: [{id: t.one, literal: one}]\n")
    (here / "hunt.yaml").write_text(HUNT)
    return prepare("hunt.yaml", date(2026, 5, 1))


class Losing:
    """An executor on bad ground: every third split is lost, the order is the worst, the slots come and go."""

    name = "losing"

    def __init__(self, prepared: Prepared, settings: ScanSettings) -> None:
        self._inline = InlineExecutor(HyperscanMatcher(prepared.signatures.program), settings)
        self._submitted: deque[Task] = deque()
        self._sizes = itertools.cycle([3, 1, 2])
        self._waits = 0
        self.closed = False

    @property
    def slots(self) -> int:
        return next(self._sizes)

    def expect(self, tasks: int) -> None:
        pass

    def submit(self, task: Task) -> None:
        assert set(task.footers) == {split.source_uri for _, split in task.splits}
        self._submitted += (Task((split,), task.footers) for split in task.splits)

    def wait(self) -> SplitDone | SplitLost:
        self._waits += 1
        task = self._submitted.pop()
        if self._waits % 3 == 0:
            return SplitLost(task.splits[0][0], "its worker died 4 times", attempts=4)
        self._inline.submit(task)
        return self._inline.wait()

    def close(self) -> None:
        self.closed = True


class Growing:
    """An executor of one slot that has three by and by."""

    name = "growing"

    def __init__(self, prepared: Prepared, settings: ScanSettings) -> None:
        self._inline = InlineExecutor(HyperscanMatcher(prepared.signatures.program), settings)
        self._tasks = 0
        self.slots = 1
        self.seen: list[tuple[int, int]] = []

    def expect(self, tasks: int) -> None:
        self.seen.append((tasks, self._tasks))

    def submit(self, task: Task) -> None:
        self._tasks += 1
        self._inline.submit(task)

    def wait(self) -> SplitDone | SplitLost | SlotsChanged:
        if self.slots == 1:
            self.slots = 3
            return SlotsChanged(3)
        return self._inline.wait()

    def close(self) -> None:
        pass


def test_a_cluster_that_grows_gets_more_tasks_before_one_has_ended(prepared: Prepared) -> None:
    made: list[Growing] = []

    def start(prepared: Prepared, settings: ScanSettings) -> Growing:
        made.append(Growing(prepared, settings))
        return made[-1]

    run = Run(prepared, new_run(prepared, NOW), start)
    assert run.execute()["status"] == "complete with gaps"
    assert made[0].seen[:2] == [(2, 1), (4, 3)], "tasks that are left at least, and tasks that were sent"
    assert made[0].seen[-1][0] == 1


class LosingOnce(InlineExecutor):
    """An executor whose machine is lost under every split, the first time."""

    def __init__(self, prepared: Prepared, settings: ScanSettings) -> None:
        super().__init__(HyperscanMatcher(prepared.signatures.program), settings)
        self._lost: deque[int] = deque()

    def submit(self, task: Task) -> None:
        if task.attempts:
            super().submit(task)
        else:
            self._lost += (number for number, _ in task.splits)

    def wait(self) -> SplitDone | SplitLost:
        if self._lost:
            return SplitLost(self._lost.popleft(), "its machine was lost", node_lost=True)
        return super().wait()


def test_coverage_says_at_which_attempt_a_split_was_read(prepared: Prepared) -> None:
    run = Run(prepared, new_run(prepared, NOW), LosingOnce)
    run.execute()
    assert {row["attempts"] for row in coverage(run) if row["status"] == "scanned"} == {2}


def coverage(run: Run) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table(Path(run.uri) / "coverage").to_pylist()
    return rows


def test_lost_splits_and_unreadable_files_are_failed_coverage(prepared: Prepared) -> None:
    seen: list[Progress] = []
    run = Run(prepared, new_run(prepared, NOW), Losing)
    record = run.execute(seen.append, clock=lambda: NOW + timedelta(seconds=90))
    failed = [row for row in coverage(run) if row["status"] == "failed"]
    assert (
        sorted((str(row["error"]), row["attempts"]) for row in failed)[-2:]
        == [("its worker died 4 times", 4)] * 2
    )
    assert [Path(str(row["source_uri"])).name for row in failed if row["attempts"] == 1] == ["g.parquet"]
    assert len(coverage(run)) == 7
    assert record["status"] == "complete with gaps"
    assert record["elapsed_s"] == 90
    size = run.progress.text_bytes_total
    assert size > 0
    under_way = seen[0].under_way
    assert under_way > 0
    assert seen[0] == Progress(0, 6, 0, 60, failed=1, text_bytes_total=size, under_way=under_way)
    assert seen[-1] == Progress(6, 6, 60, 60, hits=4, failed=3, text_bytes=size, text_bytes_total=size)
    assert [progress.splits for progress in seen] == list(range(7))


def test_a_run_is_named_by_its_start(prepared: Prepared, here: Path) -> None:
    first, second = (Run(prepared, new_run(prepared, NOW)) for _ in range(2))
    assert re.fullmatch("20260501T030405Z-[0-9a-f]{11}", first.run_id)
    assert first.run_id != second.run_id
    assert first.uri == f"{here}/out/hunt=small/run={first.run_id}"


def test_runs_that_begin_in_one_second_are_named_in_their_order(prepared: Prepared) -> None:
    # A hunt that was repeated at once told of first hits twice.
    starts = [NOW + timedelta(microseconds=each) for each in (0, 1, 300, 70_000, 999_999)]
    names = [new_run(prepared, start).run_id for start in starts]
    assert names == sorted(names)


def test_an_interrupted_run_closes_its_executor_and_is_not_complete(prepared: Prepared) -> None:
    executors = []

    def start(prepared: Prepared, settings: ScanSettings) -> Losing:
        executors.append(Losing(prepared, settings))
        return executors[-1]

    def interrupt(progress: Progress) -> None:
        if progress.splits == 2:
            raise KeyboardInterrupt

    run = Run(prepared, new_run(prepared, NOW), start)
    with pytest.raises(KeyboardInterrupt):
        run.execute(interrupt)
    assert [executor.closed for executor in executors] == [True]
    assert run.published() == 2
    assert len(list(Path(run.uri, "commits").iterdir())) == 3, "the unreadable file is recorded, too"
    assert not Path(run.uri, "run.json").exists()


def test_match_hashes_take_the_archive_or_a_key_of_ones_own(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hashes() -> set[str | None]:
        run = Run(prepared, new_run(prepared, NOW))
        run.execute()
        record = Path(run.uri, "run.json").read_text()
        assert "sesame" not in record
        assert json.loads(record)["hunt"] == "small"
        return set(pq.read_table(Path(run.uri) / "hits")["match_hash"].to_pylist())

    monkeypatch.delenv(MATCH_KEY_VARIABLE, raising=False)
    by_archive = hashes()
    assert hashes() == by_archive
    monkeypatch.setenv(MATCH_KEY_VARIABLE, "sesame")
    assert not hashes() & by_archive


def test_footers_too_large_to_take_along_are_read_by_the_worker(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []

    class Counting(InlineExecutor):
        def submit(self, task: Task) -> None:
            taken.append(sum(map(len, task.footers.values())))
            super().submit(task)

    def start(prepared: Prepared, settings: ScanSettings) -> Counting:
        return Counting(HyperscanMatcher(prepared.signatures.program), settings)

    def totals() -> dict[str, int]:
        record = Run(prepared, new_run(prepared, NOW), start).execute()
        return {name: record["totals"][name] for name in ("splits", "failed", "rows", "hits")}  # type: ignore[index]

    whole = totals()
    assert whole == {"splits": 7, "failed": 1, "rows": 60, "hits": 6}
    one = len(prepared.footers.get(prepared.plan.splits[0].info) or b"")
    monkeypatch.setattr(hunt_module, "MAX_FOOTERS_BYTES", 2 * one)
    before = len(taken)
    assert totals() == whole
    assert max(taken[:before]) == 3 * one
    assert max(taken[before:]) == 2 * one
