"""Real texts, real rules: every hit of a hunt is a hit of the oracle, and the other way round."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import scanner
from jobs.preparing.prepare import prepare
from jobs.preparing.resume import new_run
from jobs.running.hunt import Run
from scanner.engine.oracle import OracleMatcher
from tests.support.shared import shared, write_rules

PACK = Path(__file__).resolve().parents[2] / "jobs/examples/signatures"
NOW = datetime(2026, 11, 22, tzinfo=UTC)

Hit = tuple[int, str, int, tuple[tuple[int, int], ...]]


def oracle_hits(data: Path, signatures: Path) -> set[Hit]:
    oracle = OracleMatcher(scanner.load_signatures(signatures))
    found = oracle.match(pq.read_table(data, columns=["text"])["text"], "text")
    assert not found.errors
    ids = [signature.id for signature in oracle.ruleset.signatures]
    rows = zip(found.cells.tolist(), found.signatures.tolist(), found.match_counts.tolist(), strict=True)
    return {(cell, ids[s], count, tuple(found.spans(hit))) for hit, (cell, s, count) in enumerate(rows)}


def hunted_hits(data: Path, signatures: Path, folder: Path) -> set[Hit]:
    hunt = folder / "hunt.yaml"
    archive = {"uri": str(data), "text_columns": ["text"], "record_id": "content_id"}
    spec = {
        "hunt": "real",
        "archive": archive,
        "signatures": [str(signatures)],
        "output": str(folder / "out"),
    }
    hunt.write_text(json.dumps(spec), encoding="utf-8")
    prepared = prepare(hunt, NOW.date())
    run = Run(prepared, new_run(prepared, NOW))
    assert run.execute()["status"] == "complete"
    results = scanner.open_results(str(folder / "out"))
    assert results.complete
    rows = results.hits.to_table(columns=["row_index", "signature_id", "match_count", "spans"]).to_pylist()
    return {
        (
            row["row_index"],
            row["signature_id"],
            row["match_count"],
            tuple((s["start"], s["end"]) for s in row["spans"]),
        )
        for row in rows
    }


@pytest.mark.parametrize("data", ["ubuntu_irc_chat", "sms_spam_uci_plus"])
@pytest.mark.parametrize("rules", ["pack", "gitleaks"])
def test_every_hit_is_the_oracles(data: str, rules: str, tmp_path: Path) -> None:
    path = shared(f"data/{data}.parquet")
    signatures = PACK if rules == "pack" else write_rules(rules, tmp_path)
    found = hunted_hits(path, signatures, tmp_path)
    assert found == oracle_hits(path, signatures)
    assert found or rules == "gitleaks"
