"""One way to answer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.macro.workload import Answer


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to answer.

    Attributes:
        name: What is printed.
        run: Does the work once, on a file like the workload's; this is what is timed.
        answer: Turns what ``run`` gave into something that can be compared, untimed; None where there is no answer.
        clock: ``cpu`` for the time of this process and its threads; ``wall`` where others work for it.
        whole: Whether it reads the whole file however long that takes, because it is slow to begin with.
    """

    name: str
    run: Callable[[Path], Any]
    answer: Callable[[Any], Answer] | None
    clock: Literal["cpu", "wall"] = "cpu"
    whole: bool = False
