"""``python -m benchmarks.macro.noisy``: what one signature that hits most texts costs those beside it.

A split is hunted with 500 selective signatures, and with one more that hits most texts, of which a sample is stored:
by a matcher that finds that out and leaves it out of pass one, and by one that does not.
The counts of all and the hits of the others are compared first.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.macro.contestants.hindcast_split import settings_for
from benchmarks.macro.record import RESULTS, surroundings, write_record
from benchmarks.macro.workload import COLUMN, Workload
from benchmarks.macro.workloads import TEXTS, recipes
from scanner.archive.plan import Plan, make_plan
from scanner.engine.flood import LearningMatcher
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.matches import Matcher
from scanner.engine.program import compile_ruleset
from scanner.results import layout
from scanner.results.limits import Limits
from scanner.results.report import SplitReport
from scanner.scan.split import run_split
from scanner.signatures.condition import Ref
from scanner.signatures.digests import logic_digest, ruleset_digest
from scanner.signatures.model import RegexPattern, Ruleset, Signature

STORED: Final = 10_000
ROUNDS: Final = 7
NOISY: Final = "bench.noisy"
REGEX: Final = "[.,?!]"
"""What three quarters of the posts hold, if nothing else is asked for."""


@dataclass(frozen=True, slots=True)
class Hunted:
    """One run of the split.

    Attributes:
        seconds: Of the process and all its threads.
        report: What became of it.
        stored: Rows of stored hits by signature, sorted.
    """

    seconds: float
    report: SplitReport
    stored: dict[str, list[int]]


def main() -> int:
    """Makes the workload, checks, measures, prints and records; 1 where the answers differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.macro.noisy", description=__doc__)
    parser.add_argument("--regex", default=REGEX, help="what is noisy (%(default)s), as RE2 reads it too")
    parser.add_argument("--texts", type=int, default=TEXTS, help="of the file (%(default)s)")
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="folder for the record (benchmarks/results)"
    )
    asked = parser.parse_args()
    started_at = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        workload = recipes()["selective"].make(Path(folder), asked.texts)
        learnt, (without, unlearnt, beside) = _measure(workload, asked.regex)
        pairs = [(without[0], each[0]) for each in (unlearnt, beside)]
        wrong = [words for pair in pairs for words in _wrong(workload, asked.regex, *pair)]
    if wrong:
        print("\n".join(wrong))
        return 1
    runs = {"without": without, "unlearnt": unlearnt, "with": beside}
    seconds = {name: [each.seconds for each in some] for name, some in runs.items()}
    median = {name: statistics.median(each) for name, each in seconds.items()}
    found = {
        "regex": asked.regex,
        "texts": asked.texts,
        "signatures": len(workload.ruleset.signatures),
        "noisy_hits": _counts(beside[0])[NOISY],
        "stored_hits_per_signature": STORED,
        "splits_until_learnt": learnt,
        "seconds": seconds,
        "times": {name: round(each / median["without"], 2) for name, each in median.items()},
        "stages": {name: dict(some[-1].report.stages) for name, some in runs.items()},
    }
    command = f"python -m benchmarks.macro.noisy --regex {asked.regex!r} --texts {asked.texts}"
    record = {"benchmark": "noisy", "command": command, **surroundings(started_at), **found}
    print(
        f"{asked.texts:,} texts, {found['noisy_hits']:,} of them hit by one of {found['signatures'] + 1} signatures: "
        f"{median['with']:.3f} s after {learnt} splits, {median['unlearnt']:.3f} s before, "
        f"{median['without']:.3f} s without it; times {found['times']}"
    )
    print(f"recorded in {write_record(record, started_at, asked.out)}")
    return 0


def _measure(workload: Workload, regex: str) -> tuple[int, list[list[Hunted]]]:
    """How many splits it took to find out, and runs without the noisy signature, before that and after it."""
    plan = make_plan([str(workload.path)], [COLUMN])
    runs: list[list[Hunted]] = [[], [], []]
    noisy = compile_ruleset(_with_noise(workload.ruleset, regex))
    learning, learnt = LearningMatcher(noisy), 0
    while not learning.flooding:
        _hunt(plan, learning, workload.path.parent / f"learns-{learnt}")
        learnt += 1
    matchers: tuple[Matcher, ...] = (
        HyperscanMatcher(compile_ruleset(workload.ruleset)),
        HyperscanMatcher(noisy),
        learning,
    )
    for number in range(ROUNDS + 1):
        for which, matcher in enumerate(matchers):
            hunted = _hunt(plan, matcher, workload.path.parent / f"{which}-{number}")
            if number:  # the first one warms up
                runs[which].append(hunted)
    return learnt, runs


def _with_noise(ruleset: Ruleset, regex: str) -> Ruleset:
    pattern, condition = RegexPattern("pattern", regex, ""), Ref("pattern")
    digest = logic_digest((pattern,), condition, None, ("raw",), ())
    signatures = (*ruleset.signatures, Signature(NOISY, (pattern,), condition, digest))
    return Ruleset(signatures, ruleset_digest(signatures))


def _hunt(plan: Plan, matcher: Matcher, out: Path) -> Hunted:
    uri = layout.run_uri(str(out), "bench", "run")
    settings = replace(settings_for(plan, uri), limits=Limits(stored_hits_per_signature=STORED))
    started = time.process_time()
    (report,) = [run_split(split, matcher, settings) for split in plan.splits]
    seconds = time.process_time() - started
    stored: dict[str, list[int]] = {}
    file = layout.split_hits_uri(uri, report.hits_file or "")
    for row in pq.read_table(file, columns=["signature_id", "row_index"]).to_pylist():
        stored.setdefault(row["signature_id"], []).append(row["row_index"])
    return Hunted(seconds, report, {name: sorted(rows) for name, rows in stored.items()})


def _counts(hunted: Hunted) -> dict[str, int]:
    return dict(hunted.report.signature_hits)


def _wrong(workload: Workload, regex: str, without: Hunted, beside: Hunted) -> Iterator[str]:
    """What is not as it must be."""
    texts: Any = pq.read_table(workload.path, columns=[COLUMN])[COLUMN]
    hit = pc.match_substring_regex(texts, regex).to_numpy()
    if _counts(beside) != _counts(without) | {NOISY: int(hit.sum())}:
        yield "the counts of the two hunts differ, or that of the noisy signature is wrong"
    if {name: rows for name, rows in beside.stored.items() if name != NOISY} != without.stored:
        yield "the hits beside the noisy signature are others"
    rows = beside.stored[NOISY]
    if not hit[rows].all() or len(set(rows)) != len(rows) or len(rows) < min(STORED, hit.sum()):
        yield "of the noisy signature other hits are stored than a sample"


if __name__ == "__main__":
    sys.exit(main())
