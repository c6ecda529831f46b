"""Which signature makes a hunt slow: each one measured on real texts, together with the others and alone."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import pyarrow as pa

from jobs.prepare import Loaded
from scanner.archive.columns.cells import extract
from scanner.archive.formats.doors import read_split
from scanner.archive.plan import Plan
from scanner.archive.read import Gap
from scanner.engine.costs import SignatureCost, total
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.program import check_patterns, compile_ruleset
from scanner.signatures.digests import ruleset_digest
from scanner.signatures.model import LiteralPattern, Ruleset, Signature

MAX_CELLS: Final = 200_000
"""Cells that signatures are measured on; enough for a cost of a nanosecond a cell to show."""

ALONE_CELLS: Final = 20_000
"""Cells that each signature is measured on alone."""

_MANY: Final = 0.1
_SLOW_NS: Final = 100
_WASTED: Final = 10

Rung = Literal["literals", "pass one", "every cell"]


@dataclass(frozen=True, slots=True)
class SignatureProfile:
    """What one signature costs on some texts.

    Attributes:
        signature: The signature.
        rung: What pass one looks for: literals, patterns, or nothing, so that every cell goes to the judge.
        alone_ns: Nanoseconds a cell that it takes alone, both passes.
        share: Of the time that all signatures take when each is alone.
        cost: Candidates, judged cells and seconds of confirming, in the run with all signatures.
        hits: What it hit.
        advice: What to change; empty where there is nothing.
    """

    signature: Signature
    rung: Rung
    alone_ns: float
    share: float
    cost: SignatureCost
    hits: int
    advice: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What a ruleset costs on some texts.

    Attributes:
        cells: How many cells it was measured on.
        text_bytes: Their bytes.
        seconds: By stage: join, pass_one, confirm.
        signatures: Dearest first.
    """

    cells: int
    text_bytes: int
    seconds: dict[str, float]
    signatures: tuple[SignatureProfile, ...]


def profile(loaded: Loaded, plan: Plan) -> Profile:
    """Measures signatures on the first cells of some files.

    Raises:
        SourceError: A file cannot be read.
    """
    sample = list(_cells(plan))
    seconds = dict.fromkeys(("join", "pass_one", "confirm"), 0.0)
    costs: dict[int, list[SignatureCost]] = {}
    hits = [0] * len(loaded.ruleset.signatures)
    matcher = HyperscanMatcher(loaded.program)
    for column, cells in sample:
        matches = matcher.match(cells, column)
        for stage in seconds:
            seconds[stage] += getattr(matches.costs, f"{stage}_s")
        for number, cost in matches.costs.signatures:
            costs.setdefault(number, []).append(cost)
        for number in matches.signatures.tolist():
            hits[number] += 1
    count = sum(len(cells) for _, cells in sample)
    alone = [_alone_ns(signature, sample) for signature in loaded.ruleset.signatures]
    rows = [
        _row(signature, alone[number], total(costs.get(number, [])), hits[number], count)
        for number, signature in enumerate(loaded.ruleset.signatures)
    ]
    rows = [replace(row, share=row.alone_ns / max(sum(alone), 1e-9)) for row in rows]
    rows.sort(key=lambda row: -row.share)
    return Profile(count, sum(cells.nbytes for _, cells in sample), seconds, tuple(rows))


def _cells(plan: Plan) -> Iterator[tuple[str, "pa.Array[Any]"]]:
    left = MAX_CELLS
    for split in plan.splits:
        for batch in read_split(split, split.columns):
            if isinstance(batch, Gap):
                continue
            for column in split.columns:
                cells = extract(batch.data, column).values[:left]
                left -= len(cells)
                yield column, cells
                if left <= 0:
                    return


def _alone_ns(signature: Signature, sample: Sequence[tuple[str, "pa.Array[Any]"]]) -> float:
    """Nanoseconds a cell that both passes take for one signature, without joining the cells."""
    matcher = HyperscanMatcher(compile_ruleset(Ruleset((signature,), ruleset_digest([signature]))))
    seen, seconds = 0, 0.0
    for column, cells in sample:
        some = cells[: ALONE_CELLS - seen]
        began = time.perf_counter()
        matches = matcher.match(some, column)
        seconds += time.perf_counter() - began - matches.costs.join_s
        seen += len(some)
        if seen >= ALONE_CELLS:
            break
    return seconds / max(seen, 1) * 1e9


def _row(
    signature: Signature, alone_ns: float, cost: SignatureCost, hits: int, cells: int
) -> SignatureProfile:
    prices = [problem.message for problem in check_patterns([signature])]
    if prices:
        rung: Rung = "every cell"
    else:
        literals = all(isinstance(pattern, LiteralPattern) for pattern in signature.patterns)
        rung = "literals" if literals else "pass one"
    advice = "; ".join(prices) or _advice(alone_ns, cost, hits, cells)
    return SignatureProfile(signature, rung, alone_ns, 0.0, cost, hits, advice)


def _advice(alone_ns: float, cost: SignatureCost, hits: int, cells: int) -> str:
    if hits > _MANY * cells:
        return f"hits {hits / cells:.0%} of the cells; is it meant to?"
    if cost.judged > _WASTED * max(hits, 1) and cost.judged > cells / 100:
        return "most of its candidates are no hits; add something rarer to the pattern or by `and`"
    if alone_ns > _SLOW_NS:
        return "slow to look for; begin with something rare, and put no border before a class that repeats"
    return ""
