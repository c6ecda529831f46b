"""Compares the answers first, then measures: everybody in turn, so that a slow minute hits everybody."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.macro.contestants.contestant import Contestant
from benchmarks.macro.workload import COLUMN, GROUP_ROWS, Answer, Workload

TRIAL_ROWS: Final = 4_096
SAMPLE_ROWS: Final = (65_536, 16_384, TRIAL_ROWS)
SLOW_S: Final = 10.0
"""Who takes longer than this for the whole file gets a sample."""
QUICK_S: Final = 2.0
"""Who takes less than this is warmed before each round."""
ROUNDS: Final = 7
SAMPLE_ROUNDS: Final = 5


@dataclass(slots=True)
class Entry:
    """A contestant, its part of the file, and what it took.

    Attributes:
        contestant: Who.
        path: The file it reads.
        rows: Rows of it.
        text_bytes: Bytes of their texts.
        says_which: Whether it says which signature hits, not only that one does.
        cpu_s: Seconds of this process in each round.
        wall_s: Seconds of the clock in each round.
    """

    contestant: Contestant
    path: Path
    rows: int
    text_bytes: int
    says_which: bool = True
    cpu_s: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> list[float]:
        """Those of the contestant's clock."""
        return self.wall_s if self.contestant.clock == "wall" else self.cpu_s


@dataclass(frozen=True, slots=True)
class Agreed:
    """Contestants that gave the same answer.

    Attributes:
        entries: They, warm.
        hits: Pairs of row and signature in the whole file.
        rows_hit: Rows with a hit.
    """

    entries: list[Entry]
    hits: int
    rows_hit: int


class Samples:
    """The file of a workload, and its beginning as files of their own.

    Args:
        workload: Whose file; samples are written beside it.
    """

    def __init__(self, workload: Workload) -> None:
        self._path = workload.path
        self.rows = pq.read_metadata(workload.path).num_rows

    def head(self, rows: int) -> Path:
        """A file of the first rows."""
        if rows >= self.rows:
            return self._path
        path = self._path.with_name(f"{self._path.stem}-{rows}.parquet")
        if not path.exists():
            table = pq.read_table(self._path).slice(0, rows)
            pq.write_table(table, path, compression="zstd", row_group_size=GROUP_ROWS)
        return path


def agree(everybody: Sequence[Contestant], workload: Workload, slow_s: float = SLOW_S) -> Agreed | None:
    """Lets everybody answer once, which warms them up.

    Args:
        everybody: The first has to say which signature hits; its answer is what the others' are compared with.
        workload: The work.
        slow_s: Who takes longer for the whole file gets a sample of it.

    Returns:
        None, and said why, where answers differ.
    """
    samples = Samples(workload)
    entries = [_entry(each, samples, slow_s) for each in everybody]
    answers = [
        each.contestant.answer and each.contestant.answer(each.contestant.run(each.path)) for each in entries
    ]
    expected = answers[0]
    if expected is None:
        message = f"{everybody[0].name} gives no answer to compare with"
        raise ValueError(message)
    alike = True
    for entry, answer in zip(entries, answers, strict=True):
        if answer is not None:
            entry.says_which = answer.signatures is not None
            alike &= _is_same(everybody[0].name, expected.before(entry.rows), entry, answer)
    if not alike:
        print("no speed is printed, because these are not the same answers")
        return None
    return Agreed(entries, len(expected.keys(which=True)), len(expected.keys(which=False)))


def _entry(contestant: Contestant, samples: Samples, slow_s: float) -> Entry:
    trial = samples.head(TRIAL_ROWS)
    contestant.run(trial)
    started = time.process_time()
    contestant.run(trial)
    seconds = (time.process_time() - started) * samples.rows / min(TRIAL_ROWS, samples.rows)
    rows = samples.rows
    if seconds > slow_s and not contestant.whole:
        fits = [size for size in SAMPLE_ROWS if size < rows and seconds * size / rows < slow_s / 4]
        rows = min(rows, next(iter(fits), TRIAL_ROWS))
    path = samples.head(rows)
    texts = pq.read_table(path, columns=[COLUMN])[COLUMN]
    return Entry(contestant, path, rows, int(pc.sum(pc.binary_length(texts)).as_py() or 0))


def _is_same(first: str, expected: Answer, entry: Entry, answer: Answer) -> bool:
    wanted, found = (each.keys(which=entry.says_which) for each in (expected, answer))
    more, fewer = len(np.setdiff1d(found, wanted)), len(np.setdiff1d(wanted, found))
    if more or fewer:
        print(f"{entry.contestant.name} differs from {first}: {more} hits more, {fewer} fewer")
    return not more and not fewer


def measure(entries: Sequence[Entry], rounds: int = ROUNDS, sample_rounds: int = SAMPLE_ROUNDS) -> None:
    """Times everybody's rounds; who got a sample has fewer.

    Who is quick runs once more before, untimed: while the others had their turns, the system took memory back, and to
    get it anew costs as much as decoding, which nobody pays who works on.
    """
    whole = max(entry.rows for entry in entries)
    for nth in range(rounds):
        for entry in entries:
            if nth < (rounds if entry.rows == whole else sample_rounds):
                if entry.wall_s and entry.wall_s[-1] < QUICK_S:
                    entry.contestant.run(entry.path)
                _time(entry)


def _time(entry: Entry) -> None:
    cpu, wall = time.process_time(), time.perf_counter()
    entry.contestant.run(entry.path)
    entry.cpu_s.append(time.process_time() - cpu)
    entry.wall_s.append(time.perf_counter() - wall)
