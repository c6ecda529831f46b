"""Where the time of matching went: by stage, and by signature."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class SignatureCost:
    """What one signature cost.

    Attributes:
        candidates: Cells in which pass one saw any of its patterns; all cells, where it was not to look for them.
        judged: Cells that the judge was asked about; the others could not be hits any more.
        confirm_s: Seconds the judge took.
    """

    candidates: int = 0
    judged: int = 0
    confirm_s: float = 0.0


Spent = tuple[int, int, int, float]
"""The number of a signature, and the fields of a `SignatureCost`."""


@dataclass(frozen=True, slots=True)
class SignatureCosts:
    """What signatures cost, in columns; adding sums them up by signature.

    Attributes:
        numbers: int64[n], indices in the ruleset, unique.
        values: float64[n, 3], the fields of a `SignatureCost`.
    """

    numbers: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]

    @classmethod
    def of(cls, rows: Iterable[Spent]) -> "SignatureCosts":
        """What was spent on signatures, summed up."""
        columns = np.array(list(rows), np.float64).reshape(-1, 4)
        found = cls(columns[:, 0].astype(np.int64), columns[:, 1:])
        return found if len(set(found.numbers.tolist())) == len(columns) else cls.together([found])

    @classmethod
    def together(cls, several: "Sequence[SignatureCosts]") -> "SignatureCosts":
        """The costs of the signatures of all."""
        every = np.concatenate([NO_SIGNATURES.numbers, *(each.numbers for each in several)])
        numbers, places = np.unique(every, return_inverse=True)
        values = np.zeros((len(numbers), 3))
        np.add.at(values, places, np.concatenate([NO_SIGNATURES.values, *(each.values for each in several)]))
        return cls(numbers, values)

    def __iter__(self) -> Iterator[tuple[int, SignatureCost]]:
        for number, (candidates, judged, confirm_s) in zip(
            self.numbers.tolist(), self.values.tolist(), strict=True
        ):
            yield number, SignatureCost(int(candidates), int(judged), confirm_s)


NO_SIGNATURES: Final = SignatureCosts.of([])


@dataclass(frozen=True, slots=True)
class Costs:
    """What matching cost.

    Attributes:
        join_s: Seconds to bring cells into blocks of valid UTF-8.
        pass_one_s: Seconds to find candidates.
        confirm_s: Seconds to decide on them.
        events: Ends of matches that pass one reported.
        signatures: Only of those with candidates.
    """

    join_s: float = 0.0
    pass_one_s: float = 0.0
    confirm_s: float = 0.0
    events: int = 0
    signatures: SignatureCosts = NO_SIGNATURES


NO_COSTS = Costs()


def total(costs: Iterable[SignatureCost]) -> SignatureCost:
    """The sum of the costs of one signature."""
    every = list(costs)
    return SignatureCost(
        sum(each.candidates for each in every),
        sum(each.judged for each in every),
        sum(each.confirm_s for each in every),
    )
