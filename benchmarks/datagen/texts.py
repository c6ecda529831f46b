"""Background texts by the hundred thousand: pieces are written once, posts are put together by Arrow."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.datagen.languages import Language

Indices = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_CLAUSES = 4_000
_TAILS = 8_000
_CLAUSES_OF_A_POST = np.array([0.60, 0.27, 0.08, 0.03, 0.015, 0.005])
_GAPS = {
    " ": (". ", ". ", ". ", ", ", ", ", "! ", " - ", "... ", "\n", " 😂 "),
    "": ("", "", "", "\n", "✨"),
}
_EMOJI = ("😂", "🔥", "❤️", "🙏", "😭", "👍", "🎉", "🥲", "🤔", "☕", "🌧️", "👩‍🍳", "🇧🇷", "💪🏽", "✨", "🐈")
_HOSTS = ("example.com", "example.org", "news.example.net", "blog.example.com", "photos.example.org")
_TAGS = ("monday", "foodie", "photo", "verano", "futebol", "herbst", "yemek", "весна", "صباح", "사진", "今日")
_SYLLABLES = ("ka", "lo", "mi", "ren", "tu", "sa", "vi", "nor", "be", "li", "do", "zan", "pe", "ha")


class Composer:
    """Puts background texts together; the same seed gives the same texts.

    Args:
        languages: The languages; arguments named ``languages`` below are indices into them.
        seed: Chooses the pieces.

    Attributes:
        codes: string[languages], their codes.
    """

    def __init__(self, languages: Sequence[Language], seed: int) -> None:
        rng = random.Random(f"pieces {seed}")
        self.codes = pa.array([language.code for language in languages], pa.string())
        self._pieces = [""]
        self._runs: dict[str, tuple[Indices, Indices]] = {}
        self._add("opener", [[text + lang.joiner for text in lang.openers] for lang in languages])
        self._add("clause", [[lang.clause(rng) for _ in range(_CLAUSES)] for lang in languages])
        self._add("gap", [_GAPS[lang.joiner] for lang in languages])
        self._add("closer", [list(_closers(lang)) for lang in languages])
        self._add("tail", [[_tail(rng) for _ in range(_TAILS)]])
        self._values = pa.array(self._pieces, pa.string())

    def posts(self, rng: np.random.Generator, languages: Indices) -> pa.StringArray:
        """Posts of one clause or more, with what people put before and after.

        Args:
            rng: Where the choices come from.
            languages: int64[n].

        Returns:
            string[n], no nulls.
        """
        rows = len(languages)
        clauses = 1 + rng.choice(len(_CLAUSES_OF_A_POST), size=rows, p=_CLAUSES_OF_A_POST)
        parts = [self._pick(rng, "opener", languages, chance(rng, rows, 0.35))]
        for nth in range(len(_CLAUSES_OF_A_POST)):
            if nth:
                parts.append(self._pick(rng, "gap", languages, clauses > nth))
            parts.append(self._pick(rng, "clause", languages, clauses > nth))
        parts.append(self._pick(rng, "closer", languages, chance(rng, rows, 0.35)))
        parts.append(self._pick(rng, "tail", languages, chance(rng, rows, 0.40)))
        parts.append(self._pick(rng, "tail", languages, chance(rng, rows, 0.10)))
        text = pc.replace_substring_regex(joined(*parts), r"([?!])[.,!]", r"\1")
        shouted: pa.StringArray = pc.if_else(pa.array(chance(rng, rows, 0.02)), pc.utf8_upper(text), text)
        return shouted

    def lines(self, rng: np.random.Generator, languages: Indices) -> pa.StringArray:
        """Short texts of one clause: captions, replies, profiles.

        Args:
            rng: Where the choices come from.
            languages: int64[n].

        Returns:
            string[n], no nulls.
        """
        rows = len(languages)
        parts = [
            self._pick(rng, "opener", languages, chance(rng, rows, 0.15)),
            self._pick(rng, "clause", languages, chance(rng, rows, 1.0)),
            self._pick(rng, "tail", languages, chance(rng, rows, 0.25)),
        ]
        return joined(*parts)

    def _add(self, kind: str, texts: Sequence[Sequence[str]]) -> None:
        sizes = np.array([len(some) for some in texts], dtype=np.int64)
        starts = len(self._pieces) + np.concatenate(([0], np.cumsum(sizes)[:-1]))
        self._runs[kind] = (starts, sizes)
        for some in texts:
            self._pieces.extend(some)

    def _pick(self, rng: np.random.Generator, kind: str, languages: Indices, chosen: Flags) -> pa.StringArray:
        starts, sizes = self._runs[kind]
        if len(starts) == 1:
            languages = np.zeros_like(languages)
        at = starts[languages] + (rng.random(len(languages)) * sizes[languages]).astype(np.int64)
        return self._values.take(pa.array(np.where(chosen, at, 0), pa.int64()))


def joined(*parts: "pa.Array[Any]") -> pa.StringArray:
    """The texts of each row in a row, with nothing between them."""
    whole: pa.StringArray = pc.binary_join_element_wise(*parts, pa.scalar("", pa.string()))  # type: ignore[call-overload]
    return whole


def chance(rng: np.random.Generator, rows: int, share: float) -> Flags:
    """True for about that share of the rows."""
    return rng.random(rows) < share


def _closers(language: Language) -> Iterator[str]:
    for closer in language.closers:
        for gap in (". ", "! ", " ", "\n") if language.joiner else ("", "。", "\n"):
            yield gap + closer


def _tail(rng: random.Random) -> str:
    return rng.choices((_emoji, _mention, _link, _tag, _number), (4, 2, 2, 1, 1))[0](rng)


def _emoji(rng: random.Random) -> str:
    return " " + rng.choice(_EMOJI) * rng.choice((1, 1, 2, 3))


def _mention(rng: random.Random) -> str:
    return f" @{_name(rng)}{rng.choice(('', '_', '.'))}{_name(rng)}{rng.randrange(100)}"


def _link(rng: random.Random) -> str:
    return f"{rng.choice((' ', chr(10)))}https://{rng.choice(_HOSTS)}/{_name(rng)}/{rng.randrange(10**6)}"


def _tag(rng: random.Random) -> str:
    return f" #{rng.choice(_TAGS)}{rng.choice(('', str(rng.randrange(2020, 2027))))}"


def _number(rng: random.Random) -> str:
    return rng.choice((f" {rng.randrange(24)}:{rng.randrange(60):02}", f" ({rng.randrange(1000)})"))


def _name(rng: random.Random) -> str:
    return "".join(rng.choices(_SYLLABLES, k=rng.randrange(2, 5)))
