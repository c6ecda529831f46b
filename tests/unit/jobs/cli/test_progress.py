import io
import re
import sys

import pytest
from rich.console import Console

from jobs.cli.progress import Lines, line, planning_line, planning_shown, shown
from jobs.cli.render import stacked
from jobs.watching import Progress
from scanner.archive.plan import PlanProgress


def at(rows: int, hits: int = 0, failed: int = 0) -> Progress:
    return Progress(rows // 100, 10, rows, 1000, hits, failed)


@pytest.mark.parametrize(
    ("progress", "elapsed_s", "expected"),
    [
        (at(0), 0.0, "0 of 10 splits, 0 records, 0 hits"),
        (at(500, hits=1), 2.0, "5 of 10 splits, 2.0 s left, 500 records at 250/s, 1 hit"),
        (at(1000), 1.0, "10 of 10 splits, finishing, 1,000 records at 1,000/s, 0 hits"),
        (at(100, failed=2), 1.0, "1 of 10 splits, 9.0 s left, 100 records at 100/s, 0 hits, 2 failed"),
    ],
)
def test_the_line_says_what_is_known(progress: Progress, elapsed_s: float, expected: str) -> None:
    assert line(progress, elapsed_s) == expected


def test_a_run_that_is_gone_on_with_says_since_when_its_hits_are_counted() -> None:
    told = line(Progress(6, 10, 600, 1000, hits=8, rows_before=500), 1.0)
    assert told == "6 of 10 splits, 4.0 s left, 600 records at 100/s, 8 hits since it was gone on with"
    lines_file = Progress(6, 10, 0, 0, hits=1, text_bytes=60, text_bytes_total=100, text_bytes_before=50)
    assert "1 hit since it was gone on with" in line(lines_file, 1.0)


def test_lines_are_seconds_apart() -> None:
    out = io.StringIO()
    times = iter([100.0, 104.0, 106.0, 107.0, 112.0])
    lines = Lines(Console(file=out, width=200), line, clock=lambda: next(times))
    for rows in (0, 100, 200, 300, 400):
        lines(at(rows))
    assert [text.split(",")[0] for text in out.getvalue().splitlines()] == [
        "2 of 10 splits",
        "4 of 10 splits",
    ]


def test_a_terminal_gets_a_bar_that_goes_away_and_standard_output_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = io.StringIO()
    with shown(Console(file=out, width=72, force_terminal=True), quiet=False) as on_progress:
        on_progress(at(0))
        on_progress(at(500, hits=7))
        sys.stdout.write("a result\n")
    assert "5 of 10 splits" in out.getvalue()
    assert re.search(r"500 records at [\d,]+/s, 7 hits", out.getvalue())
    assert out.getvalue().endswith("\x1b[2K"), "the bar is erased"
    assert capsys.readouterr().out == "a result\n"


def test_planning_tells_files_found_and_then_files_planned() -> None:
    assert planning_line(PlanProgress(12_000), 3.0) == "listing: 12,000 files, 3.0 s"
    told = planning_line(PlanProgress(12_000, 500, all_listed=True), 65.0)
    assert told == "planning: 500 of 12,000 files, 1 min 05 s"
    out = io.StringIO()
    with planning_shown(Console(file=out, width=72, force_terminal=True), quiet=False) as on_progress:
        on_progress(PlanProgress(12_000))
        on_progress(PlanProgress(12_000, 500, all_listed=True))
    assert "planning: 500 of 12,000 files" in out.getvalue()
    assert out.getvalue().endswith("\x1b[2K"), "the bar is erased"


def test_quiet_is_quiet() -> None:
    out = io.StringIO()
    with shown(Console(file=out, force_terminal=True), quiet=True) as on_progress:
        on_progress(at(500))
    assert out.getvalue() == ""


def test_what_is_left_goes_by_bytes_where_records_are_counted_only_when_they_are_read() -> None:
    progress = Progress(1, 2, 500, 0, text_bytes=1_000, text_bytes_total=4_000)
    assert line(progress, 10.0) == (
        "1 of 2 splits, 30.0 s left, 1.0 kB of 4.0 kB at 100 B/s, 500 records at 50/s, 0 hits"
    )
    assert stacked(line(progress, 10.0)).splitlines() == [
        "1 of 2 splits, 30.0 s left",
        "1.0 kB of 4.0 kB at 100 B/s",
        "500 records at 50/s, 0 hits",
    ]
