"""What every contestant is asked, and the form in which it answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from scanner.signatures.condition import evaluate
from scanner.signatures.model import Pattern, Ruleset, Signature

Int64s = npt.NDArray[np.int64]

COLUMN: Final = "text"
ROW: Final = "row"
GROUP_ROWS: Final = 122_880
"""Rows of a row group, as DuckDB writes them."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A file and the signatures to look for in it.

    Attributes:
        name: Names its record.
        about: What it is, for the head of its table.
        path: A Parquet file with columns ``row``, int64 from 0, and ``text``, string.
        ruleset: Signatures that every contestant can express.
        left_out: Signatures that some contestant cannot express.
    """

    name: str
    about: str
    path: Path
    ruleset: Ruleset
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """Which rows are hit; equal work gives equal answers.

    Attributes:
        rows: int64[n], rows of the file.
        signatures: int64[n], the signature that hits each; None where the contestant cannot say which.
    """

    rows: Int64s
    signatures: Int64s | None = None

    def keys(self, *, which: bool) -> Int64s:
        """The unique rows, or with ``which`` the unique pairs of row and signature, as sorted numbers."""
        if not which or self.signatures is None:
            return np.unique(self.rows)
        return np.unique(self.rows << 32 | self.signatures)

    def before(self, row: int) -> "Answer":
        """The part of it about the rows before one."""
        part = self.rows < row
        return Answer(self.rows[part], None if self.signatures is None else self.signatures[part])


def write_texts(path: Path, texts: Sequence[str | None]) -> None:
    """Writes a file as contestants read it: zstd, row groups of `GROUP_ROWS`."""
    table = pa.table({ROW: pa.array(range(len(texts)), pa.int64()), COLUMN: pa.array(texts, pa.string())})
    pq.write_table(table, path, compression="zstd", row_group_size=GROUP_ROWS)


def patterns_of(ruleset: Ruleset) -> Iterator[tuple[int, Pattern]]:
    """Every pattern with the index of its signature; those of ``allow`` follow those of ``patterns``."""
    for number, signature in enumerate(ruleset.signatures):
        for pattern in (*signature.patterns, *signature.allow):
            yield number, pattern


class Decision:
    """Turns what matched where into hits, for contestants that know patterns only.

    Args:
        ruleset: The signatures.
        owners: int64[n], of what the contestant looks for: indices into `patterns_of`; None where these are the same.
    """

    def __init__(self, ruleset: Ruleset, owners: Int64s | None = None) -> None:
        patterns = list(patterns_of(ruleset))
        signatures = np.array([number for number, _ in patterns], np.int64)
        self._patterns = [pattern for _, pattern in patterns]
        self._owners = np.arange(len(patterns)) if owners is None else owners
        self._signatures = signatures[self._owners]
        self._ruleset = ruleset
        self._alone = len(patterns) == len(ruleset.signatures)

    def hits(self, rows: Int64s, found: Int64s) -> Answer:
        """The hits of rows and what was found in them: where signatures have one pattern each, just these.

        Args:
            rows: int64[n].
            found: int64[n], numbers of what the contestant looks for.
        """
        if self._alone:
            return Answer(rows, self._signatures[found])
        fired: dict[tuple[int, int], set[Pattern]] = {}
        columns = (rows.tolist(), self._signatures[found].tolist(), self._owners[found].tolist())
        for row, signature, pattern in zip(*columns, strict=True):
            fired.setdefault((row, signature), set()).add(self._patterns[pattern])
        hits = [key for key, matched in fired.items() if _is_hit(self._ruleset.signatures[key[1]], matched)]
        both = np.array(hits, np.int64).reshape(-1, 2)
        return Answer(both[:, 0], both[:, 1])


def _is_hit(signature: Signature, matched: set[Pattern]) -> bool:
    true = {pattern.name for pattern in signature.patterns if pattern in matched}
    return evaluate(signature.condition, true.__contains__) and matched.isdisjoint(signature.allow)
