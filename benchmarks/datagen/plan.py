"""Where the planted items of an archive lie."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.datagen.languages import Language
from benchmarks.datagen.planted import Planting, counts
from benchmarks.datagen.texts import Composer

_BEFORE = (" ", " ", ": ", ", ", "\n", " 👉 ", "! ", " (")
_AFTER = (" ", " ", ", ", "! ", "\n", "… ", " 👈 ", "; ")
_MOST_REPLIES = 4
_SHARED_ROWS = 20


@dataclass(frozen=True, slots=True)
class Item:
    """A planted text at its place.

    Attributes:
        row: Row of the whole archive, from 0.
        column: The cell, with the index of the reply where there is one: ``replies[2].text``.
        language: Index of the language of the text.
        text: The whole cell.
        signature_ids: Every signature that hits the cell.
    """

    row: int
    column: str
    language: int
    text: str
    signature_ids: tuple[str, ...]

    @property
    def reply(self) -> int | None:
        """Index of the reply it is planted in, from 0."""
        return int(self.column.split("[")[1].split("]")[0]) if self.column.startswith("replies") else None


def make_plan(
    plantings: Sequence[Planting], languages: Sequence[Language], composer: Composer, records: int, seed: int
) -> tuple[Item, ...]:
    """Chooses cells for all planted items; no cell gets two.

    Args:
        plantings: What to plant.
        languages: The languages of the archive.
        composer: Writes the background around the planted texts.
        records: Rows of the archive.
        seed: Chooses texts and places.

    Returns:
        Items sorted by row.
    """
    rng = random.Random(f"plan {seed}")
    codes = [language.code for language in languages]
    bare = [
        _item(planting, codes.index(rng.choice(planting.languages)), rng)
        for planting, count in zip(plantings, counts(plantings, records, rng), strict=True)
        for _ in range(count)
    ]
    rng.shuffle(bare)
    placed = _place(bare, np.random.default_rng((seed, 1)).choice(records, len(bare), replace=False).tolist())
    glued = {planting.signature_id for planting in plantings if planting.glued}
    return tuple(sorted(_surround(placed, composer, glued, seed), key=lambda item: (item.row, item.column)))


def _item(planting: Planting, language: int, rng: random.Random) -> Item:
    text, signature_ids = planting.write(rng)
    column = planting.column(rng).replace("[]", f"[{rng.randrange(_MOST_REPLIES)}]")
    return Item(-1, column, language, text, signature_ids)


def _place(items: list[Item], rows: list[int]) -> list[Item]:
    """Gives each item a row; now and then the row of the item before, in another column."""
    placed = [replace(items[0], row=rows[0])]
    for nth, item in enumerate(items[1:], start=1):
        before = placed[-1]
        shares = nth % _SHARED_ROWS == 0 and item.column != before.column and item.language == before.language
        placed.append(replace(item, row=before.row if shares else rows[nth]))
    return placed


def _surround(items: list[Item], composer: Composer, glued: set[str], seed: int) -> list[Item]:
    """Puts background before, after or on both sides of most items."""
    rng, numbers = random.Random(f"surroundings {seed}"), np.random.default_rng((seed, 2))
    languages = np.array([item.language for item in items])
    before, after = (map(str, composer.lines(numbers, languages).to_pylist()) for _ in range(2))
    surrounded = []
    for item, left, right in zip(items, before, after, strict=True):
        extra = ("",) if item.signature_ids[0] in glued else ()
        start = rng.choice(("", left + rng.choice(_BEFORE + extra)))
        end = rng.choice(("", rng.choice(_AFTER + extra) + right))
        surrounded.append(replace(item, text=start + item.text + end))
    return surrounded
