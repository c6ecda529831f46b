import json
from datetime import UTC, datetime
from pathlib import Path

from jobs.hunt import Progress
from jobs.progress_file import ProgressFile

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def test_progress_is_written_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    seconds = iter([10.0, 10.5, 11.1, 11.2, 11.3])
    written = ProgressFile(str(tmp_path), lambda: next(seconds), lambda: NOW)
    file = tmp_path / "progress.json"
    seen = []
    for splits in (0, 1, 2, 3, 4):
        written(Progress(splits, 4, splits * 10, 40, hits=splits))
        seen.append(json.loads(file.read_text())["splits"])
    assert seen == [0, 0, 2, 2, 4]
    assert json.loads(file.read_text()) == {
        "splits": 4, "splits_total": 4, "rows": 40, "rows_total": 40, "hits": 4, "failed": 0,
        "text_bytes": 0, "text_bytes_total": 0, "rows_before": 0, "text_bytes_before": 0,
        "elapsed_s": 1.3, "told_at": "2026-05-01T00:00:00+00:00",
    }  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"]


def test_where_it_cannot_be_written_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ProgressFile(str(tmp_path / "file" / "run"))(Progress(0, 1, 0, 10))
