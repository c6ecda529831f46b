"""Rulesets of any size, and texts in which it is known which signatures hit."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from scanner.signatures.condition import Ref
from scanner.signatures.digests import logic_digest, ruleset_digest
from scanner.signatures.model import LiteralPattern, Pattern, RegexPattern, Ruleset, Signature

Kind = Literal["regexes", "literals", "hosts", "signatures"]
"""Regular expressions; one list of domains; one list of hosts that end alike; a signature for each domain."""

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_ENDINGS: Final = (".com", ".net", ".org", ".info", ".example", ".io", ".top", ".xyz")
_PLANTED: Final = 0.01  # of the texts


@dataclass(frozen=True, slots=True)
class Work:
    """A ruleset and texts.

    Attributes:
        ruleset: As asked for.
        texts: About 100 bytes each.
        hits: (text, signature), by index: exactly these hit.
    """

    ruleset: Ruleset
    texts: list[str]
    hits: frozenset[tuple[int, int]]


class _Inventor:
    """Invents words, and with them signatures and what hits them. Equal seeds invent the same."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.words = sorted({self._word() for _ in range(20_000)})

    def _word(self) -> str:
        return "".join(self.dice.choices(_LETTERS, k=self.dice.randint(3, 8)))

    def words_of(self, count: int) -> list[str]:
        return self.dice.choices(self.words, k=count)

    def domain(self) -> str:
        first, second = self.words_of(2)
        return first + self.dice.choice(("", "-", "")) + second + self.dice.choice(_ENDINGS)

    def host(self) -> str:
        return "".join(self.words_of(2)) + ".hosting.example"

    # What is planted has digits or signs in it, which the other words of a text have not.

    def phrase(self) -> tuple[str, str]:
        first, second, third = self.words_of(3)
        number = self.dice.randint(100, 999)
        return rf"\b{first}\s+(?:{second}|{third})\s+{number}\b", f"{first}  {third} {number}"

    def token(self) -> tuple[str, str]:
        prefix, length = self.words_of(1)[0][:4] + str(self.dice.randint(10, 99)), self.dice.randint(12, 40)
        body = "".join(self.dice.choices(_LETTERS.upper() + "0123456789", k=length))
        return rf"\b{prefix}_[A-Z0-9]{{{length}}}\b", f"{prefix}_{body}"

    def link(self) -> tuple[str, str]:
        domain, path = self.domain(), self.words_of(1)[0]
        regex = rf"https?://(?:www\.)?{domain.replace('.', chr(92) + '.')}/{path}\?[a-z]+=\d{{2,8}}"
        return regex, f"https://www.{domain}/{path}?id={self.dice.randint(10, 10**6)}"

    def gap(self) -> tuple[str, str]:
        first, second = self.words_of(2)
        number = self.dice.randint(100, 999)
        return rf"{first}\W{{1,5}}{number}.{{0,20}}{second}", f"{first}: {number} and {second}"


Sample = tuple[int, str]
"""A signature, by index, and a text that it hits."""


def invent_signatures(kind: Kind, count: int, seed: int = 7) -> tuple[Ruleset, list[Sample]]:
    """Invents signatures, and for each regular expression or literal a text that its signature hits.

    Args:
        kind: What the signatures are made of.
        count: How many regular expressions or literals.
        seed: Of the invention.
    """
    return _signatures_of(_Inventor(seed), kind, count)


def invent(kind: Kind, count: int, texts: int, seed: int = 7) -> Work:
    """Invents signatures and texts.

    Args:
        kind: What the signatures are made of.
        count: How many regular expressions or literals.
        texts: How many texts.
        seed: Of the invention.
    """
    inventor = _Inventor(seed)
    ruleset, samples = _signatures_of(inventor, kind, count)
    out, hits = [], set()
    for number in range(texts):
        words = inventor.words_of(15)
        if inventor.dice.random() < _PLANTED:
            signature, sample = inventor.dice.choice(samples)
            words[inventor.dice.randrange(len(words))] = sample
            hits.add((number, signature))
        out.append(" ".join(words))
    return Work(ruleset, out, frozenset(hits))


def _signatures_of(inventor: _Inventor, kind: Kind, count: int) -> tuple[Ruleset, list[Sample]]:
    return _regexes(inventor, count) if kind == "regexes" else _literals(inventor, kind, count)


def _regexes(inventor: _Inventor, count: int) -> tuple[Ruleset, list[Sample]]:
    kinds: tuple[Callable[[], tuple[str, str]], ...] = (
        inventor.phrase,
        inventor.token,
        inventor.link,
        inventor.gap,
    )
    # Unique, so that a text hits what it was planted for and nothing else.
    invented: dict[str, str] = {}
    while len(invented) < count:
        regex, sample = kinds[len(invented) % len(kinds)]()
        invented.setdefault(regex, sample)
    patterns: list[Pattern] = [
        RegexPattern("pattern", regex, "i" if number % 2 else "") for number, regex in enumerate(invented)
    ]
    return _ruleset(patterns), list(enumerate(invented.values()))


def _literals(inventor: _Inventor, kind: Kind, count: int) -> tuple[Ruleset, list[Sample]]:
    make = inventor.host if kind == "hosts" else inventor.domain
    literals: dict[str, None] = {}
    while len(literals) < count:
        literals[make()] = None
    if kind == "signatures":
        patterns: list[Pattern] = [
            LiteralPattern("pattern", (each,), "i", whole_word=True) for each in literals
        ]
        return _ruleset(patterns), list(enumerate(literals))
    whole = LiteralPattern("pattern", tuple(literals), "i", whole_word=True)
    return _ruleset([whole]), [(0, each) for each in literals]


def _ruleset(patterns: list[Pattern]) -> Ruleset:
    signatures = tuple(_signatures(patterns))
    return Ruleset(signatures, ruleset_digest(signatures))


def _signatures(patterns: list[Pattern]) -> Iterator[Signature]:
    condition = Ref("pattern")
    for number, pattern in enumerate(patterns):
        digest = logic_digest((pattern,), condition, None, ("raw",), ())
        yield Signature(f"s{number}", (pattern,), condition, digest)
