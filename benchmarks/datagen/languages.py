"""What the background is written with: one file of clauses and words a language."""

import random
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

FOLDER = Path(__file__).with_name("languages")
_SLOT = re.compile(r"\{([^}]+)\}")


@dataclass(frozen=True, slots=True)
class Language:
    """A language's share of the archive and what its texts are made of.

    Attributes:
        code: ISO 639-1.
        weight: Share of the authors, relative to the other languages'.
        regions: ISO 3166-1 codes of the authors' regions.
        joiner: What stands between two clauses; empty where words are not parted.
        openers: What a post may begin with.
        closers: What a post may end with.
        clauses: Templates with ``{slot}``.
        slots: The words of each slot.
    """

    code: str
    weight: int
    regions: tuple[str, ...]
    joiner: str
    openers: tuple[str, ...]
    closers: tuple[str, ...]
    clauses: tuple[str, ...]
    slots: dict[str, tuple[str, ...]]

    def clause(self, rng: random.Random) -> str:
        """One clause with its slots filled."""
        return _SLOT.sub(lambda slot: rng.choice(self.slots[slot[1]]), rng.choice(self.clauses))


def read_languages() -> tuple[Language, ...]:
    """All languages, sorted by code."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.yaml")))


def _read(path: Path) -> Language:
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Language(
        code=path.stem,
        weight=written["weight"],
        regions=tuple(written["regions"]),
        joiner=written["joiner"],
        openers=tuple(written["openers"]),
        closers=tuple(written["closers"]),
        clauses=tuple(written["clauses"]),
        slots={name: tuple(words) for name, words in written["slots"].items()},
    )
