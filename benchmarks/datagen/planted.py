"""What is planted: for each signature of the shipped pack, texts that it must hit and no other does."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.datagen.inventions import INVENTIONS

FOLDER = Path(__file__).with_name("planted")
COLUMNS = ("text", "caption", "author.bio", "replies[].text")
_CHOICE = re.compile(r"\{([^}]*)\}")
_ODDS = {"text": 12, "replies[].text": 4, "caption": 3, "author.bio": 2}


@dataclass(frozen=True, slots=True)
class Template:
    """A text with choices.

    Attributes:
        text: ``{a|b}`` is one of them, ``{@name}`` an invention.
        also: Other signatures that hit the text too.
    """

    text: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Planting:
    """How content for one signature is made.

    Attributes:
        signature_id: The signature that has to find it.
        templates: What is planted.
        weight: Share of the planted items, relative to the other signatures'.
        any_case: True where letters may be written in either case.
        glued: True where background may touch the text without a space.
        languages: Codes of the languages of the background around it.
        columns: Where it may be planted, of `COLUMNS`.
    """

    signature_id: str
    templates: tuple[Template, ...]
    weight: int = 1
    any_case: bool = False
    glued: bool = False
    languages: tuple[str, ...] = ("en",)
    columns: tuple[str, ...] = COLUMNS

    def column(self, rng: random.Random) -> str:
        """A column for one item; posts are likelier than profiles."""
        return rng.choices(self.columns, [_ODDS[column] for column in self.columns])[0]

    def write(self, rng: random.Random) -> tuple[str, tuple[str, ...]]:
        """One planted text.

        Args:
            rng: Where the choices come from.

        Returns:
            The text, and the ids of all signatures that hit it.
        """
        template = rng.choice(self.templates)
        recase = rng.choice((str, str, str.upper, str.lower, str.title)) if self.any_case else str
        return _fill(template.text, rng, recase), (self.signature_id, *template.also)


def read_plantings() -> tuple[Planting, ...]:
    """All plantings, in the order of the files."""
    return tuple(
        _planting(signature_id, written)
        for path in sorted(FOLDER.glob("*.yaml"))
        for signature_id, written in yaml.safe_load(path.read_text(encoding="utf-8")).items()
    )


def _planting(signature_id: str, written: dict[str, Any]) -> Planting:
    return Planting(
        signature_id,
        tuple(_template(text) for text in written["texts"]),
        weight=written.get("weight", 1),
        any_case=written.get("case") == "any",
        glued=written.get("glued", False),
        languages=tuple(written.get("languages", ("en",))),
        columns=tuple(written.get("columns", COLUMNS)),
    )


def _template(written: str | dict[str, Any]) -> Template:
    if isinstance(written, str):
        return Template(written)
    return Template(written["text"], tuple(written["also"]))


def _fill(text: str, rng: random.Random, recase: Callable[[str], str]) -> str:
    written = []
    for at, piece in enumerate(_CHOICE.split(text)):
        if at % 2 == 0:
            written.append(recase(piece))
        elif piece.startswith("@") and "|" not in piece:
            written.append(INVENTIONS[piece[1:]](rng))
        else:
            written.append(recase(rng.choice(piece.split("|"))))
    return "".join(written)


def counts(plantings: Sequence[Planting], records: int, rng: random.Random) -> list[int]:
    """How many items of each planting an archive holds: about 3 in 1,000 records of all, and 4 of each at least."""
    total = sum(planting.weight for planting in plantings)
    shares = (planting.weight / total * rng.uniform(0.3, 1.7) for planting in plantings)
    return [max(4, round(records * 0.0032 * share)) for share in shares]
