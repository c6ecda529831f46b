"""What every contestant is asked: which signatures of the example pack hit which posts."""

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb
import hyperscan

from scanner.signatures.condition import And, AtLeast, Condition, Not, Or, Ref
from scanner.signatures.digests import ruleset_digest
from scanner.signatures.load import read_signatures
from scanner.signatures.model import Pattern, RegexPattern, Ruleset, Signature

PACK = Path(__file__).parents[2] / "jobs" / "examples" / "signatures"
COLUMN = "text"


@dataclass(frozen=True, slots=True)
class Workload:
    """A file and the signatures to look for in its column ``text``.

    Attributes:
        path: A Parquet file.
        ruleset: Signatures that every contestant can express.
        left_out: How many of the pack's cannot.
    """

    path: Path
    ruleset: Ruleset
    left_out: int


def make_workload(path: Path) -> Workload:
    """Takes those signatures of the pack whose patterns mean the same to Hyperscan, RE2 and PCRE2.

    Left out are lists and whole words (SQL has no such thing), flags other than ``i``, and what one of the
    engines refuses: lookaround and back-references.
    """
    pack = read_signatures([PACK]).signatures
    common = tuple(signature for signature in pack if _is_common(signature))
    return Workload(path, Ruleset(common, ruleset_digest(common)), len(pack) - len(common))


def regexes(signature: Signature) -> tuple[RegexPattern, ...]:
    """Patterns of a signature of a workload, those of ``allow`` last."""
    return tuple(p for p in (*signature.patterns, *signature.allow) if isinstance(p, RegexPattern))


def hyperscan_flags(regex: RegexPattern) -> int:
    """UTF-8, one report a text, and the case of the regex."""
    flags = hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_SINGLEMATCH
    return int(flags | hyperscan.HS_FLAG_CASELESS if regex.flags else flags)


def as_sql(signature: Signature) -> str:
    """A signature as an expression over the column ``text``."""
    patterns = {pattern.name: pattern for pattern in signature.patterns}
    hit = _condition_sql(signature.condition, patterns)
    return " and ".join([hit, *(f"not {_pattern_sql(pattern)}" for pattern in signature.allow)])


def _is_common(signature: Signature) -> bool:
    every = (*signature.patterns, *signature.allow)
    read = signature.columns is None or COLUMN in signature.columns
    return read and all(isinstance(pattern, RegexPattern) and _all_take(pattern) for pattern in every)


def _all_take(regex: RegexPattern) -> bool:
    if regex.flags not in {"", "i"} or re.search(r"\(\?[a-z]|\\[AzZ]", regex.regex):
        return False
    try:
        hyperscan.Database().compile(expressions=[regex.regex.encode()], flags=[hyperscan_flags(regex)])
        duckdb.execute(f"select {_pattern_sql(regex)} from (select '' as {COLUMN})")  # noqa: S608
    except (hyperscan.error, duckdb.InvalidInputException):
        return False
    return True


def _pattern_sql(pattern: Pattern) -> str:
    if not isinstance(pattern, RegexPattern):
        raise TypeError(pattern)
    quoted = pattern.regex.replace("'", "''")
    return f"regexp_matches({COLUMN}, '{quoted}', '{pattern.flags or 'c'}')"


def _condition_sql(condition: Condition, patterns: dict[str, Pattern]) -> str:
    match condition:
        case Ref(name):
            return _pattern_sql(patterns[name])
        case Not(item):
            return f"not {_condition_sql(item, patterns)}"
        case And(items):
            return f"({' and '.join(_condition_sql(item, patterns) for item in items)})"
        case Or(items):
            return f"({' or '.join(_condition_sql(item, patterns) for item in items)})"
        case AtLeast(count, items):
            return f"({' + '.join(f'{_condition_sql(item, patterns)}::int' for item in items)} >= {count})"
