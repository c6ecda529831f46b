import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobs.watching import Progress
from jobs.watching.progress_file import ALIVE_S, ProgressFile, beating

NOW = datetime(2026, 5, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now_s = 10.0

    def __call__(self) -> float:
        return self.now_s


def read(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "progress.json").read_text())
    return told


def test_progress_is_written_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    clock = Clock()
    written = ProgressFile(str(tmp_path), clock, lambda: NOW)
    written.beat()
    assert not list(tmp_path.iterdir()), "nothing is known yet"
    seen = []
    for splits, at in enumerate((10.0, 10.5, 11.1, 11.2, 12.5)):
        clock.now_s = at
        written(Progress(splits, 4, splits * 10, 40, hits=splits, text_bytes=splits, text_bytes_total=4))
        written.beat()
        seen.append((read(tmp_path)["splits"], read(tmp_path)["status"], read(tmp_path)["remaining_s"]))
    assert seen == [
        (0, "running", None),
        (0, "running", None),
        (2, "running", 1.1),
        (2, "running", 1.1),
        (4, "finishing", 0.0),
    ]
    written.ends_as = "complete"
    written.beat(ended=True)
    assert read(tmp_path) == {
        "status": "complete", "splits": 4, "splits_total": 4, "rows": 40, "rows_total": 40, "hits": 4, "failed": 0,
        "text_bytes": 4, "text_bytes_total": 4, "rows_before": 0, "text_bytes_before": 0, "under_way": 0,
        "elapsed_s": 2.5, "rows_per_s": 16.0, "text_bytes_per_s": 1.6, "remaining_s": 0.0,
        "told_at": "2026-05-01T00:00:00+00:00", "told_every_s": ALIVE_S,
    }  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"]


def test_a_run_in_which_nothing_happens_is_told_from_a_dead_one(tmp_path: Path) -> None:
    clock = Clock()
    written = ProgressFile(str(tmp_path), clock, lambda: NOW)
    written(Progress(1, 4, 10, 40))
    written.beat()
    elapsed = []
    for _ in range(45):
        clock.now_s += 1
        written.beat()
        elapsed.append(read(tmp_path)["elapsed_s"])
    assert sorted(set(elapsed)) == [0.0, ALIVE_S, 2 * ALIVE_S]


def test_where_it_cannot_be_written_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    written = ProgressFile(str(tmp_path / "file" / "run"))
    written(Progress(0, 1, 0, 10))
    written.beat(ended=True)


def test_the_thread_beats_and_its_last_words_say_how_the_run_has_ended(tmp_path: Path) -> None:
    written, beaten = ProgressFile(str(tmp_path)), threading.Event()
    written(Progress(1, 2, 10, 20, under_way=1))
    with beating(written, beaten.set):
        assert beaten.wait(30)
        assert (read(tmp_path)["status"], read(tmp_path)["under_way"]) == ("running", 1)
        written.ends_as = "stopped"
    assert (read(tmp_path)["status"], read(tmp_path)["under_way"]) == ("stopped", 0)
    assert not [each for each in threading.enumerate() if each.name == "progress"]
