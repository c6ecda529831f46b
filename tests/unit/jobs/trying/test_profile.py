from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.preparing.prepare import load_for
from jobs.trying.profile import SignatureProfile, profile
from jobs.trying.scan import plan_files

SIGNATURES = """\
signatures:
  - id: t.rare
    regex: zebra\\d
  - id: t.noisy
    regex: '[aeiou]'
  - id: t.weak
    patterns: {common: {regex: number}, rare: {literal: zebra}}
    condition: common and rare
  - id: t.everywhere
    regex: '(?=x)'
  - id: t.words
    literal: zebra
    whole_word: true
"""


def profiled(folder: Path) -> dict[str, SignatureProfile]:
    (folder / "s.yaml").write_text(SIGNATURES, encoding="utf-8")
    texts = ["number zebra7" if row == 50 else f"number {row}" for row in range(1_000)]
    pq.write_table(pa.table({"text": texts}), folder / "a.parquet")
    loaded = load_for([str(folder / "s.yaml")], date(2026, 11, 22))
    found = profile(loaded, plan_files(str(folder / "a.parquet"), "auto"))
    assert found.cells == 1_000
    assert set(found.seconds) == {"join", "pass_one", "confirm"}
    assert abs(sum(row.share for row in found.signatures) - 1) < 1e-6
    return {row.signature.id: row for row in found.signatures}


def test_each_signature_is_told_what_it_costs_and_what_to_change(tmp_path: Path) -> None:
    rows = profiled(tmp_path)
    counted = {name: (row.cost.candidates, row.cost.judged, row.hits) for name, row in rows.items()}
    assert counted == {
        "t.rare": (1, 1, 1),
        "t.noisy": (1_000, 1_000, 1_000),
        "t.weak": (1_000, 1, 1),
        "t.everywhere": (0, 1_000, 0),
        "t.words": (1, 1, 0),
    }
    assert {name: row.rung for name, row in rows.items()} == {
        "t.rare": "pass one",
        "t.noisy": "pass one",
        "t.weak": "pass one",
        "t.everywhere": "every cell",
        "t.words": "literals",
    }
    assert "hits 100% of the cells" in rows["t.noisy"].advice
    assert "every cell" in rows["t.everywhere"].advice


def test_long_cells_are_no_fault_of_a_literal(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("signatures:\n- {id: t.fruit, literal: kumquat}\n", encoding="utf-8")
    texts = ["plain words " * 500_000] * 3 + ["short"] * 97
    pq.write_table(pa.table({"text": pa.array(texts).dictionary_encode()}), tmp_path / "a.parquet")
    loaded = load_for([str(tmp_path / "s.yaml")], date(2026, 11, 22))
    found = profile(loaded, plan_files(str(tmp_path / "a.parquet"), "auto"))
    (row,) = found.signatures
    assert (row.rung, row.advice, found.longest_bytes) == ("literals", "", 6_000_000)
    # The cost of a cell is that of its bytes.
    assert row.alone_ns > 100 > row.alone_ns_a_byte > 0
