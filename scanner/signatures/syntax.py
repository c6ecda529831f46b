"""The shape of a signatures file: which keys there are, and what each may hold.

What a shape cannot say (a condition that names no pattern, a flag that a literal cannot have) is checked by
`scanner.signatures.build`. The docstrings of the fields are what editors show.
"""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from scanner.signatures.model import Dialect, Severity, Status

MAX_REGEX_CHARS = 16_384
MAX_LITERAL_CHARS = 4_096
MAX_CONDITION_CHARS = 16_384
MAX_EXAMPLE_CHARS = 65_536

NOT_A_DATE = "not_a_date"
"""Type of the error that a wrong date is reported by."""


def _iso_date(value: object) -> date:
    # Pydantic alone would take "1700000000" for a date, and Python alone "20260110".
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    kind = NOT_A_DATE
    raise PydanticCustomError(kind, "not a date")


Word = Annotated[str, Field(min_length=1, max_length=256)]
Prose = Annotated[str, Field(max_length=16_384)]
Example = Annotated[str, Field(max_length=MAX_EXAMPLE_CHARS)]
Link = Annotated[str, Field(min_length=1, max_length=2_048)]
PatternName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$", max_length=64)]
IsoDate = Annotated[date, BeforeValidator(_iso_date)]


class _Syntax(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class PatternSyntax(_Syntax):
    """One pattern: exactly one of `regex`, `literal` and `list`."""

    regex: str = Field(default="", min_length=1, max_length=MAX_REGEX_CHARS)
    """A regular expression. Write it in single quotes."""
    dialect: Dialect = "pcre"
    """The language of the regex: that of PCRE, of RE2 and Go, of Python's re, or of Rust's regex crate."""
    literal: str = Field(default="", min_length=1, max_length=MAX_LITERAL_CHARS)
    """A text that is looked for as it stands."""
    list_: str = Field(default="", alias="list", min_length=1, max_length=1_024)
    """A file of literals, one a line, in the folder of this file or below it."""
    flags: str = Field(default="", max_length=16)
    """Letters: i ignores case; for a regex also m (lines), s (dot takes all), x (spaced out), u (Unicode)."""
    whole_word: bool = False
    """A literal may not touch a letter or digit on either side."""


class ExamplesSyntax(_Syntax):
    """Texts that prove a signature right."""

    match: tuple[Example, ...] = Field(default=(), max_length=10_000)
    """Texts that the signature must hit."""
    no_match: tuple[Example, ...] = Field(default=(), max_length=10_000)
    """Texts that it must not hit."""


class SignatureSyntax(PatternSyntax):
    """One signature: a pattern at its top, or several under `patterns` and a condition."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=128)
    """Unique name, such as fraud.crypto-doubling."""
    name: str = Field(default="", max_length=256)
    """What people call it."""
    status: Status = "experimental"
    """How far it can be trusted."""
    severity: Severity = "medium"
    """How bad a hit is."""
    category: str = Field(default="", max_length=256)
    """The kind of harm, such as fraud."""
    description: Prose = ""
    """What it finds and why that matters."""
    author: str = Field(default="", max_length=256)
    """Who answers for it."""
    created: IsoDate | None = None
    """The day it was written, as 2026-01-31."""
    expires: IsoDate | None = None
    """The first day on which it no longer runs, as 2027-01-31."""
    references: tuple[Link, ...] = Field(default=(), max_length=1_000)
    """Where it is explained."""
    tags: tuple[Word, ...] = Field(default=(), max_length=1_000)
    """Words to find it by."""
    columns: tuple[Word, ...] = Field(default=(), min_length=1, max_length=1_000)
    """Text columns to match on. Default: every text column of the hunt."""
    views: tuple[Literal["raw"], ...] = Field(default=("raw",), min_length=1, max_length=10)
    """Texts derived from a cell to match on. Only raw, the text as it stands, is built."""
    patterns: dict[PatternName, PatternSyntax] = Field(default_factory=dict, min_length=1, max_length=1_000)
    """Several patterns by name, for the condition to combine."""
    condition: str = Field(default="", min_length=1, max_length=MAX_CONDITION_CHARS)
    """Which patterns must match, such as: promise and 1 of (wallet, trusted) and not lures."""
    allow: tuple[PatternSyntax, ...] = Field(default=(), max_length=1_000)
    """Patterns that cancel a hit in the same cell."""
    examples: ExamplesSyntax = ExamplesSyntax()
    """Texts that prove the signature right."""


class SignaturesFile(_Syntax):
    """Signatures that hindcast hunts for."""

    signatures: tuple[SignatureSyntax, ...] = Field(min_length=1)
    """The signatures of this file."""
