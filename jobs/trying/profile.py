"""Which signature makes a hunt slow: each one measured on real texts, together with the others and alone."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import pyarrow.compute as pc

from jobs.preparing.prepare import Loaded
from scanner.archive.columns.cells import extract
from scanner.archive.formats.doors import read_split
from scanner.archive.plan import Plan
from scanner.archive.read import Gap
from scanner.engine.costs import SignatureCost, total
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.program import check_patterns, compile_ruleset
from scanner.signatures.digests import ruleset_digest
from scanner.signatures.model import LiteralPattern, Ruleset, Signature
from scanner.views.raw import Column, large_binary, text_bytes

MAX_CELLS: Final = 200_000
"""Cells that signatures are measured on; enough for a cost of a nanosecond a cell to show."""

ALONE_CELLS: Final = 20_000
"""Cells that each signature is measured on alone."""

_MANY: Final = 0.1
_SLOW_NS: Final = 100
_SLOW_NS_A_BYTE: Final = 1.0
"""Most of the example signatures take 0.05 to 0.3. Time a cell alone would blame signatures for long cells."""

_WASTED: Final = 10

Rung = Literal["literals", "pass one", "every cell"]


@dataclass(frozen=True, slots=True)
class SignatureProfile:
    """What one signature costs on some texts.

    Attributes:
        signature: The signature.
        rung: What pass one looks for: literals, patterns, or nothing, so that every cell goes to the judge.
        alone_ns: Nanoseconds a cell that it takes alone, both passes.
        alone_ns_a_byte: The same for each byte of text.
        share: Of the time that all signatures take when each is alone.
        cost: Candidates, judged cells and seconds of confirming, in the run with all signatures.
        hits: What it hit.
        advice: What to change; empty where there is nothing.
    """

    signature: Signature
    rung: Rung
    alone_ns: float
    alone_ns_a_byte: float
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
        longest_bytes: Bytes of the longest cell.
        seconds: By stage: join, pass_one, confirm.
        signatures: Dearest first.
    """

    cells: int
    text_bytes: int
    longest_bytes: int
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
    rows = [
        _row(signature, _alone(signature, sample), total(costs.get(number, [])), hits[number], count)
        for number, signature in enumerate(loaded.ruleset.signatures)
    ]
    alone_ns = max(sum(row.alone_ns for row in rows), 1e-9)
    rows = [replace(row, share=row.alone_ns / alone_ns) for row in rows]
    rows.sort(key=lambda row: -row.share)
    longest = max((_longest_bytes(cells) for _, cells in sample), default=0)
    return Profile(count, sum(text_bytes(cells) for _, cells in sample), longest, seconds, tuple(rows))


def _cells(plan: Plan) -> Iterator[tuple[str, Column]]:
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


def _longest_bytes(cells: Column) -> int:
    return int(pc.max(pc.binary_length(large_binary(cells))).as_py() or 0)


@dataclass(frozen=True, slots=True)
class _Alone:
    """Nanoseconds that both passes take for one signature, without joining the cells."""

    a_cell: float
    a_byte: float


def _alone(signature: Signature, sample: Sequence[tuple[str, Column]]) -> _Alone:
    matcher = HyperscanMatcher(compile_ruleset(Ruleset((signature,), ruleset_digest([signature]))))
    seen, seen_bytes, seconds = 0, 0, 0.0
    for column, cells in sample:
        some = cells[: ALONE_CELLS - seen]
        began = time.perf_counter()
        matches = matcher.match(some, column)
        seconds += time.perf_counter() - began - matches.costs.join_s
        seen += len(some)
        seen_bytes += text_bytes(some)
        if seen >= ALONE_CELLS:
            break
    return _Alone(seconds / max(seen, 1) * 1e9, seconds / max(seen_bytes, 1) * 1e9)


def _row(signature: Signature, alone: _Alone, cost: SignatureCost, hits: int, cells: int) -> SignatureProfile:
    prices = [problem.message for problem in check_patterns([signature])]
    if prices:
        rung: Rung = "every cell"
    else:
        literals = all(isinstance(pattern, LiteralPattern) for pattern in signature.patterns)
        rung = "literals" if literals else "pass one"
    advice = "; ".join(prices) or _advice(rung, alone, cost, hits, cells)
    return SignatureProfile(signature, rung, alone.a_cell, alone.a_byte, 0.0, cost, hits, advice)


def _advice(rung: Rung, alone: _Alone, cost: SignatureCost, hits: int, cells: int) -> str:
    if hits > _MANY * cells:
        return f"hits {hits / cells:.0%} of the cells; is it meant to?"
    if cost.judged > _WASTED * max(hits, 1) and cost.judged > cells / 100:
        return "most of its candidates are no hits; add something rarer to the pattern or by `and`"
    # A literal has no border and no beginning that could be written otherwise.
    if rung != "literals" and alone.a_cell > _SLOW_NS and alone.a_byte > _SLOW_NS_A_BYTE:
        return "slow to look for; begin with something rare, and put no border before a class that repeats"
    return ""
