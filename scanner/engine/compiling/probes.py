"""The ladder: for each regular expression, the strictest probe that Hyperscan compiles in time and memory.

First the pattern as it was loosened, then with coarser classes beyond ASCII, then with its large repeats made endless,
then in Hyperscan's PREFILTER mode. Where nothing helps, the judge reads every cell.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from scanner.engine.compiling.children import Children, CompileStopped, Limits, Stop
from scanner.engine.compiling.effort import positions, widen
from scanner.engine.compiling.verdicts import Verdict, Verdicts
from scanner.engine.dialects.translate import in_pcre
from scanner.engine.hyperscan import Batch, CompileRefused, Probe, compile_batch
from scanner.engine.patterns.loosen import Loose, NotForPassOne, loosen
from scanner.signatures.model import RegexPattern

LIGHT_POSITIONS: Final = 400
"""Positions that compile in a tenth of a second at most, of whatever shape: no child is needed for them."""


@dataclass(frozen=True, slots=True)
class Patience:
    """What one pattern may take to compile.

    Attributes:
        first_s: Seconds of CPU for a try where there is a lighter pattern to fall back on.
        last_s: Seconds of CPU for any other try.
        memory_bytes: Address space.
    """

    first_s: float = 1.0
    last_s: float = 10.0
    memory_bytes: int = 2 << 30


PATIENCE: Final = Patience()

Compile = Callable[[Probe, float], None]
"""Compiles a probe within some seconds of CPU; raises `CompileRefused` or `CompileStopped`."""


def probe_patterns(
    patterns: Iterable[RegexPattern], patience: Patience = PATIENCE
) -> dict[RegexPattern, Verdict]:
    """Finds out what pass one looks for in place of regular expressions.

    Each that is new to the cache is compiled alone, in a child process under limits.

    Args:
        patterns: The judge must take them.
        patience: Limits of each.

    Raises:
        EngineError: No child can be started.
    """
    known = _verdicts(patience)
    found = {pattern: known.get(pattern) for pattern in patterns}
    climbed = _climb_all([pattern for pattern, verdict in found.items() if verdict is None], patience)
    known.add(climbed)
    return {pattern: verdict or climbed[pattern] for pattern, verdict in found.items()}


@lru_cache(maxsize=8)
def _verdicts(patience: Patience) -> Verdicts:
    return Verdicts(repr(patience))


def _climb_all(patterns: list[RegexPattern], patience: Patience) -> dict[RegexPattern, Verdict]:
    rungs: dict[RegexPattern, list[Probe]] = {}
    verdicts: dict[RegexPattern, Verdict] = {}
    effort = 0
    for pattern in patterns:
        try:
            loose = loosen(in_pcre(pattern))
        except NotForPassOne as refusal:
            verdicts[pattern] = Verdict(None, refusal.reason)
        else:
            rungs[pattern] = list(_rungs(loose))
            effort += positions(loose.regex)
    if effort <= LIGHT_POSITIONS:
        return verdicts | {pattern: _climb(each, _here, patience) for pattern, each in rungs.items()}
    with Children() as children:

        def there(probe: Probe, cpu_s: float) -> None:
            limits = Limits(cpu_s, patience.memory_bytes)
            children.compile(Batch.of([probe], [0]), limits, wanted=False)

        climbed = children.map(lambda each: _climb(each, there, patience), rungs.values())
        return verdicts | dict(zip(rungs, climbed, strict=True))


def _here(probe: Probe, _cpu_s: float) -> None:
    compile_batch(Batch.of([probe], [0]))


def _rungs(loose: Loose) -> Iterator[Probe]:
    wide = widen(loose.coarse)
    for expression in dict.fromkeys((loose.regex, loose.coarse, wide)):
        yield Probe(expression.encode(), literal=False)
    yield Probe(wide.encode(), literal=False, prefilter=True)


def _climb(rungs: list[Probe], compile_probe: Compile, patience: Patience) -> Verdict:
    reason = ""
    stopped: Stop | None = None
    for probe in rungs:
        lighter = probe.expression != rungs[-1].expression
        try:
            compile_probe(probe, patience.first_s if lighter else patience.last_s)
        except CompileRefused as refusal:
            reason = reason or str(refusal)
        except CompileStopped as stop:
            reason, stopped = reason or _STOPPED[stop.why], stopped or stop.why
        else:
            return Verdict(probe, reason, stopped)
    return Verdict(None, reason, stopped)


_STOPPED: Final = {
    Stop.TIME: "compiling it takes too long",
    Stop.MEMORY: "compiling it takes too much memory",
    Stop.DEATH: "compiling it ends the engine's compiler",
}
