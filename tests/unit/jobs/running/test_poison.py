"""What kills its worker is cut down to the row group to blame, and all else is hunted."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.executors import Executor, SplitDone, SplitLost, Task
from jobs.executors.inline import InlineExecutor
from jobs.executors.work import run_task
from jobs.preparing.prepare import Prepared, prepare
from jobs.preparing.resume import choose, new_run
from jobs.running.hunt import Run
from jobs.running.rivals import divided_by_another
from jobs.watching import Progress
from scanner.archive.plan import Split
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.owed import Matchers
from scanner.results.commit import publish
from scanner.scan.split import ScanSettings, run_split

NOW = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)
HUNT = "hunt: small\narchive: {uri: archive}\nsignatures: s.yaml\noutput: out\n"
ROW_GROUPS = 7

Start = Callable[[Prepared, ScanSettings], Executor]


@pytest.fixture
def prepared(here: Path) -> Prepared:
    """Two files of seven row groups with a hit in each."""
    (here / "archive").mkdir()
    for name in "ab":
        table = pa.table({"text": [f"{name}{i // 10} one" if i % 10 == 0 else "x" for i in range(70)]})
        pq.write_table(table, here / "archive" / f"{name}.parquet", row_group_size=10)
    (here / "s.yaml").write_text("signatures: [{id: t.one, literal: one}]\n")
    (here / "hunt.yaml").write_text(HUNT)
    return again()


def again() -> Prepared:
    return prepare("hunt.yaml", date(2026, 5, 1))


class Poisoned:
    """An executor whose worker dies of some row groups of `a.parquet`, with all that is left of its task."""

    name = "poisoned"
    slots = 2

    def __init__(self, prepared: Prepared, settings: ScanSettings, fatal: set[int]) -> None:
        self.matcher = HyperscanMatcher(prepared.signatures.program)
        self.settings = settings
        self.fatal = fatal
        self.tried: list[tuple[int, ...]] = []
        self._outcomes: deque[SplitDone | SplitLost] = deque()
        self._tasks: deque[Task] = deque()

    def expect(self, tasks: int) -> None:
        pass

    def submit(self, task: Task) -> None:
        self._tasks.append(task)

    def wait(self) -> SplitDone | SplitLost:
        if not self._outcomes:
            dead, task = False, self._tasks.popleft()
            for number, split in task.splits:
                kills = self._kills(split)
                dead = dead or (kills and not task.watched)
                if dead:
                    self._outcomes.append(SplitLost(number, "its worker died", worker_died=True))
                elif kills:
                    self._outcomes.append(SplitLost(number, "SIGSEGV ended its worker", 2, fatal=True))
                else:
                    report = run_split(split, self.matcher, self.settings)
                    self._outcomes.append(SplitDone(number, report))
        return self._outcomes.popleft()

    def _kills(self, split: Split) -> bool:
        if split.source_uri.endswith("a.parquet"):
            self.tried.append(split.row_groups)
        return split.source_uri.endswith("a.parquet") and bool(self.fatal & set(split.row_groups))

    def close(self) -> None:
        pass


def starting(made: list[Poisoned], *fatal: int) -> Start:
    def start(prepared: Prepared, settings: ScanSettings) -> Poisoned:
        made.append(Poisoned(prepared, settings, set(fatal)))
        return made[-1]

    return start


def found(run: Run) -> set[tuple[str, int]]:
    rows = pq.read_table(f"{run.uri}/hits").to_pylist()
    places = [(Path(row["source_uri"]).stem, row["row_group"]) for row in rows]
    assert len(places) == len(set(places)), "no hit is doubled"
    return set(places)


ALL = {(name, number) for name in "ab" for number in range(ROW_GROUPS)}


def test_only_the_row_groups_that_kill_are_missing_and_the_coverage_says_which(prepared: Prepared) -> None:
    made: list[Poisoned] = []
    seen: list[Progress] = []
    run = Run(prepared, new_run(prepared, NOW), starting(made, 2, 6))
    record = run.execute(seen.append)
    assert found(run) == ALL - {("a", 2), ("a", 6)}
    coverage = pq.read_table(f"{run.uri}/coverage").to_pylist()
    failed = [
        (row["row_groups"], row["error"], row["attempts"]) for row in coverage if row["status"] == "failed"
    ]
    assert sorted(failed) == [([2], "SIGSEGV ended its worker", 2), ([6], "SIGSEGV ended its worker", 2)]
    read = [group for row in coverage if row["status"] == "scanned" for group in row["row_groups"]]
    assert len(read) == 2 * ROW_GROUPS - 2
    assert record["status"] == "complete with gaps"
    assert record["totals"]["rows"] == 120  # type: ignore[index]
    assert (seen[-1].splits, seen[-1].rows, seen[-1].failed) == (seen[-1].splits_total, 140, 2)


def test_a_run_that_is_stopped_while_it_looks_for_the_row_group_goes_on_looking(prepared: Prepared) -> None:
    made: list[Poisoned] = []
    begun = new_run(prepared, NOW)
    stopped = Run(prepared, begun, starting(made, 5))

    def stop(progress: Progress) -> None:
        if progress.splits_total == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped.execute(stop)
    assert Path(stopped.uri, "divided").exists()
    chosen = choose(again(), NOW)
    assert chosen.resumed
    run = Run(again(), chosen.begun, starting(made, 5))
    run.execute()
    assert found(run) == ALL - {("a", 5)}
    before, after = (executor.tried for executor in made)
    assert tuple(range(ROW_GROUPS)) in before
    assert not set(before) & set(after), "what was cut in two is not tried whole again"


def test_an_attempt_that_was_given_up_and_ends_late_counts_nothing(prepared: Prepared) -> None:
    made: list[Poisoned] = []
    run = Run(prepared, new_run(prepared, NOW), starting(made, 0))
    whole = next(split for split in prepared.plan.splits if split.source_uri.endswith("a.parquet"))

    def straggle(progress: Progress) -> None:
        if progress.splits_total == 3:
            late = run_split(whole, made[0].matcher, made[0].settings)
            assert (late.status, late.hits) == ("divided", 0)
            assert not publish(run.uri, replace(late, status="scanned"))

    run.execute(straggle)
    assert found(run) == ALL - {("a", 0)}


def test_an_attempt_that_was_given_up_and_ended_well_counts(prepared: Prepared) -> None:
    made: list[Poisoned] = []

    class Mistaken(Poisoned):
        """Takes a worker that has done all for a dead one."""

        def _kills(self, split: Split) -> bool:
            run_split(split, self.matcher, self.settings)
            return True

    def start(prepared: Prepared, settings: ScanSettings) -> Poisoned:
        return Mistaken(prepared, settings, set())

    run = Run(prepared, new_run(prepared, NOW), start)
    record = run.execute()
    assert record["status"] == "complete"
    assert found(run) == ALL
    assert run.progress == replace(run.progress, splits=2, splits_total=2, failed=0, hits=14)
    assert made == []


class Rivalled(InlineExecutor):
    """Another driver of the run gives split `a` up while it is hunted here, and has two halves stand for it."""

    def __init__(self, prepared: Prepared, settings: ScanSettings, rival: Run, *, raises: bool) -> None:
        matcher = HyperscanMatcher(prepared.signatures.program)
        super().__init__(matcher, settings, check=self._divide)
        self._rival, self._raises = rival, raises
        self._left = [each for each in prepared.plan.splits if each.source_uri.endswith("a.parquet")]

    def _divide(self) -> None:
        if self._left:
            self._rival._cut(self._left.pop())

    def wait(self) -> SplitDone | SplitLost:
        cut = bool(self._left)
        ended = super().wait()
        return SplitLost(ended.number, "an error of the machine") if cut and self._raises else ended


@pytest.mark.parametrize("raises", [False, True])
def test_what_another_driver_divides_while_it_is_hunted_here_is_hunted_by_its_parts(
    prepared: Prepared, *, raises: bool
) -> None:
    begun = new_run(prepared, NOW)
    rival = Run(prepared, begun)
    run = Run(again(), begun, lambda prepared, settings: Rivalled(prepared, settings, rival, raises=raises))
    record = run.execute()
    assert found(run) == ALL
    assert record["totals"]["rows"] == 140  # type: ignore[index]
    assert (record["status"], run.progress.hits, run.progress.failed) == ("complete", 14, 0)
    assert run.progress.splits == run.progress.splits_total == 3


def test_a_task_that_is_tried_again_says_of_a_split_that_its_parts_stand_for_it(prepared: Prepared) -> None:
    run = Run(prepared, new_run(prepared, NOW))
    whole = prepared.plan.splits[0]
    run._cut(whole)
    matchers = Matchers(HyperscanMatcher(prepared.signatures.program), ())
    (ended,) = run_task(Task(((0, whole),), {}, again=True), matchers, run._settings())
    assert isinstance(ended, SplitDone)
    assert divided_by_another(run.uri, whole, ended)


def test_halves_cover_a_split_and_have_names_of_their_own(prepared: Prepared) -> None:
    splits = prepared.plan.splits
    whole = splits[0]
    first, second = splits.halves(whole)
    assert first.row_groups + second.row_groups == whole.row_groups
    assert first.rows + second.rows == whole.rows
    assert first.text_bytes + second.text_bytes == whole.text_bytes
    assert len({whole.split_id, first.split_id, second.split_id}) == 3
    assert splits.halves(splits[0]) == (first, second)
    single = splits.halves(first)[0]
    assert len(single.row_groups) == 1
    with pytest.raises(ValueError, match="one row group cannot be cut"):
        splits.halves(single)
    executor = InlineExecutor(HyperscanMatcher(prepared.signatures.program), made_settings(prepared))
    executor.submit(Task(((0, first), (1, second)), {}))
    reports = [each.report for each in (executor.wait(), executor.wait()) if isinstance(each, SplitDone)]
    assert [report.rows for report in reports] == [30, 40]
    assert sum(report.hits for report in reports) == ROW_GROUPS


def made_settings(prepared: Prepared) -> ScanSettings:
    return Run(prepared, new_run(prepared, NOW))._settings()
