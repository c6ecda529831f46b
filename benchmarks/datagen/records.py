"""The records of an archive, one row group at a time, with the planted items in their cells."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.datagen.languages import Language
from benchmarks.datagen.plan import Item
from benchmarks.datagen.texts import Composer, Flags, Indices, chance, joined

_AUTHOR: list["pa.Field[Any]"] = [pa.field("bio", pa.string()), pa.field("followers", pa.int64())]
_REPLY: list["pa.Field[Any]"] = [pa.field("author_id", pa.string()), pa.field("text", pa.string())]
_TIME = pa.timestamp("us", tz="UTC")
_FIELDS: list["pa.Field[Any]"] = [
    pa.field("comment_id", pa.string(), nullable=False),
    pa.field("author_id", pa.string()),
    pa.field("created_at", _TIME),
    pa.field("lang", pa.string()),
    pa.field("region", pa.string()),
    pa.field("text", pa.string()),
    pa.field("caption", pa.string()),
    pa.field("author", pa.struct(_AUTHOR)),
    pa.field("replies", pa.list_(pa.struct(_REPLY))),
]
SCHEMA = pa.schema(_FIELDS)
_FIRST_DAY_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
_SPAN_US = 273 * 86_400_000_000
_MOST_AUTHORS = 500_000
_NO_CAPTION = 0.85
_NO_AUTHOR = 0.01
_NULL_IF_NO_REPLIES = 0.8
_REPLIES_OF_A_POST = np.array([0.74, 0.14, 0.07, 0.03, 0.02])


@dataclass(frozen=True, slots=True)
class Authors:
    """Who posts.

    Attributes:
        ids: string[n], unique.
        languages: int64[n], index of the author's language.
        regions: string[n], nullable.
        bios: string[n], nullable.
        followers: int64[n].
    """

    ids: pa.StringArray
    languages: Indices
    regions: pa.StringArray
    bios: pa.StringArray
    followers: pa.Int64Array


def invent_authors(languages: Sequence[Language], composer: Composer, records: int, seed: int) -> Authors:
    """One author for every eight records, 500,000 at most."""
    count = min(_MOST_AUTHORS, max(50, records // 8))
    rng = np.random.default_rng((seed, 3))
    weights = np.array([language.weight for language in languages], dtype=np.float64)
    spoken = rng.choice(len(languages), size=count, p=weights / weights.sum())
    choices = rng.integers(0, 1_000, count)
    regions = [
        languages[of].regions[at % len(languages[of].regions)]
        for of, at in zip(spoken.tolist(), choices.tolist(), strict=True)
    ]
    numbers = pa.array(1_000_000 + rng.permutation(1_000_000)[:count], pa.int64())
    return Authors(
        ids=_prefixed("u", numbers.cast(pa.string())),
        languages=spoken,
        regions=_nulled(pa.array(regions, pa.string()), chance(rng, count, 0.05)),
        bios=_nulled(composer.lines(rng, spoken), chance(rng, count, 0.45)),
        followers=pa.array(rng.lognormal(5.0, 2.0, count).astype(np.int64), pa.int64()),
    )


class RecordMaker:
    """Makes any run of an archive's records; the same arguments give the same records.

    Args:
        composer: Writes the background.
        authors: Who posts.
        items: What is planted, sorted by row.
        records: Rows of the whole archive.
        seed: Chooses everything else.
    """

    def __init__(
        self, composer: Composer, authors: Authors, items: Sequence[Item], records: int, seed: int
    ) -> None:
        self._composer = composer
        self._authors = authors
        self._items = items
        self._records = records
        self._seed = seed

    def table(self, start: int, rows: int) -> pa.Table:
        """Rows ``[start, start + rows)`` of the archive, of `SCHEMA`, in the order of their times."""
        rng = np.random.default_rng((self._seed, 4, start))
        first, last = (bisect_left(self._items, row, key=_row) for row in (start, start + rows))
        items = [replace(item, row=item.row - start) for item in self._items[first:last]]
        # A power of a uniform number: the first hundredth of the authors writes a fifth of the posts.
        by = (len(self._authors.ids) * rng.random(rows) ** 3).astype(np.int64)
        languages = self._authors.languages[by]
        languages[[item.row for item in items]] = [item.language for item in items]
        columns = {
            "comment_id": comment_ids(start, rows),
            "author_id": self._authors.ids.take(pa.array(by, pa.int64())),
            "created_at": self._times(rng, start, rows),
            "lang": self._composer.codes.take(pa.array(languages, pa.int64())),
            "region": self._authors.regions.take(pa.array(by, pa.int64())),
            "text": _with(items, "text", self._composer.posts(rng, languages)),
            "caption": _with(items, "caption", self._captions(rng, languages)),
            "author": self._profiles(rng, by, items),
            "replies": self._replies(rng, languages, items),
        }
        return pa.table(columns, schema=SCHEMA)

    def _times(self, rng: np.random.Generator, start: int, rows: int) -> "pa.Array[Any]":
        low, high = (_FIRST_DAY_US + _SPAN_US * row // self._records for row in (start, start + rows))
        return pa.array(np.sort(rng.integers(low, high, rows)), pa.int64()).cast(_TIME)

    def _captions(self, rng: np.random.Generator, languages: Indices) -> pa.StringArray:
        return _nulled(self._composer.lines(rng, languages), chance(rng, len(languages), _NO_CAPTION))

    def _profiles(self, rng: np.random.Generator, by: Indices, items: Sequence[Item]) -> pa.StructArray:
        bios = _with(items, "author.bio", self._authors.bios.take(pa.array(by, pa.int64())))
        missing = chance(rng, len(by), _NO_AUTHOR)
        missing[[item.row for item in items if item.column == "author.bio"]] = False
        children: list[pa.Array[Any]] = [bios, self._authors.followers.take(pa.array(by, pa.int64()))]
        return pa.StructArray.from_arrays(children, fields=_AUTHOR, mask=pa.array(missing))

    def _replies(
        self, rng: np.random.Generator, languages: Indices, items: Sequence[Item]
    ) -> "pa.ListArray[Any]":
        sizes = rng.choice(len(_REPLIES_OF_A_POST), size=len(languages), p=_REPLIES_OF_A_POST)
        planted = [(item.row, item.reply, item.text) for item in items if item.reply is not None]
        for row, reply, _ in planted:
            sizes[row] = max(sizes[row], 1 + reply)
        offsets = np.concatenate(([0], np.cumsum(sizes)))
        texts = self._composer.lines(rng, np.repeat(languages, sizes))
        at = {int(offsets[row]) + reply: text for row, reply, text in planted}
        by = rng.integers(0, len(self._authors.ids), offsets[-1])
        replies = pa.StructArray.from_arrays(
            [self._authors.ids.take(pa.array(by, pa.int64())), _replaced(texts, at)], fields=_REPLY
        )
        nulls = (sizes == 0) & chance(rng, len(sizes), _NULL_IF_NO_REPLIES)
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), replies, mask=pa.array(nulls))


def comment_ids(start: int, rows: int) -> pa.StringArray:
    """Unique ids that do not give the order away: an odd factor permutes the numbers below 2**32."""
    numbers = np.arange(start, start + rows, dtype=np.uint64) * np.uint64(2_654_435_761) % np.uint64(2**32)
    digits = pc.utf8_lpad(pa.array(numbers, pa.uint64()).cast(pa.string()), 10, "0")
    return _prefixed("c", digits)


def _prefixed(prefix: str, values: "pa.Array[Any]") -> pa.StringArray:
    return joined(pa.array([prefix], pa.string()).take(pa.array(np.zeros(len(values)), pa.int64())), values)


def _row(item: Item) -> int:
    return item.row


def _with(items: Sequence[Item], column: str, values: pa.StringArray) -> pa.StringArray:
    return _replaced(values, {item.row: item.text for item in items if item.column == column})


def _replaced(values: pa.StringArray, texts: dict[int, str]) -> pa.StringArray:
    mask = np.zeros(len(values), dtype=np.bool_)
    mask[list(texts)] = True
    new = pa.array([texts[at] for at in sorted(texts)], pa.string())
    replaced: pa.StringArray = pc.replace_with_mask(values, pa.array(mask), new)
    return replaced


def _nulled(values: pa.StringArray, nulls: Flags) -> pa.StringArray:
    nulled: pa.StringArray = pc.if_else(pa.array(nulls), pa.scalar(None, pa.string()), values)
    return nulled
