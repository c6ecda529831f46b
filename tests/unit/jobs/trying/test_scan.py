import io
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.preparing.prepare import load_for
from jobs.trying import scan
from jobs.trying.scan import Found, Gap, plan_files, scan_files, scan_lines
from scanner.engine.matcher import HyperscanMatcher

SIGNATURES = """\
signatures:
  - {id: t.coin, regex: '\\bcoins?$'}
  - {id: t.caption, literal: coin, columns: [caption]}
"""


def matcher(folder: Path, *, anywhere: bool = False) -> HyperscanMatcher:
    path = folder / "signatures.yaml"
    path.write_text(SIGNATURES)
    return HyperscanMatcher(load_for([str(path)], date(2026, 1, 1), anywhere=anywhere).program)


class Dripping:
    """A stream that hands out a few bytes at a time, as a slow pipe does."""

    def __init__(self, data: bytes, step: int) -> None:
        self._stream = io.BytesIO(data)
        self._step = step

    def read1(self, size: int, /) -> bytes:
        return self._stream.read(min(size, self._step))


def hits(outcomes: list[Found | Gap]) -> set[tuple[int, str]]:
    return {
        (row["row_index"], row["signature_id"])
        for outcome in outcomes
        if isinstance(outcome, Found)
        for row in outcome.hits.to_pylist()
    }


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_lines_are_records_however_they_arrive(tmp_path: Path, step: int, end: bytes) -> None:
    data = b"a coin\r\n\nno\n\xff\xfe coins\ncoin and more\nthe last coin" + end
    stream = Dripping(data, step)
    outcomes = list(scan_lines(stream, matcher(tmp_path, anywhere=True), "clear"))
    found = {(0, "t.coin"), (3, "t.coin"), (5, "t.coin")}
    everywhere = {(0, "t.caption"), (3, "t.caption"), (4, "t.caption"), (5, "t.caption")}
    assert hits(outcomes) == found | everywhere
    assert sum(outcome.records for outcome in outcomes if isinstance(outcome, Found)) == 6


def test_a_line_without_end_is_a_gap_and_not_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "MAX_LINE_BYTES", 100)
    data = b"coin\n" + b"x" * 500 + b" coin\nafter coin\n" + b"y" * 101
    stream = Dripping(data, 30)
    outcomes = list(scan_lines(stream, matcher(tmp_path), "clear"))
    assert hits(outcomes) == {(0, "t.coin"), (2, "t.coin")}
    gaps = [outcome for outcome in outcomes if isinstance(outcome, Gap)]
    assert [gap.reason.split(" is ")[0] for gap in gaps] == ["line 2", "line 4"]


def test_files_are_scanned_with_rows_counted_in_the_file_and_bad_ones_told(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    texts = [f"row {i} coin" if i % 100 == 99 else "no" for i in range(20_000)]
    pq.write_table(pa.table({"text": texts, "caption": texts}), folder / "a.parquet", row_group_size=7_000)
    (folder / "broken.parquet").write_bytes(b"PAR1")
    judge = matcher(tmp_path)
    outcomes = list(scan_files(plan_files(str(folder), "auto"), judge, "masked"))
    assert hits(outcomes) == {(i, s) for i in range(99, 20_000, 100) for s in ("t.coin", "t.caption")}
    assert sum(outcome.records for outcome in outcomes if isinstance(outcome, Found)) == 20_000
    assert [outcome.source_uri for outcome in outcomes if isinstance(outcome, Gap)] == [
        f"{folder}/broken.parquet"
    ]
    one_column = list(scan_files(plan_files(str(folder), ["text"]), judge, "masked"))
    assert {signature for _, signature in hits(one_column)} == {"t.coin"}
