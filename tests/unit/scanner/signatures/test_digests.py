import dataclasses
import json
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scanner.signatures.digests import ruleset_digest
from scanner.signatures.load import read_signatures
from scanner.signatures.model import Signature

LOGIC: dict[str, Any] = {
    "id": "a",
    "patterns": {
        "promise": {"regex": r"double\s+your", "flags": "is"},
        "wallet": {"literal": "wallet", "flags": "i", "whole_word": "true"},
        "lure": {"list": "lures.txt"},
    },
    "condition": "promise and 1 of (wallet, lure)",
    "columns": ["text", "caption"],
    "allow": [{"literal": "warning"}, {"regex": "scam"}],
}
METADATA: dict[str, Any] = {
    "id": "another.id",
    "name": "A name",
    "status": "stable",
    "severity": "high",
    "category": "fraud",
    "description": "What it finds",
    "author": "fraud-intel",
    "created": "2026-01-10",
    "expires": "2027-01-10",
    "references": ["https://example.org"],
    "tags": ["crypto"],
    "examples": {"match": ["double your wallet"], "no_match": ["nothing"]},
}
LURES = ["free coins", "airdrop", "giveaway"]


def _read(folder: Path, entry: dict[str, Any], lures: list[str] = LURES) -> Signature:
    (folder / "lures.txt").write_text("\n".join(lures), encoding="utf-8")
    file = folder / "signatures.yaml"
    file.write_text(json.dumps({"signatures": [entry]}), encoding="utf-8")
    reading = read_signatures([file])
    assert reading.problems == ()
    return reading.signatures[0]


def test_the_digest_is_pinned(tmp_path: Path) -> None:
    # A run compares its digests with those of runs long ago: a change here rescans every archive.
    digest = "26fa58beca250e5adfcd7327c5ddefc5b9e0d5a2f14f153a0b2573456c2bd9d4"

    assert _read(tmp_path, LOGIC).digest == digest


def test_the_dialect_that_goes_without_saying_does_not_count(tmp_path: Path) -> None:
    promise = {**LOGIC["patterns"]["promise"], "dialect": "pcre"}
    said = {**LOGIC, "patterns": {**LOGIC["patterns"], "promise": promise}}

    assert _read(tmp_path, said).digest == _read(tmp_path, LOGIC).digest


@given(kept=st.sets(st.sampled_from(sorted(METADATA))))
def test_metadata_does_not_count(kept: set[str], tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("signatures")
    metadata = {key: METADATA[key] for key in kept}

    assert _read(folder, {**LOGIC, **metadata}).digest == _read(folder, LOGIC).digest


@given(data=st.data())
def test_order_and_layout_do_not_count(data: st.DataObject, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("signatures")
    patterns: dict[str, Any] = {
        name: LOGIC["patterns"][name] for name in data.draw(st.permutations(sorted(LOGIC["patterns"])))
    }
    patterns["promise"] = {**patterns["promise"], "flags": data.draw(st.sampled_from(["si", "is", "ssi"]))}
    lures = data.draw(st.permutations([*LURES, LURES[0], "# a remark", ""]))
    other = {
        **LOGIC,
        "patterns": patterns,
        "condition": data.draw(
            st.sampled_from(["1 of (lure, wallet)  AND\n promise", "(promise) and any of (wallet, lure)"])
        ),
        "columns": data.draw(st.permutations([*LOGIC["columns"], "text"])),
        "allow": data.draw(st.permutations(LOGIC["allow"])),
        "views": ["raw"],
    }

    assert _read(folder, other, lures).digest == _read(folder, LOGIC).digest


def test_everything_that_changes_a_hit_counts(tmp_path: Path) -> None:
    patterns = LOGIC["patterns"]

    def with_pattern(name: str, **changes: str) -> dict[str, Any]:
        return {**LOGIC, "patterns": {**patterns, name: {**patterns[name], **changes}}}

    changed = [
        with_pattern("promise", regex=r"double\s*your"),
        with_pattern("promise", flags="i"),
        with_pattern("promise", dialect="python"),
        with_pattern("promise", dialect="rust"),
        with_pattern("wallet", literal="Wallet"),
        with_pattern("wallet", whole_word="false"),
        {**LOGIC, "patterns": {**patterns, "wallet": {"regex": "wallet", "flags": "i"}}},
        {**LOGIC, "condition": "promise and wallet and not lure"},
        {**LOGIC, "condition": "promise or 1 of (wallet, lure)"},
        {**LOGIC, "condition": "promise and 2 of (wallet, lure)"},
        {**LOGIC, "columns": ["text"]},
        {key: value for key, value in LOGIC.items() if key != "columns"},
        {**LOGIC, "allow": [{"literal": "warning"}]},
        {key: value for key, value in LOGIC.items() if key != "allow"},
    ]
    digests = {_read(tmp_path, entry).digest for entry in [LOGIC, *changed]}
    digests.add(_read(tmp_path, LOGIC, [*LURES, "one more"]).digest)

    assert len(digests) == len(changed) + 2


def test_a_ruleset_is_its_ids_and_their_logic_in_any_order(tmp_path: Path) -> None:
    first = _read(tmp_path, LOGIC)
    second = dataclasses.replace(_read(tmp_path, {"id": "b", "regex": "x"}), expires=date(2027, 1, 1))
    renamed = dataclasses.replace(first, id="c")

    assert ruleset_digest([first, second]) == ruleset_digest([second, first])
    assert len({ruleset_digest(each) for each in ([first], [first, second], [renamed, second], [])}) == 4
