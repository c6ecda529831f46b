"""Which machines of a cluster a hunt wants: the key ``cluster`` of its file."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from scanner.signatures import source

MOST_CPUS: Final = 100_000

_KEYS: Final = ("spot", "cpus")
_SPOT: Final = {"ray.io/market-type": "spot"}
"""The label by which Ray knows machines that their provider may take back."""

Wrong = Callable[[source.Path, str], None]


@dataclass(frozen=True, slots=True)
class Machines:
    """Machines that a hunt wants of a cluster.

    Attributes:
        spot: True for spot machines first, and others where there are none.
        cpus: How many CPUs it uses at most; None for what there is.
    """

    spot: bool = False
    cpus: int | None = None

    @property
    def labels(self) -> dict[str, str]:
        """Labels that new machines should have."""
        return _SPOT if self.spot else {}

    def options(self, memory_bytes: int | None) -> dict[str, Any]:
        """What a task asks of Ray.

        Args:
            memory_bytes: What its worker may need; None to ask for no memory.
        """
        options: dict[str, Any] = {} if memory_bytes is None else {"memory": memory_bytes}
        if self.spot:
            # Without the second, tasks would wait for ever on a cluster that has no such machine.
            options |= {"label_selector": _SPOT, "fallback_strategy": [{"label_selector": {}}]}
        return options

    def at_most(self, tasks: int) -> int:
        """How many tasks may be sent at once where there are so many: each takes a CPU."""
        return tasks if self.cpus is None else min(tasks, self.cpus)

    def as_written(self) -> dict[str, object]:
        """The same as keys of a hunt file."""
        spot: dict[str, object] = {"spot": True} if self.spot else {}
        return spot if self.cpus is None else {**spot, "cpus": self.cpus}


ANY_MACHINES: Final = Machines()


def read_machines(value: source.Value | None, wrong: Wrong) -> Machines:
    """Reads the value of ``cluster``.

    Args:
        value: As it stands in the file; None where it does not.
        wrong: Is told what is wrong, and with which key.
    """
    if value is None:
        return ANY_MACHINES
    if not isinstance(value, dict):
        wrong(("cluster",), "must be a map; write `spot: true` below it, indented")
        return ANY_MACHINES
    for key in value.keys() - set(_KEYS):
        known = ", ".join(f"`{name}`" for name in _KEYS)
        wrong(("cluster", key), f"there is no such key; the keys here are {known}")
    spot, cpus = value.get("spot", "false"), value.get("cpus")
    if spot not in ("true", "false"):
        wrong(("cluster", "spot"), "must be `true` or `false`")
    if cpus is None:
        return Machines(spot == "true")
    fits = isinstance(cpus, str) and re.fullmatch("[0-9]{1,6}", cpus) and 1 <= int(cpus) <= MOST_CPUS
    if not fits:
        wrong(("cluster", "cpus"), f"must be a whole number from 1 to {MOST_CPUS}")
        return Machines(spot == "true")
    return Machines(spot == "true", int(str(cpus)))
