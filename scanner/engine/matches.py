"""What every matcher answers, and the seam that all matchers stand behind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Final, Protocol

import numpy as np

from scanner.engine.costs import NO_COSTS, Costs
from scanner.signatures.model import Ruleset
from scanner.views.raw import Column, Int64s

MAX_SPANS = 1_000
"""Spans kept of one cell and signature; ``match_count`` goes on counting past them."""


Wanted = Callable[[int, Int64s], "np.ndarray[Any, np.dtype[np.bool_]]"]
"""Of a signature and int64[n], cells that it hits: bool[n], False for hits that nobody will keep."""


@dataclass(frozen=True, slots=True)
class MatchError:
    """A cell of which it could not be decided whether a signature hits it.

    Attributes:
        cell: Index of the cell in the column that was matched.
        signature: Index of the signature in the ruleset.
        reason: The engine's words, without content.
    """

    cell: int
    signature: int
    reason: str


@dataclass(frozen=True, slots=True)
class Matches:
    """Confirmed hits in one column of cells, in columns of their own, sorted by cell, then signature.

    The spans of hit ``i`` are ``span_starts[span_offsets[i]:span_offsets[i + 1]]`` and the same of
    ``span_ends``: bytes ``[start, end)`` of the raw cell, sorted, unique, at most `MAX_SPANS`. They are the
    matches of the patterns that speak for the signature (those not negated in its condition), each pattern
    leftmost and not overlapping itself.

    Attributes:
        cells: int64[n], index of the cell.
        signatures: int64[n], index of the signature in the ruleset.
        match_counts: int64[n], matches of all patterns that speak for the signature, summed; never capped.
        span_offsets: int64[n + 1].
        span_starts: int64[span_offsets[n]].
        span_ends: int64[span_offsets[n]].
        errors: Cells that could not be decided.
        counted: By signature, cells that it hits beside those that are listed.
        invalid_cells: Cells that were not valid UTF-8 and were matched repaired.
        costs: Where the time went, of matchers that keep account of it.
    """

    cells: Int64s
    signatures: Int64s
    match_counts: Int64s
    span_offsets: Int64s
    span_starts: Int64s
    span_ends: Int64s
    errors: tuple[MatchError, ...] = ()
    counted: Mapping[int, int] = field(default_factory=dict)
    invalid_cells: int = 0
    costs: Costs = field(default=NO_COSTS, compare=False)

    def __len__(self) -> int:
        return len(self.cells)

    @classmethod
    def together(cls, pieces: "Sequence[Matches]") -> "Matches":
        """The listed hits of several columns one behind the other, each with the cell that it had; without costs."""
        counts = [np.diff(piece.span_offsets) for piece in pieces]
        return cls(
            cells=np.concatenate([piece.cells for piece in pieces]),
            signatures=np.concatenate([piece.signatures for piece in pieces]),
            match_counts=np.concatenate([piece.match_counts for piece in pieces]),
            span_offsets=np.append(0, np.cumsum(np.concatenate(counts))),
            span_starts=np.concatenate([piece.span_starts for piece in pieces]),
            span_ends=np.concatenate([piece.span_ends for piece in pieces]),
            errors=tuple(chain.from_iterable(piece.errors for piece in pieces)),
            invalid_cells=sum(piece.invalid_cells for piece in pieces),
        )

    def where(self, mask: "np.ndarray[Any, np.dtype[np.bool_]]") -> "Matches":
        """Some of the listed hits, with their spans; errors, counts and costs stay.

        Args:
            mask: bool[n], True for those to keep.
        """
        counts = np.diff(self.span_offsets)
        spans = np.repeat(mask, counts)
        return replace(
            self,
            cells=self.cells[mask],
            signatures=self.signatures[mask],
            match_counts=self.match_counts[mask],
            span_offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts[mask])]),
            span_starts=self.span_starts[spans],
            span_ends=self.span_ends[spans],
        )

    def spans(self, hit: int) -> list[tuple[int, int]]:
        """Spans of one hit, sorted."""
        run = slice(self.span_offsets[hit], self.span_offsets[hit + 1])
        return list(zip(self.span_starts[run].tolist(), self.span_ends[run].tolist(), strict=True))


_NONE: Final = np.zeros(0, np.int64)
NO_MATCHES: Final = Matches(_NONE, _NONE, _NONE, np.zeros(1, np.int64), _NONE, _NONE)


class Matcher(Protocol):
    """Finds the hits of a ruleset in columns of text."""

    @property
    def ruleset(self) -> Ruleset:
        """The ruleset whose indices the answers use."""

    @property
    def judging(self) -> str | None:
        """Id of the signature whose candidates are being judged, for another thread to see; None at other times."""

    def match(self, cells: Column, column: str, wanted: Wanted | None = None) -> Matches:
        """Finds every hit in one column.

        Args:
            cells: ``string``, ``large_string``, ``string_view``, ``binary``, ``large_binary``,
                ``binary_view``,
                ``fixed_size_binary[w]`` or a dictionary of one of them, length n, nullable. Nulls never
                match.
            column: The hunt's path of the column; signatures restricted to other columns are left out.
            wanted: May be asked about hits, and be asked again about the same; those it says no to may be counted
                instead of listed. None where all are to be listed.

        Returns:
            Hits sorted by cell, then signature.
        """
