"""Where splits run: in this process, or as tasks of a Ray cluster. Both keep one contract, `Executor`."""

from typing import Protocol

from jobs.driver import SplitDone, SplitLost
from scanner.archive.plan import Split


class Executor(Protocol):
    """Runs splits and says how each ended.

    Every split that was submitted comes out of `wait` exactly once.
    """

    @property
    def name(self) -> str:
        """What a user calls it: ``inline`` or ``ray``."""

    @property
    def slots(self) -> int:
        """How many splits may be under way at once; may change while a hunt runs."""

    def submit(self, split: Split) -> None:
        """Takes one more split."""

    def wait(self) -> SplitDone | SplitLost:
        """Blocks until one of the submitted splits has ended, however it ended.

        A split that raised, or whose worker died too often, is a `SplitLost`: it has published nothing.
        """

    def close(self) -> None:
        """Ends what is still under way and gives back what was started; does nothing the second time."""
