r"""Regular expressions that mean the same to every contestant: to PCRE2, Hyperscan, RE2 and Rust's regex.

Not portable is what one of them refuses, such as lookaround, and what they read differently, such as ``{,n}``.
That ``\w`` is Unicode's in Rust alone can be spelled away.
"""

import re
from collections.abc import Sequence
from typing import Final

import duckdb
import hyperscan
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.macro.workload import Int64s, patterns_of
from scanner.signatures.model import LiteralPattern, Pattern, RegexPattern, Ruleset, Signature

_READ_DIFFERENTLY: Final = re.compile(r"\{,|\\[hHvVRXQE]|\(\?[a-z]*x|\(\*|\[\[[:.=]|\\x\{")
_SPECIAL: Final = re.compile(r"([\\.+*?()|\[\]{}^$])")
_ASCII_IN_RUST: Final = {
    "b": r"(?-u:\b)",
    "w": "[0-9A-Za-z_]",
    "W": "[^0-9A-Za-z_]",
    "d": "[0-9]",
    "D": "[^0-9]",
    "s": r"[\t-\r ]",
    "S": r"[^\t-\r ]",
}


def spelled(pattern: Pattern) -> list[str]:
    """A pattern as portable expressions, any of which matches where it does."""
    if isinstance(pattern, RegexPattern):
        off = "" if "s" in pattern.flags else "-s"
        return [f"(?{pattern.flags}{off}){pattern.regex}" if pattern.flags or off else pattern.regex]
    border = r"\b" if pattern.whole_word else ""
    fold = "(?i)" if pattern.flags else ""
    return [f"{fold}{border}{escaped(literal)}{border}" for literal in pattern.literals]


def escaped(literal: str) -> str:
    """An expression that matches a literal and nothing else."""
    return _SPECIAL.sub(r"\\\1", literal)


def expressions_of(ruleset: Ruleset) -> tuple[list[str], Int64s]:
    """Everything to look for, and for each of them, int64[n], the pattern it is of, as `Decision` numbers them."""
    found = [
        (text, number)
        for number, (_, pattern) in enumerate(patterns_of(ruleset))
        for text in spelled(pattern)
    ]
    return [text for text, _ in found], np.array([number for _, number in found], np.int64)


def in_rust(expression: str) -> str:
    """The same for Polars, whose classes and borders are Unicode's."""
    return re.sub(r"\\(.)", lambda found: _ASCII_IN_RUST.get(found[1], found[0]), expression, flags=re.DOTALL)


def is_portable(signature: Signature) -> bool:
    """True where every contestant takes all patterns of a signature and reads them alike."""
    return all(_is_portable(pattern) for pattern in (*signature.patterns, *signature.allow))


def _is_portable(pattern: Pattern) -> bool:
    if isinstance(pattern, LiteralPattern):
        return not pattern.whole_word
    if set(pattern.flags) - set("ims") or _READ_DIFFERENTLY.search(pattern.regex):
        return False
    return _all_take(spelled(pattern)[0])


def _all_take(expression: str) -> bool:
    try:
        compile_together([expression])
        duckdb.execute("select regexp_matches('', ?)", [expression])
        pc.match_substring_regex(pa.array([""]), expression)
        pl.Series([""]).str.contains(in_rust(expression))
    except (hyperscan.error, duckdb.Error, pa.ArrowInvalid, pl.exceptions.ComputeError):
        return False
    return True


def compile_together(expressions: Sequence[str]) -> hyperscan.Database:
    """A database that reports each expression at most once a text, by its place in the list.

    Raises:
        hyperscan.error: An expression is none of Hyperscan's, or can match nothing at all.
    """
    flags = hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_SINGLEMATCH
    return compiled([each.encode() for each in expressions], int(flags))


def compiled(expressions: list[bytes], flags: int, *, literal: bool = False) -> hyperscan.Database:
    """A database of expressions that all have the same flags; an event bears an expression's place in the list."""
    database = hyperscan.Database()
    ids, every = list(range(len(expressions))), [flags] * len(expressions)
    database.compile(expressions=expressions, ids=ids, elements=len(ids), flags=every, literal=literal)
    return database
