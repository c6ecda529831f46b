"""What a signature is once it has been read: frozen values that the rest of hindcast works on."""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from scanner.signatures.condition import Condition

Severity = Literal["info", "low", "medium", "high", "critical"]
Status = Literal["experimental", "test", "stable", "deprecated"]
Dialect = Literal["pcre", "re2", "python", "rust"]
"""The language that a regular expression was written in; `scanner.engine.dialects` says how they differ."""


@dataclass(frozen=True, slots=True)
class RegexPattern:
    """A regular expression.

    Attributes:
        name: Name in the condition; for a top-level ``regex:`` it is ``pattern``.
        regex: The expression as written, without delimiters.
        flags: Sorted, unique letters of ``imsxu``.
        line: Where it was written, from 1; not part of its identity.
        dialect: The language it is written in, by which every part of it is understood.
    """

    name: str
    regex: str
    flags: str = ""
    line: int = field(default=0, compare=False)
    dialect: Dialect = "pcre"


@dataclass(frozen=True, slots=True)
class LiteralPattern:
    """One literal text, or a list of them, any of which matches.

    Attributes:
        name: Name in the condition; for a top-level ``literal:`` it is ``pattern``.
        literals: The texts, unique, in the order written; at least one, none empty.
        flags: ``""`` or ``"i"``.
        whole_word: True where a match may not touch a word character (Unicode's) on either side.
        line: Where it was written, from 1; not part of its identity.
    """

    name: str
    literals: tuple[str, ...]
    flags: str = ""
    whole_word: bool = False
    line: int = field(default=0, compare=False)


Pattern = RegexPattern | LiteralPattern


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts that a signature must hit, and texts that it must not.

    Attributes:
        match: Texts to hit.
        no_match: Texts not to hit.
        lines: Line of each text of ``match``, then of ``no_match``; empty where they were read from no file.
    """

    match: tuple[str, ...] = ()
    no_match: tuple[str, ...] = ()
    lines: tuple[int, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Signature:
    """What an analyst knows, ready to be hunted.

    Attributes:
        id: Unique in its ruleset.
        patterns: At least one, with unique names.
        condition: Over the names of ``patterns``; never true where no pattern matches.
        digest: 64 hex digits over the logic alone: patterns, condition, columns, views and allow.
        columns: Text columns to read; None for every text column of the hunt.
        views: Texts derived from a cell to match on.
        allow: Patterns that cancel a hit in the same cell.
        expires: First day on which the signature no longer runs; None for never.
        file: The file it was read from, as the user named it.
        line: Line of its ``id``, from 1.
    """

    id: str
    patterns: tuple[Pattern, ...]
    condition: Condition
    digest: str
    name: str = ""
    status: Status = "experimental"
    severity: Severity = "medium"
    category: str = ""
    description: str = ""
    author: str = ""
    created: date | None = None
    expires: date | None = None
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    views: tuple[str, ...] = ("raw",)
    allow: tuple[Pattern, ...] = ()
    examples: Examples = field(default_factory=Examples)
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Ruleset:
    """An ordered, digested set of signatures.

    Attributes:
        signatures: With unique ids, in the order of the files they were read from.
        digest: 64 hex digits over the ids and logic digests of the signatures, whatever their order.
    """

    signatures: tuple[Signature, ...]
    digest: str
