"""Which CPU this is: an engine chooses its code by what the CPU can do."""

import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_LINUX: Final = Path("/proc/cpuinfo")
_NAMES: Final = ("model name", "CPU implementer", "CPU part")
_FEATURES: Final = ("flags", "Features")


@dataclass(frozen=True, slots=True)
class Cpu:
    """A CPU.

    Attributes:
        name: Its architecture and name.
        features: What it can do, sorted; empty where the system does not tell.
    """

    name: str
    features: tuple[str, ...]


def parse(architecture: str, text: str) -> Cpu:
    """Reads what Linux tells of its first CPU.

    Args:
        architecture: Such as ``x86_64``.
        text: What ``/proc/cpuinfo`` says.
    """
    first = text.strip().partition("\n\n")[0]
    facts = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())
    }
    names = [facts[name] for name in _NAMES if name in facts]
    features = {feature for name in _FEATURES for feature in facts.get(name, "").split()}
    return Cpu(" ".join([architecture, *names]), tuple(sorted(features)))


@cache
def this() -> Cpu:
    """The CPU of this machine."""
    try:
        text = _LINUX.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Cpu(f"{platform.machine()} {platform.processor()}".strip(), ())
    return parse(platform.machine(), text)
