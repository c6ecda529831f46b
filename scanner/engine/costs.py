"""Where the time of matching went: by stage, and by signature."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignatureCost:
    """What one signature cost.

    Attributes:
        candidates: Cells in which pass one saw any of its patterns.
        judged: Cells that the judge was asked about; the others could not be hits any more.
        confirm_s: Seconds the judge took.
    """

    candidates: int = 0
    judged: int = 0
    confirm_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Costs:
    """What matching cost.

    Attributes:
        join_s: Seconds to bring cells into blocks of valid UTF-8.
        pass_one_s: Seconds to find candidates.
        confirm_s: Seconds to decide on them.
        events: Ends of matches that pass one reported.
        signatures: By index in the ruleset; only those with candidates.
    """

    join_s: float = 0.0
    pass_one_s: float = 0.0
    confirm_s: float = 0.0
    events: int = 0
    signatures: tuple[tuple[int, SignatureCost], ...] = ()


NO_COSTS = Costs()


def total(costs: Iterable[SignatureCost]) -> SignatureCost:
    """The sum of the costs of one signature."""
    every = list(costs)
    return SignatureCost(
        sum(each.candidates for each in every),
        sum(each.judged for each in every),
        sum(each.confirm_s for each in every),
    )
