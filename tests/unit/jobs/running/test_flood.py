"""A signature that hits nearly everything: its count stays exact, and what is stored is a sample."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.preparing.prepare import prepare
from jobs.preparing.resume import new_run
from jobs.running.hunt import Run
from scanner.results.sample import ranks_of

NOW = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)
ROWS = 4_000
SIGNATURES = """\
signatures:
  - {id: t.noisy, literal: the}
  - {id: t.rare, literal: wallet}
"""


def hunted(limits: str) -> tuple[Run, dict[str, object]]:
    Path("hunt.yaml").write_text(
        f"hunt: small\narchive: {{uri: archive}}\nsignatures: s.yaml\noutput: out\n{limits}\n"
    )
    prepared = prepare("hunt.yaml", date(2026, 5, 1))
    run = Run(prepared, new_run(prepared, NOW))
    return run, run.execute(clock=lambda: NOW)


def stored(run: Run) -> dict[str, list[str]]:
    rows = pq.read_table(f"{run.uri}/hits", columns=["signature_id", "hit_id"]).to_pylist()
    return {
        name: sorted(row["hit_id"] for row in rows if row["signature_id"] == name)
        for name in ("t.noisy", "t.rare")
    }


@pytest.fixture
def archive(here: Path) -> None:
    """Three files; one word in each text, another in one text of a thousand."""
    (here / "archive").mkdir()
    for name in "abc":
        texts = [f"{name}{i} the the {'wallet' if i % 1000 == 0 else 'x'}" for i in range(ROWS)]
        pq.write_table(pa.table({"text": texts}), here / "archive" / f"{name}.parquet", row_group_size=500)
    (here / "s.yaml").write_text(SIGNATURES)


@pytest.mark.usefixtures("archive")
def test_counts_are_exact_and_the_stored_hits_those_of_the_lowest_ranks() -> None:
    everything, _ = hunted("")
    all_hits = stored(everything)
    assert {name: len(hits) for name, hits in all_hits.items()} == {"t.noisy": 3 * ROWS, "t.rare": 12}

    run, record = hunted("limits: {stored_hits_per_signature: 40}")
    ranks = ranks_of(pa.array(all_hits["t.noisy"])).tolist()
    lowest = [name for _, name in sorted(zip(ranks, all_hits["t.noisy"], strict=True))[:40]]
    assert stored(run) == {"t.noisy": sorted(lowest), "t.rare": all_hits["t.rare"]}
    assert record["totals"]["hits"] == 3 * ROWS + 12  # type: ignore[index]
    assert record["truncated"] == ["t.noisy"]
    assert stored(hunted("limits: {stored_hits_per_signature: 40}")[0]) == stored(run), "the same every time"
    whole = {row["hit_id"]: row for row in pq.read_table(f"{everything.uri}/hits").to_pylist()}
    for row in pq.read_table(f"{run.uri}/hits").to_pylist():
        assert row == {**whole[row["hit_id"]], "run_id": run.run_id}


@pytest.mark.usefixtures("archive")
def test_a_split_stores_no_more_than_it_may() -> None:
    run, record = hunted("limits: {stored_hits_per_split: 100}")
    hits = pq.read_table(f"{run.uri}/hits")
    per_file = hits.group_by("source_uri").aggregate([("hit_id", "count")])["hit_id_count"].to_pylist()
    assert per_file == [100] * 3
    assert record["totals"]["hits"] == 3 * ROWS + 12  # type: ignore[index]
    assert "t.noisy" in record["truncated"]  # type: ignore[operator]
