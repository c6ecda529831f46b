"""Real texts and public rules, which lie beside the checkout and never in it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from benchmarks.macro.workload import COLUMN
from scanner.signatures.condition import Ref
from scanner.signatures.digests import logic_digest
from scanner.signatures.model import LiteralPattern, Pattern, RegexPattern, Signature

SHARED: Final = Path(__file__).resolve().parents[3] / "shared"
DATA: Final = SHARED / "data"
RULES: Final = SHARED / "rules"


def read_texts(name: str) -> list[str | None]:
    """The texts of a file."""
    texts: list[str | None] = pq.read_table(DATA / f"{name}.parquet", columns=[COLUMN])[COLUMN].to_pylist()
    return texts


def read_rules(name: str) -> Iterator[Signature]:
    """The rules of a set, each a signature with one pattern, which is read as PCRE whatever its home."""
    lines = (RULES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        rule: dict[str, Any] = json.loads(line)
        flags = "".join(sorted(set(rule["flags"])))
        pattern: Pattern = (
            LiteralPattern("pattern", (rule["literal"],), flags)
            if rule["kind"] == "literal"
            else RegexPattern("pattern", rule["pattern"], flags)
        )
        condition = Ref("pattern")
        digest = logic_digest((pattern,), condition, None, ("raw",), ())
        yield Signature(f"{name}.{number}", (pattern,), condition, digest)
