"""Where splits run: in this process, or as tasks of a Ray cluster. Both keep one contract, `Executor`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from jobs.driver import SplitDone, SplitLost
from scanner.archive.plan import Split


@dataclass(frozen=True, slots=True)
class Task:
    """Splits that one worker runs one after the other; each of them commits by itself.

    Attributes:
        splits: The splits with their numbers.
        footers: Footers of their files, by URI; a file that is not in here is asked for its own.
    """

    splits: tuple[tuple[int, Split], ...]
    footers: Mapping[str, bytes]


class Executor(Protocol):
    """Runs tasks and says how each of their splits ended.

    Every split that was submitted comes out of `wait` exactly once.
    """

    @property
    def name(self) -> str:
        """What a user calls it: ``inline`` or ``ray``."""

    @property
    def slots(self) -> int:
        """How many tasks may be under way at once; may change while a hunt runs."""

    def submit(self, task: Task) -> None:
        """Takes one more task."""

    def wait(self) -> SplitDone | SplitLost:
        """Blocks until one of the submitted splits has ended, however it ended.

        A split that raised, or whose worker died too often, is a `SplitLost`: it has published nothing.
        """

    def close(self) -> None:
        """Ends what is still under way and gives back what was started; does nothing the second time."""
