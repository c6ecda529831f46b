"""One run of a hunt: its splits are driven to their ends, and its results published."""

import contextlib
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime

from jobs.executors import Executor, SlotsChanged, SplitDone, SplitLost, Task
from jobs.executors.inline import InlineExecutor
from jobs.preparing.prepare import Prepared
from jobs.preparing.resume import check_same, match_key
from jobs.running.driver import (
    Divide,
    Driver,
    Event,
    Finish,
    GiveUp,
    Instruction,
    RecordFailed,
    SplitDivided,
    Start,
)
from jobs.running.rivals import divided_by_another
from jobs.watching import Progress, RunBegun, SplitCut, SplitEnded, SplitSetBack, Watcher, unwatched
from scanner.archive import storage
from scanner.archive.plan import Split, Unreadable
from scanner.archive.storage import FileInfo
from scanner.engine.flood import LearningMatcher
from scanner.engine.qualification import verdict
from scanner.engine.versions import engine_versions
from scanner.errors import EngineError, OutputError
from scanner.results import layout
from scanner.results.begun import Begun, begin
from scanner.results.commit import divide, divided, publish, standing
from scanner.results.finish import RunRecord, collect, finish
from scanner.results.record import read_record
from scanner.results.report import SplitReport
from scanner.results.runs import by_start, runs_of_hunt
from scanner.results.signature_sets import NOTHING_RAN
from scanner.scan.split import ScanSettings

MAX_FOOTERS_BYTES = 32 << 20
"""What a task takes along of footers; a worker reads for itself what goes beyond."""


def start_executor(
    prepared: Prepared,
    settings: ScanSettings,
    address: str | None = None,
    check: Callable[[], None] = lambda: None,
) -> Executor:
    """Where the splits of a hunt run, as was decided when it was prepared.

    Args:
        prepared: The hunt.
        settings: What every split of the run shares.
        address: The Ray cluster to run on; None for a Ray of this machine alone.
        check: Called where work can be left; raises KeyboardInterrupt where it is to be.

    Raises:
        HuntError: There is no cluster at the address.
    """
    program = prepared.signatures.program
    if prepared.executor == "ray":
        # Importing Ray takes a second, and it is an extra that need not be installed.
        from jobs.executors.ray_tasks import RayExecutor  # noqa: PLC0415

        machines = prepared.spec.machines
        return RayExecutor(program, settings, address, check, prepared.parts, machines)
    return InlineExecutor(LearningMatcher(program), settings, check, prepared.parts)


class Run:
    """One execution of a hunt, from its start or from where it was interrupted.

    Args:
        prepared: The hunt.
        begun: The run: a new one, or one that has begun.
        start: Starts the executor.

    Attributes:
        run_id: Sorts by start, and is unique.
        uri: Folder of the results.
        progress: How far it has come.
    """

    def __init__(
        self,
        prepared: Prepared,
        begun: Begun,
        start: Callable[[Prepared, ScanSettings], Executor] = start_executor,
    ) -> None:
        self._prepared = prepared
        self._start = start
        self._begun = begun
        self._parts: list[Split] = []
        self._lost_before = Counter[int]()
        self._watcher: Watcher = unwatched
        self.run_id = begun.run_id
        self.uri = layout.run_uri(prepared.spec.output, prepared.spec.hunt, self.run_id)
        plan = prepared.plan
        self.progress = Progress(
            0, len(plan.splits), 0, plan.rows, failed=len(plan.unreadable), text_bytes_total=plan.text_bytes
        )

    def execute(
        self,
        on_progress: Callable[[Progress], None] = lambda _: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        watcher: Watcher = unwatched,
    ) -> dict[str, object]:
        """Runs every split that is not done yet, and publishes the results.

        Splits that are done when this is interrupted stay published; the run then has no ``run.json`` and can be
        gone on with. Of a run that is finished, this only reads the record.

        Args:
            on_progress: Called when work begins and whenever a split has ended.
            clock: Says when the run was finished, in UTC.
            watcher: Is told what happens to its splits.

        Returns:
            What ``run.json`` holds.

        Raises:
            EngineError: The engine misses matches on this machine, and nothing was started; or machines of the
                cluster cannot hunt, and what is done stays.
            HuntError: The run has begun as one of another hunt.
            OutputError: The results cannot be written; what is done stays.
        """
        self._watcher = watcher
        engine = verdict.record()
        self._begin()
        finished = read_record(self.uri)
        if finished is not None:
            return finished
        for file in self._prepared.plan.unreadable:
            publish(self.uri, self._unread(file))
        todo, cut = self._todo()
        if todo or cut:
            with contextlib.closing(self._start(self._prepared, self._settings())) as executor:
                self._drive(executor, todo, cut, on_progress)
        else:
            on_progress(self.progress)
        begin(self.uri, self._begun)  # so that a run whose results were removed meanwhile can be gone on with
        spec, plan = self._prepared.spec, self._prepared.plan
        record = RunRecord(
            hunt=spec.hunt,
            run_id=self.run_id,
            spec=spec.as_dict(),
            ruleset=self._prepared.signatures.ruleset,
            expired=self._prepared.signatures.expired,
            versions=engine_versions(),
            engine=engine,
            started_at=self._begun.started_at,
            finished_at=clock(),
            carry=plan.carry,
            pruned=tuple(map(asdict, plan.pruned)),
            limits=spec.limits,
            only_new=self._prepared.only_new,
            splits={each.split_id for each in (*plan.splits, *plan.unreadable)},
        )
        return finish(self.uri, record)

    def _begin(self) -> None:
        """Writes down what this run is, and clears up behind the one before it."""
        begun = begin(self.uri, self._begun)
        check_same(self._prepared, begun, self._begun)
        self._begun = begun
        for folder in runs_of_hunt(self._prepared.spec.output, begun.hunt):
            if by_start(folder.run_id) < by_start(self.run_id) and folder.finished:
                collect(folder.uri)
                return

    def _todo(self) -> tuple[Sequence[int], list[int]]:
        """Numbers of the splits that are not done, and of those that were divided; counts the rest as progress."""
        splits = self._prepared.plan.splits
        done = set(storage.list_names(layout.commits_uri(self.uri)))
        marked = divided(self.uri)
        done -= {file.split_id for file in self._prepared.plan.unreadable}
        if not (done or marked):
            return range(len(splits)), []
        todo, cut, rows, text_bytes = array("q"), [], 0, 0
        for number, split in enumerate(splits):
            if split.split_id in marked:
                cut.append(number)
            elif split.split_id in done:
                rows += split.rows
                text_bytes += split.text_bytes
            else:
                todo.append(number)
        self.progress = replace(
            self.progress,
            splits=len(splits) - len(todo) - len(cut),
            rows=rows,
            rows_before=rows,
            text_bytes=text_bytes,
            text_bytes_before=text_bytes,
        )
        return todo, cut

    def published(self) -> int:
        """How many splits are done for good, whatever happens now."""
        done = set(storage.list_names(layout.commits_uri(self.uri))) - divided(self.uri)
        return (
            sum(split.split_id in done for split in (*self._prepared.plan.splits, *self._parts))
            if done
            else 0
        )

    def _settings(self) -> ScanSettings:
        spec, plan = self._prepared.spec, self._prepared.plan
        return ScanSettings(
            hunt=spec.hunt,
            run_id=self.run_id,
            run_uri=self.uri,
            columns=plan.columns,
            record_id=spec.record_id,
            actor_id=spec.actor_id,
            event_time=spec.event_time,
            carry=plan.carry,
            evidence=spec.evidence,
            match_key=match_key(self._prepared),
            started_at=self._begun.started_at,
            storage=spec.storage,
            where=spec.where,
            optional=spec.optional,
            limits=spec.limits,
        )

    def _drive(
        self,
        executor: Executor,
        todo: Sequence[int],
        cut: Sequence[int],
        on_progress: Callable[[Progress], None],
    ) -> None:
        slots = executor.slots
        self._watcher(RunBegun(self.progress, slots))
        sizes = self._prepared.plan.splits.text_bytes
        driver = Driver(sizes, slots, todo, cut, lambda number: len(self._split(number).row_groups) > 1)
        instructions: deque[Instruction] = deque(driver.begin())
        while True:
            while instructions:
                instruction = instructions.popleft()
                if isinstance(instruction, Finish):
                    on_progress(self.progress)
                    return
                instructions.extend(self._obey(instruction, driver, executor))
            on_progress(self.progress)
            executor.expect(driver.tasks_left)
            instructions.extend(self._hear(executor.wait(), driver))
            if executor.slots != slots:
                slots = executor.slots
                instructions.extend(driver.handle(SlotsChanged(slots)))

    def _hear(self, event: SplitDone | SplitLost | SlotsChanged, driver: Driver) -> tuple[Instruction, ...]:
        """Takes note of what has happened, and asks the driver what comes of it."""
        if isinstance(event, SlotsChanged):
            return driver.handle(event)
        self._under_way(-1)
        if divided_by_another(self.uri, self._split(event.number), event):
            return driver.handle(self._stand_for(event.number))
        if isinstance(event, SplitDone):
            self._advance(event.number, event.report)
        what_next = driver.handle(event)
        if isinstance(event, SplitLost):
            self._set_back(event, what_next)
        return what_next

    def _obey(
        self, instruction: Start | RecordFailed | Divide | GiveUp, driver: Driver, executor: Executor
    ) -> tuple[Instruction, ...]:
        """Does what the driver says, and asks it what comes of that."""
        match instruction:
            case Start(numbers, again, watched):
                executor.submit(replace(self._task(numbers), again=again, watched=watched))
                self._under_way(len(numbers))
                return ()
            case RecordFailed(number, reason, attempts):
                report = self._lost(self._split(number), reason, attempts)
                lost = publish(self.uri, report)
                # A worker that died, or was taken for dead, may have reported before.
                self._advance(
                    number, report if lost else standing(self.uri, report.split_id) or report, lost=lost
                )
                return ()
            case Divide(number):
                return driver.handle(self._divide(number))
            case GiveUp(reason, unfit):
                raise EngineError(reason) if unfit else OutputError(self.uri, reason)

    def _split(self, number: int) -> Split:
        """A split of the plan, or a part of one."""
        splits = self._prepared.plan.splits
        return splits[number] if number < len(splits) else self._parts[number - len(splits)]

    def _divide(self, number: int) -> Event:
        """Has two halves stand for a split, unless an attempt at it that was given up has ended well after all."""
        counts = self._cut(self._split(number))
        if counts.status != "divided":
            self._advance(number, counts)
            return SplitDone(number, counts)
        return self._stand_for(number)

    def _stand_for(self, number: int) -> SplitDivided:
        """Takes up the parts of a divided split."""
        split = self._split(number)
        self._watcher(SplitCut(split))
        return SplitDivided(number, tuple(self._parts_left(split)))

    def _cut(self, split: Split) -> SplitReport:
        """The report that counts for a split which is to be divided."""
        parts = tuple(half.split_id for half in self._prepared.plan.splits.halves(split))
        report = replace(self._lost(split, None, 1), status="divided", parts=parts)
        return divide(self.uri, report)

    def _parts_left(self, split: Split) -> Iterator[int]:
        """New numbers of the parts of a divided split, down to the smallest, that are not done."""
        self.progress = replace(self.progress, splits_total=self.progress.splits_total + 1)
        for half in self._prepared.plan.splits.halves(split):
            done = standing(self.uri, half.split_id)
            if done is not None and done.status == "divided":
                yield from self._parts_left(half)
                continue
            part = len(self._prepared.plan.splits) + len(self._parts)
            self._parts.append(half)
            if done is None:
                yield part
            else:
                self._advance(part, done)

    def _task(self, numbers: Sequence[int]) -> Task:
        """A task with the footers of its files, as far as they are known and not too large together."""
        prepared = self._prepared
        splits = tuple((number, self._split(number)) for number in numbers)
        footers: dict[str, bytes] = {}
        left_bytes = MAX_FOOTERS_BYTES
        for info in dict.fromkeys(split.info for _, split in splits):
            footer = prepared.footers.get(info)
            if footer is not None and len(footer) <= left_bytes:
                footers[info.uri] = footer
                left_bytes -= len(footer)
        attempts = {each: self._lost_before[each] + 1 for each in numbers if each in self._lost_before}
        return Task(splits, footers, attempts=attempts)

    def _under_way(self, more: int) -> None:
        self.progress = replace(self.progress, under_way=self.progress.under_way + more)

    def _set_back(self, lost: SplitLost, what_next: Sequence[Instruction]) -> None:
        again = not any(isinstance(each, RecordFailed | Divide | GiveUp) for each in what_next)
        split = self._split(lost.number)
        self._lost_before[lost.number] += lost.attempts
        died = lost.worker_died or lost.node_lost or lost.fatal
        self._watcher(SplitSetBack(split, lost.reason, lost.attempts, died, again))

    def _advance(self, number: int, report: SplitReport, *, lost: bool = False) -> None:
        before = self.progress
        split = self._split(number)
        self.progress = replace(
            before,
            splits=before.splits + 1,
            rows=before.rows + (split.rows or report.rows),
            hits=before.hits + report.hits,
            failed=before.failed + (report.status == "failed"),
            text_bytes=before.text_bytes + split.text_bytes,
        )
        self._watcher(SplitEnded(report, lost))

    def _lost(self, split: Split, reason: str | None, attempts: int) -> SplitReport:
        return self._not_read(split.split_id, split.info, split.row_groups, split.columns, reason, attempts)

    def _unread(self, file: Unreadable) -> SplitReport:
        info = FileInfo(file.uri, file.size_bytes, file.etag)
        return self._not_read(file.split_id, info, (), self._prepared.plan.columns, file.reason)

    def _not_read(
        self,
        split_id: str,
        info: FileInfo,
        row_groups: tuple[int, ...],
        columns: tuple[str, ...],
        reason: str | None,
        attempts: int = 1,
    ) -> SplitReport:
        return SplitReport(
            split_id=split_id,
            source_uri=info.uri,
            source_etag=info.etag,
            source_size_bytes=info.size_bytes,
            row_groups=row_groups,
            columns=columns,
            ruleset_digest=self._prepared.signatures.ruleset.digest,
            signature_set=NOTHING_RAN,
            status="failed",
            error=reason,
            attempts=attempts,
        )
