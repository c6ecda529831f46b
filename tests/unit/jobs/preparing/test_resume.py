import errno
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.executors import Task
from jobs.executors.inline import InlineExecutor
from jobs.preparing.prepare import Prepared, prepare
from jobs.preparing.resume import MATCH_KEY_VARIABLE, choose, new_run
from jobs.running.hunt import Run
from jobs.watching import Progress
from scanner.archive import storage
from scanner.engine.matcher import HyperscanMatcher
from scanner.errors import HuntError, OutputError, SourceError
from scanner.results import layout
from scanner.scan.split import ScanSettings

NOW = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(hours=7)

HUNT = "hunt: small\narchive: {uri: archive, text_columns: [text]}\nsignatures: s.yaml\noutput: out\n"
SIGNATURES = "signatures: [{id: t.one, literal: one}]\n"


def write(path: Path, *texts: str) -> None:
    pq.write_table(pa.table({"text": [*texts, *["x"] * 9]}), path)


@pytest.fixture
def prepared(here: Path) -> Prepared:
    """Six files of ten records with a hit each, and one that is no Parquet."""
    (here / "archive").mkdir()
    for name in "abcdef":
        write(here / "archive" / f"{name}.parquet", f"{name} one")
    (here / "archive" / "g.parquet").write_bytes(b"nothing")
    (here / "s.yaml").write_text(SIGNATURES)
    (here / "hunt.yaml").write_text(HUNT)
    return again()


def again() -> Prepared:
    return prepare("hunt.yaml", date(2026, 5, 1))


class Counting(InlineExecutor):
    """Notes what it was given."""

    def __init__(self, prepared: Prepared, settings: ScanSettings) -> None:
        super().__init__(HyperscanMatcher(prepared.signatures.program), settings)
        self.files: list[str] = []

    def submit(self, task: Task) -> None:
        self.files += [Path(split.source_uri).name for _, split in task.splits]
        super().submit(task)


def counted(run_of: Callable[[Callable[[Prepared, ScanSettings], Counting]], Run]) -> tuple[Run, list[str]]:
    made: list[Counting] = []

    def start(prepared: Prepared, settings: ScanSettings) -> Counting:
        made.append(Counting(prepared, settings))
        return made[-1]

    run = run_of(start)
    run.execute(clock=lambda: LATER)
    return run, made[0].files if made else []


def interrupted(prepared: Prepared, splits: int = 2) -> Run:
    """A run that was stopped after some of its splits."""
    run = Run(prepared, new_run(prepared, NOW))

    def stop(progress: Progress) -> None:
        if progress.splits == splits:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.execute(stop)
    return run


def hits(run: Run) -> pa.Table:
    return pq.read_table(f"{run.uri}/hits").sort_by("hit_id")


def files_below(uri: str) -> set[str]:
    return {path.name for path in Path(uri).rglob("*") if path.is_file()}


def test_a_run_that_was_stopped_goes_on_and_ends_with_the_hits_of_an_undisturbed_one(
    prepared: Prepared,
) -> None:
    stopped = interrupted(prepared)
    chosen = choose(again(), LATER)
    assert (chosen.resumed, chosen.begun.run_id) == (True, stopped.run_id)
    seen: list[Progress] = []
    resumed, files = counted(lambda start: Run(again(), chosen.begun, start))
    assert files == [f"{name}.parquet" for name in "cdef"], "what is done is not done again"
    assert resumed.progress == replace(
        resumed.progress,
        splits=6,
        rows=60,
        rows_before=20,
        hits=4,
        text_bytes=resumed.progress.text_bytes_total,
    )
    undisturbed = Run(prepared, replace(chosen.begun, run_id=f"{stopped.run_id}-undisturbed"))
    record = undisturbed.execute(seen.append, clock=lambda: LATER)
    assert hits(resumed).drop_columns("run_id").equals(hits(undisturbed).drop_columns("run_id"))
    assert len(hits(resumed)) == 6
    assert set(hits(resumed)["scanned_at"].to_pylist()) == {NOW}
    assert record["totals"] == resumed.execute()["totals"], "a finished run is only read"


def test_a_run_goes_on_where_the_first_file_of_the_archive_is_gone(prepared: Prepared, here: Path) -> None:
    # The key of the match hashes comes from it, and the run could not be gone on with.
    stopped = interrupted(prepared)
    done = set(storage.list_names(layout.commits_uri(stopped.uri)))
    (here / "archive" / "a.parquet").unlink()
    assert not {each.split_id for each in again().plan.splits} >= done, "one that is done is of that file"
    chosen = choose(again(), LATER)
    assert (chosen.begun.run_id, chosen.resumed, chosen.rehashed) == (stopped.run_id, True, True)
    run = Run(again(), chosen.begun)
    assert run.published() == len(done & {each.split_id for each in again().plan.splits})
    assert run.execute()["totals"]["hits"] == 5  # type: ignore[index]


def test_a_run_whose_results_are_removed_while_it_hunts_can_be_gone_on_with(prepared: Prepared) -> None:
    run = Run(prepared, new_run(prepared, NOW))
    removed: list[int] = []

    def remove(progress: Progress) -> None:
        if progress.splits == 2 and not removed:
            removed.append(progress.splits)
            shutil.rmtree("out")

    with pytest.raises(OutputError, match="have not ended"):
        run.execute(remove)
    chosen = choose(again(), LATER, resume=run.run_id)
    assert Run(again(), chosen.begun).execute()["totals"]["hits"] == 6  # type: ignore[index]


def test_damaged_hits_of_a_split_are_hunted_again_once_its_record_is_deleted(prepared: Prepared) -> None:
    stopped = interrupted(prepared)
    name = storage.list_names(f"{stopped.uri}/split_hits")[0]
    Path(layout.split_hits_uri(stopped.uri, name)).write_bytes(b"cut")
    run = Run(again(), choose(again(), LATER).begun)
    with pytest.raises(SourceError, match=r"delete .*, and its split is hunted again") as caught:
        run.execute()
    Path(caught.value.reason.partition("delete ")[2].partition(",")[0]).unlink()
    assert Run(again(), choose(again(), LATER).begun).execute()["totals"]["hits"] == 6  # type: ignore[index]


def test_where_the_last_run_is_finished_or_another_hunts_there_is_a_new_one(
    prepared: Prepared, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not choose(prepared, NOW).resumed, "there is nothing yet"
    stopped = interrupted(prepared)

    def chosen() -> bool:
        return choose(again(), LATER).resumed

    assert chosen()
    (here / "hunt.yaml").write_text(HUNT + "storage: {attempts: 9}\n")
    assert chosen(), "how stores are reached changes no hit"
    (here / "hunt.yaml").write_text(HUNT + "evidence: clear\n")
    assert not chosen()
    with pytest.raises(HuntError, match=f"run {stopped.run_id}: cannot be .*: the hunt file has changed"):
        choose(again(), LATER, resume=stopped.run_id)
    (here / "hunt.yaml").write_text(HUNT)
    (here / "s.yaml").write_text(SIGNATURES.replace("literal", "severity: high, literal"))
    assert not chosen(), "hits repeat the severity"
    with pytest.raises(HuntError, match="its signatures were others"):
        choose(again(), LATER, run_id=stopped.run_id)
    (here / "s.yaml").write_text(SIGNATURES)
    monkeypatch.setenv(MATCH_KEY_VARIABLE, "sesame")
    assert choose(again(), LATER).rehashed
    assert choose(again(), LATER, resume=stopped.run_id).rehashed
    monkeypatch.delenv(MATCH_KEY_VARIABLE)
    assert not choose(again(), LATER).rehashed
    Run(again(), choose(again(), LATER).begun).execute()
    assert not chosen()
    with pytest.raises(HuntError, match="is finished; leave `--resume` out"):
        choose(again(), LATER, resume=stopped.run_id)
    with pytest.raises(HuntError, match="no such run to go on with"):
        choose(again(), LATER, resume="20200101T000000Z-abcdef")
    assert "sesame" not in Path(layout.begun_uri(stopped.uri)).read_text()


@pytest.mark.parametrize(
    "run_id",
    ["trial", "20260501", "20260501T030405", "20261301T030405Z", "2026501T030405Z", "20991231T000000Z"],
)
def test_the_id_of_a_new_run_begins_with_its_time_by_which_the_latest_is_told(
    prepared: Prepared, run_id: str
) -> None:
    with pytest.raises(
        HuntError, match=r"run .*: the id of a new .* like 20260501T030405Z-trial; write that"
    ):
        choose(prepared, NOW, run_id=run_id)
    assert choose(prepared, NOW, run_id="20260501T235959Z").begun.run_id == "20260501T235959Z"


def test_what_changed_while_a_run_was_stopped_is_hunted_as_it_is_now(prepared: Prepared, here: Path) -> None:
    interrupted(prepared, splits=3)
    write(here / "archive" / "b.parquet", "b one", "one more")
    write(here / "archive" / "g.parquet", "g one")
    write(here / "archive" / "h.parquet", "h one")
    chosen = choose(again(), LATER)
    assert chosen.resumed
    run, files = counted(lambda start: Run(again(), chosen.begun, start))
    assert files == [f"{name}.parquet" for name in "bdefgh"]
    record = run.execute()
    assert record["status"] == "complete"
    assert record["totals"] == {**record["totals"], "splits": 8, "hits": 9, "records": 9}  # type: ignore[dict-item]
    assert len(hits(run)) == 9, "the former version of b.parquet is neither counted nor kept"


def test_two_drivers_of_one_run_double_nothing_and_agree(prepared: Prepared) -> None:
    begun = new_run(prepared, NOW)
    together = threading.Barrier(2)
    records: list[dict[str, object]] = []

    def drive() -> None:
        def meet(progress: Progress) -> None:
            if progress.splits in {0, 3, 5}:
                together.wait()

        records.append(Run(again(), begun).execute(meet, clock=lambda: LATER))

    drivers = [threading.Thread(target=drive) for _ in range(2)]
    for driver in drivers:
        driver.start()
    for driver in drivers:
        driver.join()
    assert records[0] == records[1]
    assert records[0]["totals"] == {**records[0]["totals"], "splits": 7, "hits": 6}  # type: ignore[dict-item]
    run = Run(prepared, begun)
    assert len(hits(run)) == len(set(hits(run)["hit_id"].to_pylist())) == 6


def test_what_killed_attempts_left_is_not_read_and_goes_away(prepared: Prepared) -> None:
    stopped = interrupted(prepared)
    folder = Path(stopped.uri, "split_hits")
    split = prepared.plan.splits[4].split_id
    for name in (f"{split}.00000000.parquet", f".{split}.11111111.parquet.0123456789abcdef.draft"):
        (folder / name).write_bytes(b"half")
    Path(stopped.uri, "commits", f".{split}.0123456789abcdef.draft").write_bytes(b"half")
    run = Run(prepared, choose(prepared, LATER).begun)
    run.execute()
    left = files_below(run.uri)
    assert not any(name.endswith(".draft") or "00000000" in name for name in left)

    # A worker that nobody could reach any more ends long after its run.
    (folder / f"{split}.22222222.parquet").write_bytes(b"late")
    assert len(scanned_hits(run)) == 6
    Run(prepared, choose(prepared, LATER).begun).execute()
    assert files_below(run.uri) == left


def test_a_full_disk_stops_the_run_and_is_no_gap_of_the_archive(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(prepared, new_run(prepared, NOW))
    writer = pq.ParquetWriter.write_table
    full = False

    def write_table(self: pq.ParquetWriter, table: pa.Table, *args: Any, **options: Any) -> None:
        if full and "hit_id" in table.schema.names:
            raise OSError(errno.ENOSPC, "No space left on device")
        writer(self, table, *args, **options)

    def fill(progress: Progress) -> None:
        nonlocal full
        full = progress.splits >= 2

    monkeypatch.setattr(pq.ParquetWriter, "write_table", write_table)
    with pytest.raises(OutputError, match="results cannot be written: no space left on device"):
        run.execute(fill)
    assert run.published() == 2
    full = False
    record = Run(again(), choose(again(), LATER).begun).execute()
    assert record["totals"] == {**record["totals"], "failed": 1, "hits": 6}  # type: ignore[dict-item]
    assert len(hits(run)) == 6
    assert not [name for name in files_below(run.uri) if name.endswith(".draft")]


def test_a_store_that_refuses_hits_stops_the_run_and_is_no_gap_of_the_archive(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(uri: str) -> None:
        raise SourceError(uri, "503 slow down")

    run = Run(prepared, new_run(prepared, NOW))
    with monkeypatch.context() as patch:
        patch.setattr(storage, "open_output", refuse)
        with pytest.raises(OutputError, match="results cannot be written: 503 slow down"):
            run.execute()
    assert run.published() == 0
    assert run.execute()["totals"]["hits"] == 6  # type: ignore[index]


def scanned_hits(run: Run) -> pa.Table:
    import scanner  # noqa: PLC0415 - as a notebook does

    return scanner.open_results(run.uri).hits.to_table()
