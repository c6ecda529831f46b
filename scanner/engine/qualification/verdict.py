"""The verdict on the engine of this process: reached once for each build and CPU, kept, and asked for before matching.

A build that misses is refused, because nothing else could tell a clean result from a missed one.
"""

import json
import math
import random
import time
from dataclasses import asdict, dataclass
from functools import cache as once
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from scanner import cache
from scanner.engine import cpu, hyperscan, pcre
from scanner.engine.hyperscan import Build
from scanner.engine.qualification.battery import CASES
from scanner.engine.qualification.examine import (
    Findings,
    Miss,
    examine_case,
    examine_literals,
    examine_patterns,
    examine_prefilter,
)
from scanner.errors import EngineError

PATTERNS: Final = 450
"""Invented patterns of the usual run, which must take few seconds on a slow core."""

SEED: Final = 20_260_103

_KINDS: Final = (*(examine_patterns,) * 12, examine_prefilter, examine_literals)
"""The turns of the invention."""

_verdicts: dict[str, "Verdict"] = {}
"""By key: the verdicts that this process knows."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an examination of the engine came to.

    Attributes:
        passed: True where no match was missed.
        digest: 64 hex digits over build, CPU, battery and outcome.
        cases: Known defects that were tried.
        random_patterns: Invented patterns that were tried.
        random_literals: Invented literals that were tried.
        ends: Ends of matches that were looked for.
        missed: How often a pattern had an end in a text that was not reported.
        misses: The first of these, one a pattern.
        false_ends: Ends reported that are none; they cost time only, so they do not disqualify.
        engine: The build.
        cpu: The CPU's name.
        key: Names what the verdict holds for: build, CPU, judge and battery.
    """

    passed: bool
    digest: str
    cases: int
    random_patterns: int
    random_literals: int
    ends: int
    missed: int
    misses: tuple[Miss, ...]
    false_ends: int
    engine: str
    cpu: str
    key: str

    def to_json(self) -> bytes:
        """UTF-8 JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Verdict":
        """The verdict that `to_json` wrote."""
        values = json.loads(data)
        return cls(**{**values, "misses": tuple(Miss(**miss) for miss in values["misses"])})


def qualify(patterns: int = PATTERNS, *, seed: int = SEED, limit_s: float = math.inf) -> Verdict:
    """Examines the engine now.

    Args:
        patterns: How many patterns to invent at least, besides the known defects.
        seed: Of their invention.
        limit_s: After which to invent no more.
    """
    findings, end = Findings(), time.monotonic() + limit_s
    for case in CASES:
        examine_case(case, findings)
    dice = random.Random(seed)  # noqa: S311 - not a secret: the same patterns are wanted everywhere
    # Bounded, because an engine may refuse whatever it is given.
    for turn in range(patterns):
        if findings.patterns >= patterns or time.monotonic() >= end:
            break
        _KINDS[turn % len(_KINDS)](dice, findings)
    return _verdict(findings)


def _verdict(findings: Findings) -> Verdict:
    build, key = hyperscan.build(), _key()
    outcome = [findings.patterns, findings.literals, findings.ends, list(map(str, findings.misses))]
    return Verdict(
        passed=findings.missed == 0,
        digest=cache.key(key, json.dumps(outcome)),
        cases=len(CASES),
        random_patterns=findings.patterns,
        random_literals=findings.literals,
        ends=findings.ends,
        missed=findings.missed,
        misses=tuple(findings.misses),
        false_ends=findings.false_ends,
        engine=str(build),
        cpu=cpu.this().name,
        key=key,
    )


@once
def _key() -> str:
    build, here = hyperscan.build(), cpu.this()
    judge = f"pcre2 {pcre.version()}"
    return cache.key(
        "engine verdict",
        build.package,
        build.info,
        build.digest,
        here.name,
        *here.features,
        judge,
        _battery(),
    )


def _battery() -> str:
    """A digest of the battery: of its code, because a change of any of it may change the outcome."""
    folder = Path(__file__).parent
    files = [*sorted(folder.glob("*.py")), folder.parent / "hyperscan.py", folder.parent / "pcre.py"]
    return sha256(b"".join(sha256(file.read_bytes()).digest() for file in files)).hexdigest()


def qualified(*, fresh: bool = False) -> Verdict:
    """The verdict on this engine: as this process or an earlier one reached it, or reached now.

    Args:
        fresh: True to reach it anew.

    Raises:
        EngineError: The engine does not run at all.
    """
    key = _key()
    if fresh:
        _verdicts.pop(key, None)
    if key not in _verdicts:
        stored = None if fresh else cache.load(key)
        _verdicts[key] = qualify() if stored is None else Verdict.from_json(stored)
        if stored is None:
            cache.store(key, _verdicts[key].to_json())
    return _verdicts[key]


def adopt(verdict: Verdict) -> None:
    """Takes over what another process found out, so that a worker need not examine again what its driver has.

    It holds where build and CPU are the same; elsewhere it is not looked at.
    """
    _verdicts.setdefault(verdict.key, verdict)


def require_qualified() -> Verdict:
    """Refuses an engine that misses.

    Returns:
        The verdict, which is good.

    Raises:
        EngineError: The engine misses matches, or does not run; it says what to install.
    """
    verdict = qualified()
    if not verdict.passed:
        raise EngineError(refusal(verdict))
    return verdict


def refusal(verdict: Verdict) -> str:
    """What to tell a user whose engine misses: what, and what to do."""
    lines = [
        f"the engine {verdict.engine} misses matches on this machine ({verdict.cpu}), so it is not used:",
        *(f"  {miss}" for miss in verdict.misses),
    ]
    if verdict.missed > len(verdict.misses):
        lines.append(f"  and {verdict.missed - len(verdict.misses)} more")
    return "\n".join([*lines, remedy(hyperscan.build())])


def remedy(build: Build) -> str:
    """What to do about a build that misses."""
    pinned = hyperscan.pinned_version()
    if build.package == pinned:
        return "This build is the right one and fails on this CPU; run hindcast on another machine, and report it."
    return f"Install the build that does not: pip install 'hyperscan=={pinned}'"


def record() -> dict[str, Any]:
    """What ``run.json`` says about the engine; it must have been found good."""
    verdict = require_qualified()
    names = ("passed", "digest", "cases", "random_patterns")
    return {
        "hyperscan": verdict.engine,
        "pcre2": pcre.version(),
        "cpu": verdict.cpu,
        "qualification": {name: getattr(verdict, name) for name in names},
    }
