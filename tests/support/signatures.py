"""Builds signatures without files."""

from collections.abc import Sequence

from scanner.signatures.condition import Condition, Ref, parse
from scanner.signatures.digests import logic_digest, ruleset_digest
from scanner.signatures.model import Dialect, LiteralPattern, Pattern, RegexPattern, Ruleset, Signature


def signature(
    identity: str,
    *patterns: Pattern,
    condition: str = "",
    allow: Sequence[Pattern] = (),
    columns: tuple[str, ...] | None = None,
) -> Signature:
    names = [pattern.name for pattern in patterns]
    parsed: Condition = parse(condition, names) if condition else Ref(names[0])
    digest = logic_digest(patterns, parsed, columns, ("raw",), tuple(allow))
    return Signature(
        identity, tuple(patterns), parsed, digest, columns=columns, allow=tuple(allow), file="test", line=1
    )


def ruleset(*signatures: Signature) -> Ruleset:
    return Ruleset(tuple(signatures), ruleset_digest(signatures))


def regex(text: str, flags: str = "", name: str = "pattern", dialect: Dialect = "pcre") -> RegexPattern:
    return RegexPattern(name, text, "".join(sorted(set(flags))), dialect=dialect)


def literal(*texts: str, flags: str = "", whole_word: bool = False, name: str = "pattern") -> LiteralPattern:
    return LiteralPattern(name, texts, flags, whole_word)


def regexes(*texts: str, flags: str = "") -> Ruleset:
    """A ruleset of one signature a regular expression, named by number."""
    return ruleset(*(signature(f"s{number}", regex(text, flags)) for number, text in enumerate(texts)))
