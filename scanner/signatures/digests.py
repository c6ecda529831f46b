"""Digests of what signatures do, so that a later run knows which of them are new.

A digest covers logic alone: two signatures with the same digest hit the same cells, and editing metadata, the
order of flags or list entries, or the layout of a condition changes no digest.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence

from scanner.signatures.condition import And, AtLeast, Condition, Not, Or, Ref
from scanner.signatures.model import Pattern, RegexPattern, Signature


def logic_digest(
    patterns: Sequence[Pattern],
    condition: Condition,
    columns: Sequence[str] | None,
    views: Sequence[str],
    allow: Sequence[Pattern],
) -> str:
    """Digests the logic of one signature.

    Neither its id nor its metadata is part of it, nor any order that does not change what it hits. Names of
    patterns are; names of ``allow`` are not, since nothing refers to them.

    Returns:
        64 hex digits.
    """
    logic = {
        "patterns": sorted([pattern.name, *_pattern(pattern)] for pattern in patterns),
        "condition": _condition(condition),
        "columns": None if columns is None else sorted(set(columns)),
        "views": sorted(set(views)),
        "allow": sorted(map(_pattern, allow), key=json.dumps),
    }
    return _sha256("hindcast signature logic 1", logic)


def ruleset_digest(signatures: Iterable[Signature]) -> str:
    """Digests a set of signatures by their ids and logic, whatever their order.

    Returns:
        64 hex digits.
    """
    return _sha256("hindcast ruleset 1", sorted([signature.id, signature.digest] for signature in signatures))


def _pattern(pattern: Pattern) -> list[object]:
    flags = "".join(sorted(set(pattern.flags)))
    if isinstance(pattern, RegexPattern):
        # PCRE is what a pattern is in where nothing is said, and was the only one once.
        dialect = [] if pattern.dialect == "pcre" else [pattern.dialect]
        return ["regex", pattern.regex, flags, *dialect]
    return ["literal", sorted(set(pattern.literals)), flags, pattern.whole_word]


def _condition(condition: Condition) -> list[object]:
    match condition:
        case Ref(name):
            return ["ref", name]
        case Not(item):
            return ["not", _condition(item)]
        case And(items):
            return ["and", *sorted(map(_condition, items), key=json.dumps)]
        case Or(items):
            return ["or", *sorted(map(_condition, items), key=json.dumps)]
        case AtLeast(count, refs):
            return ["at least", count, *sorted(ref.name for ref in refs)]


def _sha256(kind: str, value: object) -> str:
    text = json.dumps([kind, value], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
