"""Which cells can still make a condition true, for all cells of a batch at once.

The answer is that of `scanner.signatures.condition.possible` for each cell, at the price of a few array operations:
weak patterns that stand in a conjunction with rare ones do not reach the judge.
"""

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from scanner.signatures.condition import And, AtLeast, Condition, Not, Or, Ref

Mask = npt.NDArray[np.bool_]

Fired = Callable[[str], Mask | None]
"""bool[cells] where a pattern may match; None where that is every cell."""


def possible_cells(condition: Condition, fired: Fired) -> Mask | None:
    """bool[cells], False where the condition is certainly false; None where it may be true in every cell."""
    return _possible(condition, fired, negated=False)


def _possible(condition: Condition, fired: Fired, *, negated: bool) -> Mask | None:
    match condition:
        case Ref(name):
            return None if negated else fired(name)
        case Not(item):
            return _possible(item, fired, negated=not negated)
        case And(items):
            parts = (_possible(item, fired, negated=negated) for item in items)
            return _any(parts) if negated else _all(parts)
        case Or(items):
            parts = (_possible(item, fired, negated=negated) for item in items)
            return _all(parts) if negated else _any(parts)
        case AtLeast(count, refs):
            return None if negated else _at_least(count, [fired(ref.name) for ref in refs])


def _all(parts: Iterable[Mask | None]) -> Mask | None:
    known = None
    for part in parts:
        if part is not None:
            known = part if known is None else known & part
    return known


def _any(parts: Iterable[Mask | None]) -> Mask | None:
    known = None
    for part in parts:
        if part is None:
            return None
        known = part if known is None else known | part
    return known


def _at_least(count: int, masks: list[Mask | None]) -> Mask | None:
    some = [mask for mask in masks if mask is not None]
    missing = count - (len(masks) - len(some))
    if missing <= 0:
        return None
    return np.asarray(np.sum(some, axis=0, dtype=np.int32) >= missing)
