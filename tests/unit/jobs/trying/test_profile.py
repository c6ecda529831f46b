from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from jobs.preparing.prepare import load_for
from jobs.trying import profile as profile_module
from jobs.trying.profile import SignatureProfile, profile, rewriting
from jobs.trying.scan import plan_files
from scanner.signatures.load import read_signatures

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
    assert (found.cells, found.records, found.records_in_all) == (1_000, 1_000, 1_000)
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


SHOP = "signatures: [{id: t.late, literal: ticket}]\n"


@pytest.mark.parametrize("name", ["a.parquet", "small groups.parquet", "a.csv"])
def test_what_lies_behind_the_first_cells_is_measured_too(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile_module, "MAX_CELLS", 2_000)
    monkeypatch.setattr(profile_module, "ALONE_CELLS", 300)
    (tmp_path / "s.yaml").write_text(SHOP, encoding="utf-8")
    texts = ["nothing"] * 7_500 + ["a ticket"] * 2_500
    table = pa.table({"text": texts, "n": range(10_000)})
    if name.endswith("csv"):
        pyarrow.csv.write_csv(table, tmp_path / name)
    else:
        pq.write_table(table, tmp_path / name, row_group_size=700 if "small" in name else None)
    loaded = load_for([str(tmp_path / "s.yaml")], date(2026, 11, 22))
    found = profile(loaded, plan_files(str(tmp_path / name), ["text"]))
    assert 1_000 <= found.cells == found.records <= 2_000
    assert found.records_in_all == 10_000
    (row,) = found.signatures
    assert 0.15 < row.hits / found.cells < 0.35
    again = profile(loaded, plan_files(str(tmp_path / name), ["text"]))
    assert (again.cells, again.signatures[0].hits) == (found.cells, row.hits)


def test_a_large_archive_is_read_at_even_distances(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s.yaml").write_text(SHOP, encoding="utf-8")
    for number in range(4):
        table = pa.table({"text": [f"{row} ticket{number}" for row in range(1_000)]})
        pq.write_table(table, tmp_path / f"{number}.parquet", row_group_size=100)
    loaded = load_for([str(tmp_path / "s.yaml")], date(2026, 11, 22))
    plan = plan_files(str(tmp_path), "auto")
    monkeypatch.setattr("jobs.trying.sample.MAX_TEXT_BYTES", plan.text_bytes // 4)
    found = profile(loaded, plan)
    assert found.records_in_all == 4_000
    assert found.records in {900, 1_000}  # 9 or 10 of 40 row groups
    assert found.signatures[0].hits == found.records


def test_lines_that_were_not_read_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s.yaml").write_text(SHOP, encoding="utf-8")
    for number in range(4):
        (tmp_path / f"{number}.csv").write_text("text\n" + "a ticket\n" * 1_000, encoding="utf-8")
    loaded = load_for([str(tmp_path / "s.yaml")], date(2026, 11, 22))
    plan = plan_files(str(tmp_path / "*.csv"), "auto")
    monkeypatch.setattr("jobs.trying.sample.MAX_TEXT_BYTES", plan.text_bytes // 2)
    found = profile(loaded, plan)
    assert (found.records, found.records_in_all) == (2_000, None)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("literal: ticket", ""),
        ("regex: ticket", ""),
        (r"regex: '\bticket\b'", ""),
        (r"regex: 'tick\w+'", ""),
        (r"regex: 'tic+\w+'", "begin with something rare"),
        (r"regex: '\w+ticket'", "begin with something rare"),
        (r"regex: '\b\w+ticket'", "begin with something rare, and put no border before a class that repeats"),
        (
            r"regex: '\b(?:[a-z])+ticket'",
            "begin with something rare, and put no border before a class that repeats",
        ),
        (r"regex: 'ticket \b\d{2,}'", "put no border before a class that repeats"),
        (r"regex: 'ticket \b\d{2,}', dialect: python", "put no border before a class that repeats"),
        (r"regex: 'ticket \b\d{2,}', dialect: rust", "put no border before a class that repeats"),
    ],
)
def test_a_slow_signature_is_told_what_its_own_patterns_have(
    tmp_path: Path, pattern: str, expected: str
) -> None:
    (tmp_path / "s.yaml").write_text(f"signatures: [{{id: t.slow, {pattern}}}]", encoding="utf-8")
    (signature,) = read_signatures([str(tmp_path / "s.yaml")]).signatures
    assert rewriting(signature) == (f"slow to look for; {expected}" if expected else "")


def test_few_cells_do_not_make_a_signature_slow(tmp_path: Path) -> None:
    signatures = r"signatures: [{id: t.border, regex: '\b\w+ticket'}]"
    (tmp_path / "s.yaml").write_text(signatures, encoding="utf-8")
    pq.write_table(pa.table({"text": ["one", "two", "three"]}), tmp_path / "a.parquet")
    loaded = load_for([str(tmp_path / "s.yaml")], date(2026, 11, 22))
    (row,) = profile(loaded, plan_files(str(tmp_path / "a.parquet"), "auto")).signatures
    assert row.alone_ns > 100
    assert row.advice == ""
