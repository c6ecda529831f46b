"""Which signature makes a hunt slow: each one measured on real texts, together with the others and alone."""

import time
from dataclasses import dataclass, replace
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from jobs.preparing.prepare import Loaded
from jobs.trying.sample import Sample, take_samples
from scanner.archive.plan import Plan
from scanner.engine.costs import SignatureCost, total
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.patterns.syntax import Token, tokens
from scanner.engine.program import check_patterns, compile_ruleset
from scanner.signatures.digests import ruleset_digest
from scanner.signatures.model import LiteralPattern, RegexPattern, Ruleset, Signature
from scanner.views.raw import Column, large_binary, text_bytes

MAX_CELLS: Final = 200_000
"""Cells that signatures are measured on; enough for a cost of a nanosecond a cell to show."""

ALONE_CELLS: Final = 20_000
"""Cells that each signature is measured on alone, taken from the former."""

_MANY: Final = 0.1
_SLOW_NS: Final = 100
_SLOW_NS_A_BYTE: Final = 1.0
"""Most of the example signatures take 0.05 to 0.3. Time a cell alone would blame signatures for long cells."""
_MEASURABLE_S: Final = 0.002
"""Passes over no cell at all take up to a third of a millisecond, for which small samples would blame signatures."""

_WASTED: Final = 10
_RARE: Final = 4
"""Characters that a pattern begins with and that are no fault of it any more."""

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


_LOADS_ALL: Final = "\N{BULLET}"
"""A text that makes a matcher load what it needs, which is no cost of the signatures: it is not ASCII."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a ruleset costs on some texts.

    Attributes:
        cells: How many cells it was measured on.
        records: How many records these are of.
        records_in_all: How many records the files have; None where they were not all counted.
        text_bytes: Their bytes.
        longest_bytes: Bytes of the longest cell.
        seconds: By stage: join, pass_one, confirm.
        signatures: Dearest first.
    """

    cells: int
    records: int
    records_in_all: int | None
    text_bytes: int
    longest_bytes: int
    seconds: dict[str, float]
    signatures: tuple[SignatureProfile, ...]


def profile(loaded: Loaded, plan: Plan) -> Profile:
    """Measures signatures on cells from everywhere in some files, at most `MAX_CELLS`.

    Raises:
        SourceError: A file cannot be read.
    """
    sample, few = take_samples(plan, MAX_CELLS, ALONE_CELLS)
    seconds = dict.fromkeys(("join", "pass_one", "confirm"), 0.0)
    costs: dict[int, list[SignatureCost]] = {}
    hits = [0] * len(loaded.ruleset.signatures)
    matcher = HyperscanMatcher(loaded.program)
    matcher.match(pa.array([_LOADS_ALL]), "")
    for column, cells in sample.columns:
        matches = matcher.match(cells, column)
        for stage in seconds:
            seconds[stage] += getattr(matches.costs, f"{stage}_s")
        for number, cost in matches.costs.signatures:
            costs.setdefault(number, []).append(cost)
        for number in matches.signatures.tolist():
            hits[number] += 1
    rows = [
        _row(signature, _alone(signature, few), total(costs.get(number, [])), hits[number], sample.cells)
        for number, signature in enumerate(loaded.ruleset.signatures)
    ]
    alone_ns = max(sum(row.alone_ns for row in rows), 1e-9)
    rows = [replace(row, share=row.alone_ns / alone_ns) for row in rows]
    rows.sort(key=lambda row: -row.share)
    return Profile(
        cells=sample.cells,
        records=sample.records,
        records_in_all=sample.records_in_all,
        text_bytes=sum(text_bytes(cells) for _, cells in sample.columns),
        longest_bytes=max((_longest_bytes(cells) for _, cells in sample.columns), default=0),
        seconds=seconds,
        signatures=tuple(rows),
    )


def _longest_bytes(cells: Column) -> int:
    return int(pc.max(pc.binary_length(large_binary(cells))).as_py() or 0)


@dataclass(frozen=True, slots=True)
class _Alone:
    """Nanoseconds that both passes take for one signature, and seconds in all, without joining the cells."""

    seconds: float
    a_cell: float
    a_byte: float


def _alone(signature: Signature, few: Sample) -> _Alone:
    matcher = HyperscanMatcher(compile_ruleset(Ruleset((signature,), ruleset_digest([signature]))))
    seen_bytes, seconds = 0, 0.0
    for column, cells in few.columns:
        began = time.perf_counter()
        matches = matcher.match(cells, column)
        seconds += time.perf_counter() - began - matches.costs.join_s
        seen_bytes += text_bytes(cells)
    return _Alone(seconds, seconds / max(few.cells, 1) * 1e9, seconds / max(seen_bytes, 1) * 1e9)


def _row(signature: Signature, alone: _Alone, cost: SignatureCost, hits: int, cells: int) -> SignatureProfile:
    prices = [problem.message for problem in check_patterns([signature])]
    if prices:
        rung: Rung = "every cell"
    else:
        literals = all(isinstance(pattern, LiteralPattern) for pattern in signature.patterns)
        rung = "literals" if literals else "pass one"
    advice = "; ".join(prices) or _advice(signature, alone, cost, hits, cells)
    return SignatureProfile(signature, rung, alone.a_cell, alone.a_byte, 0.0, cost, hits, advice)


def _advice(signature: Signature, alone: _Alone, cost: SignatureCost, hits: int, cells: int) -> str:
    if hits > _MANY * cells:
        return f"hits {hits / cells:.0%} of the cells; is it meant to?"
    if cost.judged > _WASTED * max(hits, 1) and cost.judged > cells / 100:
        return "most of its candidates are no hits; add something rarer to the pattern or by `and`"
    if alone.seconds > _MEASURABLE_S and alone.a_cell > _SLOW_NS and alone.a_byte > _SLOW_NS_A_BYTE:
        return rewriting(signature)
    return ""


def rewriting(signature: Signature) -> str:
    """How the patterns of a slow signature could be written otherwise; empty where nothing of that is known.

    A literal has no border and no beginning that could be.
    """
    # Borders and repeats look alike in all dialects; translated, a border beyond ASCII would be four assertions.
    written = [
        list(tokens(each.regex, each.flags)) for each in signature.patterns if isinstance(each, RegexPattern)
    ]
    remedies = []
    if any(_begins_common(pattern) for pattern in written):
        remedies.append("begin with something rare")
    if any(_borders_repeat(pattern) for pattern in written):
        remedies.append("put no border before a class that repeats")
    return f"slow to look for; {', and '.join(remedies)}" if remedies else ""


def _begins_common(pattern: list[Token]) -> bool:
    """True unless a pattern begins with some characters that are always the same."""
    beginning = [token.kind for token in pattern if token.kind not in {"open", "border"}][: _RARE + 1]
    return beginning[:_RARE] != ["char"] * _RARE or beginning[_RARE:] == ["repeat"]


def _borders_repeat(pattern: list[Token]) -> bool:
    kinds = [token.kind for token in pattern if token.kind not in {"open", "close"}]
    return any(
        kinds[at] == "border" and kinds[at + 1] in {"atom", "dot"} and kinds[at + 2] == "repeat"
        for at in range(len(kinds) - 2)
    )
